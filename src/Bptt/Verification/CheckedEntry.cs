// One entry of a gradient beside the same derivative computed from the loss itself. Plain data; never NaN.

using Bptt.Edge;

namespace Bptt.Verification;

/// <summary>How a derivative was computed from the loss.</summary>
public enum DerivativeMethod
{
    /// <summary>Central differences, with a large step where the loss is quadratic and extrapolated to step zero
    /// elsewhere.</summary>
    Differences,

    /// <summary>A complex step: exact to rounding.</summary>
    ComplexStep,
}

/// <summary>One entry of a gradient beside its numerical counterpart.</summary>
public sealed class CheckedEntry
{
    internal CheckedEntry(
        EntryName name, double analytic, NumericalDerivative derivative, DerivativeMethod method, double allowed)
    {
        Name = name;
        Analytic = analytic;
        Numeric = derivative.Value;
        Uncertainty = derivative.Uncertainty;
        Method = method;
        ErrorOverTolerance = Error == 0.0 ? 0.0 : double.IsPositiveInfinity(allowed) ? 0.0 : Error / allowed;
    }

    /// <summary>W_hx, W_hh, W_qh, h_0, x or o.</summary>
    public string Parameter => Name.Parameter;

    /// <summary>From 0.</summary>
    public int Row => Name.Row;

    /// <summary>From 0, in the matrix of the parameter: for h_0 the sequence, for x and o the column t − 1 of the
    /// sequence's matrix.</summary>
    public int Column => Name.Column;

    /// <summary>The sequence, from 0; null for a weight.</summary>
    public int? Sequence => Name.Sequence;

    /// <summary>The step: from 1 for x and o, 0 for h_0; null for a weight.</summary>
    public int? Step => Name.Step;

    /// <summary>The gradient checked.</summary>
    public double Analytic { get; }

    /// <summary>What the loss itself gives; 0 where it gives nothing, and then the uncertainty is +∞.</summary>
    public double Numeric { get; }

    /// <summary>How far <see cref="Numeric"/> is likely to be off; +∞ where the loss tells nothing.</summary>
    public double Uncertainty { get; }

    /// <summary>How <see cref="Numeric"/> was computed.</summary>
    public DerivativeMethod Method { get; }

    /// <summary>|analytic − numeric|.</summary>
    public double Error => Math.Abs(Analytic - Numeric);

    /// <summary>The error over what is allowed to this entry: the tolerance times its own size, or ten times what
    /// rounding may do to it where that is more. Above 1 the entry is wrong, and so is the gradient. 0 where both sides
    /// are the same, or nothing can be told.</summary>
    public double ErrorOverTolerance { get; }

    internal EntryName Name { get; }

    /// <summary>The entry and the numbers in one line.</summary>
    public override string ToString() =>
        $"{Name}: analytic {NumberText.Significant(Analytic, 9)}, numeric {NumberText.Significant(Numeric, 9)} "
        + $"± {NumberText.Size(Uncertainty)}, error over tolerance {NumberText.Significant(ErrorOverTolerance, 3)}";
}

/// <summary>Which entry of which parameter.</summary>
internal readonly record struct EntryName(string Parameter, int Row, int Column, int? Sequence = null, int? Step = null)
{
    /// <summary>As in a text: W_hh[1, 2], or x_7[0] of sequence 3.</summary>
    public override string ToString() => Sequence is null
        ? $"{Parameter}[{Row}, {Column}]"
        : Step == 0 ? $"{Parameter}[{Row}] of sequence "
            + $"{Sequence}" : $"{Parameter}_{Step}[{Row}] of sequence {Sequence}";
}
