// Where the sequences of an identification start from.

namespace Bptt.Identification;

/// <summary>What h_0 is in an identification.</summary>
public enum SubspaceInitialStates
{
    /// <summary>Each sequence has its own, estimated with W_hx: for long sequences that do not start at rest.</summary>
    Estimated,

    /// <summary>Zero: W_hx is the best for a network that always starts at rest.</summary>
    Zero,
}
