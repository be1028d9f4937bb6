// What a gradient check found for one parameter. Plain data; never NaN.

using Bptt.Edge;

namespace Bptt.Verification;

/// <summary>What was found for one parameter.</summary>
public sealed class ParameterCheck
{
    internal ParameterCheck(
        string parameter,
        Verdict verdict,
        int entryCount,
        int checkedCount,
        double relativeError,
        double relativeUncertainty,
        IReadOnlyList<CheckedEntry> worstEntries)
    {
        Parameter = parameter;
        Verdict = verdict;
        EntryCount = entryCount;
        CheckedCount = checkedCount;
        RelativeError = relativeError;
        RelativeUncertainty = relativeUncertainty;
        WorstEntries = worstEntries;
    }

    /// <summary>W_hx, W_hh, W_qh, h_0, x (∂L/∂x_t of every step of every sequence) or o (∂L/∂o_t, formula
    /// (1)).</summary>
    public string Parameter { get; }

    /// <summary>The outcome.</summary>
    public Verdict Verdict { get; }

    /// <summary>How many entries the parameter has.</summary>
    public int EntryCount { get; }

    /// <summary>How many of them were checked.</summary>
    public int CheckedCount { get; }

    /// <summary>‖analytic − numeric‖ / max(‖analytic‖, ‖numeric‖) over the checked entries; 0 where all are zero on
    /// both sides.</summary>
    public double RelativeError { get; }

    /// <summary>The norm of the uncertainties over the same divisor: what a right gradient may show as error. 0 where
    /// all entries are zero on both sides for certain, +∞ where nothing can be told of one of them.</summary>
    public double RelativeUncertainty { get; }

    /// <summary>The checked entry with the largest error over what is allowed to it.</summary>
    public CheckedEntry Worst => WorstEntries[0];

    /// <summary>The worst entries, up to five, the worst first.</summary>
    public IReadOnlyList<CheckedEntry> WorstEntries { get; }

    /// <summary>The verdict and its numbers; where it is not a pass, the worst entries in lines of their own.</summary>
    public override string ToString() =>
        $"{Parameter}: {Verdict.InWords()}, relative error {NumberText.Size(RelativeError)}, "
        + $"uncertainty {NumberText.Size(RelativeUncertainty)}, {CheckedCount} of {EntryCount} entries"
        + (Verdict == Verdict.Passed ? "" : string.Concat(WorstEntries.Select(e => $"\n    {e}")));
}
