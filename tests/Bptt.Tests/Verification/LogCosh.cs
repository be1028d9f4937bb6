// ℓ = Σ log cosh(o − y), a user's objective in real numbers and, on request, in complex ones.

using System.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

/// <param name="targets">q×T.</param>
/// <param name="isAnalytic">Whether it says that it is given in complex numbers.</param>
/// <param name="complex">Σ log cosh in complex numbers, of one residual; the right one where null.</param>
internal sealed class LogCosh(Matrix<double> targets, bool isAnalytic, Func<Complex, Complex>? complex = null)
    : Objective
{
    protected internal override bool IsAnalytic => isAnalytic;

    protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
    {
        double sum = 0;
        for (int i = 0; i < output.Length; i++)
        {
            double size = Math.Abs(output[i] - targets[i, t - 1]);
            sum += size + double.LogP1(Math.Exp(-2 * size)) - Math.Log(2);
        }
        return sum;
    }

    protected internal override Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t)
    {
        Complex sum = 0;
        for (int i = 0; i < output.Length; i++)
        {
            Complex residual = output[i] - targets[i, t - 1];
            sum += complex is null ? Complex.Log(Complex.Cosh(residual)) : complex(residual);
        }
        return sum;
    }

    protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        for (int i = 0; i < output.Length; i++)
        {
            gradient[i] = Math.Tanh(output[i] - targets[i, t - 1]);
        }
    }
}
