// An objective as a user would write it: ℓ = Σ_k log cosh(o_k − y_k), ∂ℓ/∂o_k = tanh(o_k − y_k),
// ∂²ℓ/∂o_k² = 1 − tanh²(o_k − y_k).

namespace Bptt.Tests.Reference;

internal sealed class LogCoshObjective(double[][,] targets, Reduction reduction) : Objective(reduction)
{
    // log cosh r = |r| + log(1 + e^{−2|r|}) − log 2 does not overflow.
    protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
    {
        double sum = 0.0;
        for (int k = 0; k < output.Length; k++)
        {
            double absolute = Math.Abs(output[k] - targets[sequence][k, t - 1]);
            sum += absolute + double.LogP1(Math.Exp(-2.0 * absolute)) - Math.Log(2.0);
        }
        return sum;
    }

    protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        for (int k = 0; k < output.Length; k++)
        {
            gradient[k] = Math.Tanh(output[k] - targets[sequence][k, t - 1]);
        }
    }

    protected internal override bool IsTwiceDifferentiable => true;

    protected internal override void StepCurvature(
        ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product)
    {
        for (int k = 0; k < output.Length; k++)
        {
            double tanh = Math.Tanh(output[k] - targets[sequence][k, t - 1]);
            product[k] = (1.0 - tanh) * (1.0 + tanh) * direction[k];
        }
    }
}
