// What a training does with NaN and infinity. Names only.

namespace Bptt.Training;

/// <summary>What happens when a loss, a gradient or a weight is NaN or infinite. Weights are never moved by such in any
/// case.</summary>
public enum NonFinitePolicy
{
    /// <summary>The training ends, and its result holds the best weights up to there.</summary>
    StopAndKeepBest,

    /// <summary>The update is left out and counted, and the training goes on with the next; it ends when every update of an
    /// epoch was left out, since then nothing changes any more.</summary>
    SkipUpdate,

    /// <summary>A <see cref="TrainingDivergedException"/> is thrown, which holds the result.</summary>
    Throw,
}
