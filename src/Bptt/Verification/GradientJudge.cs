// What the numbers of a gradient check mean: passed, failed, or not to be told. Computes no derivative.

using Bptt.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>A derivative of the loss, and how it was computed.</summary>
internal readonly record struct Derivative(NumericalDerivative Number, DerivativeMethod Method)
{
    /// <summary>The same, to be compared with a gradient that may have lost so much to underflow; a zero beside a
    /// certain one stays certain.</summary>
    public Derivative Within(double lost, double analytic) => Number.Uncertainty == 0.0 && analytic == 0.0
        ? this
        : this with { Number = Number with { Uncertainty = Number.Uncertainty + lost } };
}

internal static class GradientJudge
{
    /// <summary>A failure needs an error of so many times the uncertainty, over all entries.</summary>
    private const double ClearOverall = 3.0;

    /// <summary>The same for one entry, of which there are many to go wrong by chance, and for one direction.</summary>
    private const double ClearInOneEntry = 10.0;

    /// <summary>What rounding may do to one entry of any gradient, beside the norm of all: an entry that is a sum of
    /// terms that cancel has no digits below that.</summary>
    private const double RoundingOfEntry = 8.0 * MachineEpsilon.OfDouble;

    private const int NamedEntries = 5;

    /// <summary>Judges one parameter by its checked entries.</summary>
    public static ParameterCheck Judge(
        EntryName[] names, double[] analytic, Derivative[] numeric, int entryCount, double tolerance)
    {
        // In units of the largest, so that no norm overflows or vanishes.
        double largest = Math.Max(VectorMath.MaxAbs(analytic), numeric.Max(n => Math.Abs(n.Number.Value)));
        int exponent = -VectorMath.Exponent(largest);
        double A(int i) => Math.ScaleB(analytic[i], exponent);
        double N(int i) => Math.ScaleB(numeric[i].Number.Value, exponent);
        double Norm(Func<int, double> select) => VectorMath.Norm([.. Enumerable.Range(0, names.Length).Select(select)]);
        double scale = Math.Max(Norm(A), Norm(N));
        double error = Norm(i => A(i) - N(i));
        double uncertainty = Norm(i => Math.ScaleB(numeric[i].Number.Uncertainty, exponent));

        // Rounding is alike in all entries, so what is typical of them bounds an entry whose estimates agree by chance.
        double[] known = [.. numeric.Select(n => n.Number.Uncertainty).Where(double.IsFinite)];
        double typical = Math.Max(
            VectorMath.Norm(known) / Math.Sqrt(Math.Max(1, known.Length)),
            Math.ScaleB(RoundingOfEntry * scale, -exponent));
        CheckedEntry[] entries = [.. Enumerable.Range(0, names.Length).Select(i => new CheckedEntry(
            names[i],
            analytic[i],
            numeric[i].Number,
            numeric[i].Method,
            Allowed(analytic[i], numeric[i].Number, Math.Max(numeric[i].Number.Uncertainty, typical))))];

        Verdict verdict =
            error > Math.Max(tolerance * scale, ClearOverall * uncertainty)
                || Array.Exists(entries, e => e.ErrorOverTolerance > 1.0) ? Verdict.Failed
            : error <= tolerance * scale && uncertainty <= tolerance * scale ? Verdict.Passed
            : Verdict.Inconclusive;
        return new ParameterCheck(
            names[0].Parameter,
            verdict,
            entryCount,
            entries.Length,
            Over(error, scale),
            Over(uncertainty, scale),
            [.. entries.OrderByDescending(e => e.ErrorOverTolerance).ThenByDescending(e => e.Error).Take(
                NamedEntries)]);

        double Allowed(double a, NumericalDerivative n, double noise) =>
            Math.Max(tolerance * Math.Max(Math.Abs(a), Math.Abs(n.Value)), ClearInOneEntry * noise);
    }

    /// <summary>Judges one direction.</summary>
    /// <param name="parameters">What it moves.</param>
    /// <param name="analytic">⟨gradient, v⟩.</param>
    /// <param name="expected">‖gradient ∘ v‖.</param>
    /// <param name="numeric">What the loss itself gives.</param>
    /// <param name="tolerance">The relative error that passes.</param>
    public static DirectionCheck Judge(
        IReadOnlyList<string> parameters, double analytic, double expected, Derivative numeric, double tolerance)
    {
        double scale = Math.Max(expected, Math.Abs(numeric.Number.Value));
        double error = Math.Abs(analytic - numeric.Number.Value);
        double uncertainty = numeric.Number.Uncertainty;
        double noise = Math.Max(uncertainty, RoundingOfEntry * scale);
        Verdict verdict =
            error > Math.Max(tolerance * scale, ClearInOneEntry * noise) ? Verdict.Failed
            : error <= tolerance * scale && uncertainty <= tolerance * scale ? Verdict.Passed
            : Verdict.Inconclusive;
        return new DirectionCheck(
            parameters, verdict, analytic, numeric.Number, numeric.Method, Over(error, scale));
    }

    private static double Over(double part, double whole) => part == 0.0 ? 0.0 : part / whole;
}
