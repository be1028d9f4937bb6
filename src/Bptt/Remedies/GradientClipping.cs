// What every clipping of gradients has in common. Chooses no rule; the rules are its subclasses.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Remedies;

/// <summary>
/// A rule that makes gradients smaller where they are large, between the backward pass and the optimiser: the remedy
/// against exploding gradients. Immutable; may be used from many threads, and so must a subclass of your own.
/// </summary>
/// <remarks>
/// <see cref="GlobalNormClipping"/> keeps the direction, <see cref="MatrixNormClipping"/> the direction within each
/// matrix, <see cref="ValueClipping"/> the signs. Of the identities that <c>GradientCertificate</c> proves, the gauge
/// identity is linear in all gradients together and so holds after one common factor only, which
/// <see cref="ClippedGradients.Factor"/> tells; certify before clipping otherwise.
/// </remarks>
/// <example>
/// <code>
/// // One clipped step by hand, certified: clipping by the global norm multiplies by one factor.
/// ClippedGradients clipped = new GlobalNormClipping(0.1).Apply(backward.Gradients);
/// var certificate = GradientCertificate.Run(backward, clipped.Gradients, clipped.Factor ?? 1.0);
/// LinearRnn next = new Sgd(learningRate: 0.5).Step(model, clipped.Gradients);
/// Console.WriteLine($"{certificate.Verdict}: norm {clipped.NormBefore:G3}, W_qh moves to {next.Wqh[0, 0]:G4}");
/// </code>
/// </example>
public abstract class GradientClipping
{
    /// <summary>What an entry may be off where one factor is claimed for all, relatively.</summary>
    private const double Rounding = 1e-14;

    /// <summary>Creates a clipping.</summary>
    protected GradientClipping()
    {
    }

    /// <summary>Clips the gradients of the weights, and of the initial states where they are learned.</summary>
    /// <param name="gradients">∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh.</param>
    /// <param name="initialStateGradients">∂L/∂h_0, h×B; null where h_0 is not learned.</param>
    /// <returns>The clipped gradients, with the norm before. Cost O(h(h + d + q + B)).</returns>
    /// <exception cref="ArgumentNullException"><paramref name="gradients"/> is null.</exception>
    /// <exception cref="ArgumentException">A gradient is NaN or infinite, or that of h_0 has other than h
    /// rows.</exception>
    /// <exception cref="ArithmeticException">A clipping of your own gives NaN or infinity.</exception>
    /// <exception cref="InvalidOperationException">It tells another factor than it multiplied by.</exception>
    public ClippedGradients Apply(Gradients gradients, Matrix<double>? initialStateGradients = null)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        gradients.RequireFinite(nameof(gradients));
        ParameterArray clipped = gradients.Entries.Copy();
        Matrix<double>? clippedStates = null;
        if (initialStateGradients is not null)
        {
            Guard.Shape(
                initialStateGradients,
                gradients.Entries.HiddenSize,
                initialStateGradients.ColumnCount,
                "h×B",
                nameof(initialStateGradients));
            Guard.Finite(initialStateGradients, nameof(initialStateGradients));
            clippedStates = Matrix<double>.Build.DenseOfMatrix(initialStateGradients);
        }
        Span<double> states = clippedStates is null ? [] : clippedStates.AsColumnMajorArray();
        var entries = new GradientEntries(clipped, states);
        double before = entries.Norm();
        double? factor = Clip(entries);
        Check(gradients.Entries.Values, clipped.Values, factor);
        Check(initialStateGradients is null ? [] : initialStateGradients.ColumnMajor(), states, factor);
        return factor == 1.0
            ? new ClippedGradients(gradients, clippedStates, before, factor)
            : new ClippedGradients(new Gradients(clipped), clippedStates, before, factor);
    }

    /// <summary>Every setting, such as $"norm {MaxNorm}": two of one type with the same text behave alike, and a
    /// checkpoint compares it. Written alike under every culture.</summary>
    protected abstract FormattableString Settings { get; }

    /// <summary>The name with every setting.</summary>
    public sealed override string ToString() => NumberText.Named(this, Settings);

    /// <summary>Clips in place.</summary>
    /// <param name="gradients">Finite numbers, and so they must stay.</param>
    /// <returns>The one factor that all were multiplied by, 1 where they are untouched; null where there is
    /// none.</returns>
    protected abstract double? Clip(GradientEntries gradients);

    /// <summary>x ← min(1, θ/‖x‖) x for the numbers of two spans together.</summary>
    /// <returns>The factor; 1 where the numbers are untouched.</returns>
    private protected static double ScaleToNorm(double maxNorm, Span<double> x, Span<double> y)
    {
        if (Norm(x, y) <= maxNorm)
        {
            return 1.0;
        }

        // Scaled by a power of two to a norm near 1 first, so that neither the norm nor θ/‖x‖ leaves the range of
        // doubles.
        int exponent = Math.ILogB(Math.Max(VectorMath.MaxAbs(x), VectorMath.MaxAbs(y)));
        VectorMath.ScaleByPowerOfTwo(-exponent, x);
        VectorMath.ScaleByPowerOfTwo(-exponent, y);
        double factor = maxNorm / Norm(x, y);
        VectorMath.Scale(factor, x);
        VectorMath.Scale(factor, y);
        return Math.ScaleB(factor, -exponent);
    }

    private static double Norm(ReadOnlySpan<double> x, ReadOnlySpan<double> y) =>
        VectorMath.Norm([VectorMath.Norm(x), VectorMath.Norm(y)]);

    /// <summary>Refuses what a subclass may not do: NaN and infinity, and another factor than it tells.</summary>
    private void Check(ReadOnlySpan<double> before, ReadOnlySpan<double> after, double? told)
    {
        if (VectorMath.FirstNonFinite(after) is int index and >= 0)
        {
            throw new ArithmeticException(
                $"{this}: expected finite gradients after clipping, got {NumberText.Exact(after[index])}.");
        }
        if (told is not double factor)
        {
            return;
        }
        for (int i = 0; i < after.Length; i++)
        {
            // The factor may be subnormal, and so rounded to a multiple of ε alone.
            double tolerance = Rounding * Math.Abs(factor * before[i]) + double.Epsilon * (4.0 + Math.Abs(before[i]));
            if (!(Math.Abs(after[i] - factor * before[i]) <= tolerance))
            {
                throw new InvalidOperationException(
                    $"{this}: expected every gradient to be multiplied by the factor that it tells, "
                    + $"{NumberText.Exact(factor)}, got {NumberText.Exact(after[i])} "
                    + $"for {NumberText.Exact(before[i])}; where there is no one factor it is null.");
            }
        }
    }
}
