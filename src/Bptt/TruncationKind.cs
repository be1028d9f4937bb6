// The rules by which back-propagation through time is truncated. Data only.

namespace Bptt;

/// <summary>How a <see cref="Truncation"/> chooses what it leaves out.</summary>
public enum TruncationKind
{
    /// <summary>Each loss reaches k steps back: <see cref="Truncation.Lags"/>.</summary>
    Lags,

    /// <summary>The gradient is cut between windows of k steps: <see cref="Truncation.Windows"/>.</summary>
    Windows,

    /// <summary>The gradient is cut at random steps and scaled between them:
    /// <see cref="Truncation.Randomized"/>.</summary>
    Randomized,
}
