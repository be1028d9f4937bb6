// What a check concludes.

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
