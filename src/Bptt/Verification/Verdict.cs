// What a check concludes, and the same in words. Judges nothing.

namespace Bptt.Verification;

/// <summary>The outcome of a check, from the best to the worst.</summary>
public enum Verdict
{
    /// <summary>What was checked agrees with its independent counterpart.</summary>
    Passed,

    /// <summary>It cannot be told: rounding, a loss that is not smooth here, or numbers that are not finite hide a
    /// disagreement as well as an agreement.</summary>
    Inconclusive,

    /// <summary>What was checked disagrees by clearly more than rounding explains.</summary>
    Failed,
}

internal static class VerdictWords
{
    /// <summary>As every check prints it; a failure in capitals, so that it is not overlooked.</summary>
    public static string InWords(this Verdict verdict) => verdict switch
    {
        Verdict.Passed => "passed",
        Verdict.Failed => "FAILED",
        _ => "cannot be told",
    };
}
