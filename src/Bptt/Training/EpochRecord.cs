// The losses after each epoch of a training. Data only.

namespace Bptt.Training;

/// <summary>The losses after some epochs. Immutable.</summary>
public sealed record EpochRecord
{
    internal EpochRecord(int epoch, double loss, double? validationLoss, double? gradientNorm, TimeSpan elapsed)
    {
        Epoch = epoch;
        Loss = loss;
        ValidationLoss = validationLoss;
        GradientNorm = gradientNorm;
        Elapsed = elapsed;
    }

    /// <summary>The epochs done; 0 is the start.</summary>
    public int Epoch { get; }

    /// <summary>The training loss at the weights as they were then, penalties included.</summary>
    public double Loss { get; }

    /// <summary>The validation loss at the same weights, NaN where the state that it starts from is not finite; null
    /// without a validation set.</summary>
    public double? ValidationLoss { get; }

    /// <summary>With one update an epoch, ‖∂L/∂θ‖ before clipping at these weights; with more, the largest of the
    /// epoch's updates, null at the start. Null where no update had a finite gradient.</summary>
    public double? GradientNorm { get; }

    /// <summary>The time that the training had taken up to then, in runs that it was resumed from too.</summary>
    public TimeSpan Elapsed { get; }
}
