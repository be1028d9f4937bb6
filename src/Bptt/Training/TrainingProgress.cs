// Where a training stands. Data only.

using Bptt.Optimization;

namespace Bptt.Training;

/// <summary>What a running training tells, as often as <see cref="TrainerOptions.ProgressInterval"/> says and once more
/// when it ends.</summary>
public sealed record TrainingProgress
{
    internal TrainingProgress()
    {
    }

    /// <summary>Epochs that are done.</summary>
    public int Epoch { get; internal init; }

    /// <summary>The most epochs.</summary>
    public int MaxEpochs { get; internal init; }

    /// <summary>Updates that are done, those left out included.</summary>
    public int Updates { get; internal init; }

    /// <summary>The training loss after the last epoch, penalties included.</summary>
    public double Loss { get; internal init; }

    /// <summary>The validation loss after the last epoch; null without a validation set.</summary>
    public double? ValidationLoss { get; internal init; }

    /// <summary>The loss of the best weights: on the validation set where there is one, otherwise in
    /// training.</summary>
    public double BestLoss { get; internal init; }

    /// <summary>The epoch after which the weights were best.</summary>
    public int BestEpoch { get; internal init; }

    /// <summary>The weights as they are now, and h_0 where it is learned. They never change, so that they may be looked
    /// at on another thread while the training goes on; telling them copies nothing.</summary>
    public Parameters Parameters { get; internal init; } = null!;

    /// <summary>The gradient's norm, as <see cref="EpochRecord.GradientNorm"/>.</summary>
    public double? GradientNorm { get; internal init; }

    /// <summary>The learning rate of the next update; null for methods that have none.</summary>
    public double? LearningRate { get; internal init; }

    /// <summary>The time that the training has taken, in runs that it was resumed from too.</summary>
    public TimeSpan Elapsed { get; internal init; }

    /// <summary>The time that all epochs will still take at the pace of this run; null before its second
    /// epoch.</summary>
    public TimeSpan? Remaining { get; internal init; }
}
