// ℓ(o_t, y_t) = ½‖o_t − y_t‖².

namespace Bptt;

internal sealed class SquaredErrorObjective(SequenceBatch targets, Reduction reduction)
    : TargetObjective(targets, reduction)
{
    /// <inheritdoc/>
    protected internal override bool IsQuadratic => true;

    /// <inheritdoc/>
    protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
    {
        ReadOnlySpan<double> target = Target(sequence, t);
        double sum = 0.0;
        for (int i = 0; i < output.Length; i++)
        {
            double residual = output[i] - target[i];
            sum += residual * residual;
        }
        return 0.5 * sum;
    }

    /// <inheritdoc/>
    protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        ReadOnlySpan<double> target = Target(sequence, t);
        for (int i = 0; i < output.Length; i++)
        {
            gradient[i] = output[i] - target[i];
        }
    }
}
