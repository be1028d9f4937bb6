// The losses after each epoch of a training. Data only.

namespace Bptt.Training;

/// <summary>The losses after some epochs.</summary>
/// <param name="Epoch">The epochs done; 0 is the start.</param>
/// <param name="Loss">The training loss at the weights as they were then, penalties included.</param>
/// <param name="ValidationLoss">The validation loss at the same weights, NaN where the state that it starts from is not
/// finite; null without a validation set.</param>
/// <param name="GradientNorm">With one update an epoch, ‖∂L/∂θ‖ before clipping at these weights; with more, the
/// largest of the epoch's updates, null at the start. Null where no update had a finite gradient.</param>
/// <param name="Seconds">The time taken up to then.</param>
public sealed record EpochRecord(int Epoch, double Loss, double? ValidationLoss, double? GradientNorm, double Seconds);
