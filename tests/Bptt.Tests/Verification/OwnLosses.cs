// Losses as a user may write them: by their textbook formula, which cancels near a fit. In real numbers only.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

/// <summary>ℓ = Σ_i w φ(o_i − y_i).</summary>
/// <param name="name">For the messages of tests.</param>
/// <param name="targets">q×T.</param>
/// <param name="weight">w.</param>
/// <param name="loss">φ.</param>
/// <param name="slope">φ′, without cancellation.</param>
internal sealed class OwnLoss(
    string name, Matrix<double> targets, double weight, Func<double, double> loss, Func<double, double> slope)
    : Objective
{
    /// <summary>Every one, of the targets q×T.</summary>
    public static IReadOnlyList<Func<Matrix<double>, Objective>> All { get; } =
    [
        y => new OwnLoss("√(1 + r²) − 1", y, 1.0, r => Math.Sqrt(1.0 + r * r) - 1.0, r => r / Math.Sqrt(1.0 + r * r)),
        y => new OwnLoss("log cosh r", y, 1.0, LogCosh, Math.Tanh),
        y => new OwnLoss("10⁴ r⁴", y, 1e4, r => r * r * r * r, r => 4.0 * r * r * r),
        y => new OwnLoss("1 − cos r", y, 1.0, r => 1.0 - Math.Cos(r), Math.Sin),
        y => new OwnLoss("log(1 + r²)", y, 1.0, r => Math.Log(1.0 + r * r), r => 2.0 * r / (1.0 + r * r)),
        y => new OwnLoss("1 − exp(−r²)", y, 1.0, r => 1.0 - Math.Exp(-r * r), r => 2.0 * r * Math.Exp(-r * r)),
        y => new OwnLoss("r² + 1", y, 1.0, r => (r * r) + 1.0, r => 2.0 * r),
        y => new OwnLoss("10⁶ (√(1 + r²) − 1)", y, 1e6, r => Math.Sqrt(1.0 + r * r) - 1.0,
            r => r / Math.Sqrt(1.0 + r * r)),
    ];

    public override string ToString() => name;

    /// <summary>log cosh r, which for a large r would overflow on the way.</summary>
    private static double LogCosh(double r) =>
        Math.Abs(r) < 700.0 ? Math.Log(Math.Cosh(r)) : Math.Abs(r) - Math.Log(2.0);

    protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
    {
        double sum = 0.0;
        for (int i = 0; i < output.Length; i++)
        {
            sum += weight * loss(output[i] - targets[i, t - 1]);
        }
        return sum;
    }

    protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        for (int i = 0; i < output.Length; i++)
        {
            gradient[i] = weight * slope(output[i] - targets[i, t - 1]);
        }
    }
}
