// ℓ(o_t, y_t) = Σ_i huber(o_ti − y_ti): quadratic up to δ, linear beyond (Huber 1964).

using System.Numerics;
using Bptt.LinearRecurrence;

namespace Bptt;

internal sealed class HuberObjective(SequenceBatch targets, double delta, Reduction reduction)
    : TargetObjective(targets, reduction)
{
    /// <inheritdoc/>
    protected internal override bool IsAnalytic => true;

    private protected override Objective PartOf(SequencePart[] parts) =>
        new HuberObjective(TargetPart(parts), delta, Reduction);

    /// <summary>Everywhere but at |r| = δ, where the second derivative of the quadratic side is taken.</summary>
    protected internal override bool IsTwiceDifferentiable => true;

    /// <inheritdoc/>
    protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
    {
        ReadOnlySpan<double> target = Target(sequence, t);
        double sum = 0.0;
        for (int i = 0; i < output.Length; i++)
        {
            double distance = Math.Abs(output[i] - target[i]);
            sum += distance <= delta ? 0.5 * distance * distance : delta * (distance - 0.5 * delta);
        }
        return sum;
    }

    /// <inheritdoc/>
    protected internal override Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t)
    {
        ReadOnlySpan<double> target = Target(sequence, t);
        Complex sum = Complex.Zero;
        for (int i = 0; i < output.Length; i++)
        {
            Complex residual = output[i] - target[i];
            Complex distance = residual.Real < 0.0 ? -residual : residual;
            sum += distance.Real <= delta ? 0.5 * distance * distance : delta * (distance - 0.5 * delta);
        }
        return sum;
    }

    /// <inheritdoc/>
    protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        ReadOnlySpan<double> target = Target(sequence, t);
        for (int i = 0; i < output.Length; i++)
        {
            gradient[i] = Math.Clamp(output[i] - target[i], -delta, delta);
        }
    }

    /// <summary>∂²ℓ/∂o_t² is diagonal: 1 where |r| ≤ δ, 0 beyond.</summary>
    protected internal override void StepCurvature(
        ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product)
    {
        ReadOnlySpan<double> target = Target(sequence, t);
        for (int i = 0; i < output.Length; i++)
        {
            product[i] = Math.Abs(output[i] - target[i]) <= delta ? direction[i] : 0.0;
        }
    }
}
