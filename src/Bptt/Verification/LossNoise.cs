// How far the computed value of a loss is off by rounding: bounded where its formula is the library's, else measured
// from its values alone.

using Bptt.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Verification;

/// <summary>
/// The noise of a computed function by differences of values at equal spacings (Hamming 1962; Moré and Wild 2011,
/// "Estimating computational noise", ECNoise): differences of order k of a smooth function vanish with the spacing to
/// the power k, those of rounding stay, and grow by known factors.
/// </summary>
/// <remarks>Which spacing shows the rounding cannot be known beforehand: √(1 + r²) − 1 near r = 0 stays the same bit
/// for bit until r² moves by the rounding of 1. So spacings are tried from the rounding of a number on until the value
/// moves, and on from there as far as the value changes little. Noise is what is alike at two neighbouring spacings;
/// what grows with the spacing is a kink, or the function itself. Assumes that the function is not noisier elsewhere by
/// orders of magnitude.</remarks>
internal static class LossNoise
{
    private const int LowestExponent = -52;
    private const int HighestExponent = 1000;
    private const int ExponentStep = 2;

    /// <summary>Four units in the last place, and somewhat more.</summary>
    private static readonly int[] SmallExponents = [-50, -46];

    /// <summary>Values on either side of the centre.</summary>
    private const int Reach = 3;
    private const int Order = 2 * Reach;

    /// <summary>Differences of so many neighbouring orders must agree, within the factor <see cref="Alike"/>.</summary>
    private const int Agreeing = 3;
    private const double Alike = 4.0;

    /// <summary>Noise is the same at the next spacing, four times as wide, up to this factor.</summary>
    private const double Plateau = 3.0;

    /// <summary>From standard deviation to what is hardly ever exceeded.</summary>
    private const double Deviations = 4.0;

    /// <summary>Spacings up to which the value changes by so much of itself are looked at, and a few in any
    /// case.</summary>
    private const double LargestChange = 1e-3;
    private const int LeastSpacings = 6;

    /// <summary>γ_k = (k!)² / (2k)!, the square of the noise over that of a difference of order k.</summary>
    private static readonly double[] Gamma = [1.0, 1.0 / 2, 1.0 / 6, 1.0 / 20, 1.0 / 70, 1.0 / 252, 1.0 / 924];

    /// <summary>The noise of an objective near the outputs of a pass.</summary>
    public static double Near(ForwardPass forward, Objective objective) =>
        objective.Rounding(forward) ?? Measured(forward, objective);

    /// <summary>The noise of a loss of unknown formula: all outputs are moved at once, each by its own size or, where
    /// that is less, by what is typical of all.</summary>
    private static double Measured(ForwardPass forward, Objective objective)
    {
        PackedColumns outputs = forward.OutputColumns;
        double[] origin = outputs.All.Values.ToArray();
        double typical = VectorMath.RootMeanSquare(origin);
        double size = typical > 0.0 ? typical : 1.0;
        var random = new MersenneTwister(1, threadSafe: false);
        double[] direction = Array.ConvertAll(origin, value =>
            (random.Next(2) == 0 ? 1.0 : -1.0) * (0.5 + random.NextDouble()) * Math.Max(Math.Abs(value), size));
        return Of(s =>
        {
            double[] moved = (double[])origin.Clone();
            VectorMath.AddScaled(s, direction, moved);
            return objective.Loss(forward.WithOutputs(new PackedColumns(outputs.Rows, outputs.Layout, moved)));
        });
    }

    /// <summary>The noise of f near 0, of which an argument near 1 moves what f depends on by its own size.</summary>
    /// <returns>0 where no move changes the value.</returns>
    public static double Of(Func<double, double> f)
    {
        double centre = f(0.0);
        double noise = 0.0;
        double before = 0.0;
        double first = 0.0;
        int spacings = 0;
        for (int exponent = LowestExponent; exponent <= HighestExponent; exponent += ExponentStep)
        {
            double[] values = Values(f, Math.ScaleB(1.0, exponent));
            if (!Array.TrueForAll(values, double.IsFinite))
            {
                break;
            }
            double here = Estimate(values);
            first = first == 0.0 ? LeastChange(values) : first;
            if (before > 0.0 && here <= Plateau * before)
            {
                noise = Math.Max(noise, Math.Max(before, here));
            }
            before = here;
            spacings += IsSeen(values) ? 1 : 0;
            if (spacings >= LeastSpacings && Change(values, centre) > LargestChange)
            {
                break;
            }
        }
        return Deviations * Math.Max(noise, first);
    }

    /// <summary>The noise for moves of a few units in the last place: what they do to the value is what rounding on the
    /// way to it does, which a recurrence may amplify.</summary>
    public static double OfSmallMoves(Func<double, double> f)
    {
        double centre = f(0.0);
        double noise = 0.0;
        foreach (int exponent in SmallExponents)
        {
            double[] values = Values(f, Math.ScaleB(1.0, exponent));
            if (!Array.TrueForAll(values, double.IsFinite))
            {
                return double.PositiveInfinity;
            }
            double moved = values[(Reach - 2)..(Reach + 3)].Max(value => Math.Abs(value - centre));
            noise = Math.Max(
                noise, Math.Max(Deviations * Estimate(values), exponent == SmallExponents[0] ? moved : 0.0));
        }
        return noise;
    }

    private static double[] Values(Func<double, double> f, double spacing)
    {
        double[] values = new double[Order + 1];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = f((i - Reach + 0.5) * spacing); // not at the centre, where there may be a spike
        }
        return values;
    }

    /// <summary>Whether most moves are seen in the value, so that wider ones can only show the function
    /// itself.</summary>
    private static bool IsSeen(double[] values) =>
        2 * values.Zip(values.Skip(1)).Count(p => p.First != p.Second) > Order;

    /// <summary>The least by which neighbouring values differ, if they do: where hardly any did before, about the
    /// distance of the values that the function can have.</summary>
    private static double LeastChange(double[] values) => values.Zip(values.Skip(1))
        .Select(p => Math.Abs(p.Second - p.First))
        .Where(change => change > 0.0)
        .DefaultIfEmpty()
        .Min();

    private static double Change(double[] values, double centre) =>
        values.Max(v => Math.Abs(v - centre)) / values.Max(Math.Abs);

    /// <summary>The standard deviation of the noise at one spacing; 0 where there is none, or the differences are those
    /// of a function.</summary>
    private static double Estimate(double[] values)
    {
        if (!IsSeen(values))
        {
            return values.Zip(values.Skip(1)).Max(p => Math.Abs(p.Second - p.First)); // the height of a stair
        }
        double[] deviations = new double[Order + 1];
        bool[] changesSign = new bool[Order + 1];
        double[] differences = values;
        for (int order = 1; order <= Order; order++)
        {
            differences = [.. differences.Zip(differences.Skip(1), (left, right) => right - left)];
            changesSign[order] = differences.Min() < 0.0 && differences.Max() > 0.0;
            deviations[order] = Math.Sqrt(Gamma[order]) * VectorMath.RootMeanSquare(differences);
        }
        for (int order = 1; order + Agreeing - 1 <= Order; order++)
        {
            double[] some = deviations[order..(order + Agreeing)];
            if (changesSign[order] && some.Max() <= Alike * some.Min())
            {
                return deviations[order];
            }
        }
        return 0.0;
    }
}
