// Where a training stands. Data only.

namespace Bptt.Training;

/// <summary>What a running training tells, about ten times a second at most and once more when it ends.</summary>
public sealed record TrainingProgress
{
    internal TrainingProgress()
    {
    }

    /// <summary>Epochs that are done.</summary>
    public required int Epoch { get; init; }

    /// <summary>The most epochs.</summary>
    public required int MaxEpochs { get; init; }

    /// <summary>Updates that are done, those left out included.</summary>
    public required int Updates { get; init; }

    /// <summary>The training loss after the last epoch, penalties included.</summary>
    public required double Loss { get; init; }

    /// <summary>The validation loss after the last epoch; null without a validation set.</summary>
    public required double? ValidationLoss { get; init; }

    /// <summary>The loss of the best weights: on the validation set where there is one, otherwise in
    /// training.</summary>
    public required double BestLoss { get; init; }

    /// <summary>The gradient's norm, as <see cref="EpochRecord.GradientNorm"/>.</summary>
    public required double? GradientNorm { get; init; }

    /// <summary>The learning rate of the next update; null for methods that have none.</summary>
    public required double? LearningRate { get; init; }

    /// <summary>The time that the training has taken, in runs that it was resumed from too.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The time that all epochs will still take at the pace of this run; null before its second
    /// epoch.</summary>
    public required TimeSpan? Remaining { get; init; }
}
