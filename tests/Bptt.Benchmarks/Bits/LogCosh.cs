// An objective as a user of the library writes it: ℓ = Σ_k log cosh(o_k − y_k).

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Bits;

internal sealed class LogCosh(SequenceBatch targets, Reduction reduction) : Objective(reduction)
{
    private readonly Matrix<double>[] _targets = [.. Enumerable.Range(0, targets.Count).Select(targets.Sequence)];

    /// <inheritdoc/>
    protected internal override bool IsTwiceDifferentiable => true;

    /// <inheritdoc/>
    protected override void CheckFits(ForwardPass forward) => CheckTargets(targets, forward);

    /// <inheritdoc/>
    protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
    {
        double sum = 0.0;
        for (int k = 0; k < output.Length; k++)
        {
            double absolute = Math.Abs(output[k] - _targets[sequence][k, t - 1]);
            sum += absolute + double.LogP1(Math.Exp(-2.0 * absolute)) - Math.Log(2.0);
        }
        return sum;
    }

    /// <inheritdoc/>
    protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        for (int k = 0; k < output.Length; k++)
        {
            gradient[k] = Math.Tanh(output[k] - _targets[sequence][k, t - 1]);
        }
    }

    /// <inheritdoc/>
    protected internal override void StepCurvature(
        ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product)
    {
        for (int k = 0; k < output.Length; k++)
        {
            double tanh = Math.Tanh(output[k] - _targets[sequence][k, t - 1]);
            product[k] = (1.0 - tanh) * (1.0 + tanh) * direction[k];
        }
    }
}
