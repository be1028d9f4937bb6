// How large the powers of a matrix become before they fade. Knows no RNN.

using Bptt.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>max ‖Aᵏ‖₂ over k ≥ 0.</summary>
/// <param name="Growth">The maximum; +∞ where the powers grow without bound.</param>
/// <param name="Peak">The k that attains it; 0 where it is infinite.</param>
/// <param name="IsCertain">Whether no other k can be larger.</param>
internal sealed record TransientSearch(double Growth, int Peak, bool IsCertain)
{
    private static readonly TransientSearch Unbounded = new(double.PositiveInfinity, 0, true);

    /// <summary>Growth by a defective mode of modulus 1 doubles at least at each doubling of k; seen so many times in a
    /// row it is no interference of modes.</summary>
    private const int SeenDoublings = 6;

    private const double ShareAtRadiusOne = 0.1;

    /// <summary>What a product of the smallest matrices costs, in floating-point operations.</summary>
    private const double WorkOfCall = 20_000.0;

    /// <summary>What a spectral norm costs, in products.</summary>
    private const double ProductsOfNorm = 15.0;

    /// <summary>
    /// Takes one power after the other up to the first with norm at most 1: A^(am + r) is a product of Aᵐ's, which make
    /// nothing larger, with A^r, which has been seen.
    /// </summary>
    /// <param name="powers">Of A.</param>
    /// <param name="log2Radius">log₂ of its spectral radius.</param>
    /// <param name="maxWork">Operations after which it takes only the powers 2, 4, 8, ….</param>
    public static TransientSearch Of(MatrixPowers powers, double log2Radius, double maxWork)
    {
        double rounding = 16.0 * powers.Size * Math.Max(1.0, Math.Pow(2.0, Math.Min(powers.Log2Norm(0), 100.0)));
        double tolerance = rounding * MachineEpsilon.OfDouble;
        if (log2Radius > tolerance || (log2Radius > -tolerance && GrowsForGood(powers)))
        {
            return Unbounded;
        }

        // At radius 1 no power makes anything smaller, but by luck: certainty is not to be had by searching longer.
        maxWork *= log2Radius > -tolerance ? ShareAtRadiusOne : 1.0;
        double work = 0.0;
        double workOfStep = 2.0 * Math.Pow(powers.Size, 3) + WorkOfCall;
        double largest = 0.0;
        long peak = 0;
        ScaledMatrix a = powers.Square(0);
        ScaledMatrix power = a;
        for (long k = 1; work <= maxWork; k++, power = powers.Times(power, a))
        {
            work += workOfStep;
            double bound = power.Log2FrobeniusNorm;
            double allowed = 4.0 * powers.Size * k * MachineEpsilon.OfDouble;
            if (bound <= allowed && bound <= largest)
            {
                return Found(isCertain: true);
            }
            if (bound <= largest && bound - 0.5 * Math.Log2(powers.Size) > allowed)
            {
                continue; // neither the largest nor at most 1
            }
            work += ProductsOfNorm * workOfStep;
            double norm = power.Log2Norm;
            if (norm > largest + allowed)
            {
                largest = norm;
                peak = k;
            }
            if (norm <= allowed)
            {
                return Found(isCertain: true);
            }
        }

        for (int level = 1; level < 31 && powers.IsAccurate(level); level++)
        {
            if (powers.Log2Norm(level) > largest)
            {
                largest = powers.Log2Norm(level);
                peak = 1L << level;
            }
        }
        return Found(isCertain: false);

        TransientSearch Found(bool isCertain) => new(Math.Pow(2.0, largest), (int)peak, isCertain);
    }

    /// <summary>Whether the powers of a matrix of spectral radius 1 keep growing, as those of a Jordan block
    /// do.</summary>
    private static bool GrowsForGood(MatrixPowers powers)
    {
        int seen = 0;
        for (int level = 1; level <= 36; level++)
        {
            seen = powers.Log2Norm(level) - powers.Log2Norm(level - 1) > 0.6 ? seen + 1 : 0;
        }
        return seen >= SeenDoublings;
    }
}
