// The objectives in complex numbers: on the real numbers the real loss, and by a complex step its gradient.

using System.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class ComplexLossTests
{
    private readonly Examples _examples = new(seed: 84);

    [Theory]
    [InlineData(1.0)]
    [InlineData(1e-6)]
    [InlineData(1000.0)] // exponentials of such numbers overflow
    public void They_are_the_real_loss_and_its_gradient(double size)
    {
        const int steps = 40;
        Matrix<double> outputs = _examples.Matrix(3, steps, size);
        ForwardPass forward = ForwardPassWith(outputs);
        Matrix<double> targets = _examples.Matrix(3, steps, size);
        int[] labels = [.. Enumerable.Range(0, steps).Select(t => t % 3)];
        foreach (Objective objective in new[]
        {
            Objective.SquaredError(targets), Objective.Huber(targets, delta: 0.5 * size),
            Objective.CrossEntropy(labels),
        })
        {
            objective.IsAnalytic.Should().BeTrue();
            Matrix<double> gradients = BackwardThroughTime.Run(forward, objective).OutputGradients();
            double sum = 0;
            for (int t = 1; t <= steps; t++)
            {
                Complex[] output = [.. outputs.Column(t - 1).Select(o => new Complex(o, 0))];
                sum += objective.StepLoss(output, 0, t).Real;
                double scale = gradients.Column(t - 1).AbsoluteMaximum();
                for (int k = 0; k < 3; k++)
                {
                    const double step = 1e-30;
                    output[k] += new Complex(0, step);
                    double derivative = objective.StepLoss(output, 0, t).Imaginary / step / steps;
                    derivative.Should().BeApproximately(
                        gradients[k, t - 1], (1e-14 * scale) + 1e-270, "below that a step of 1e-30 underflows");
                    output[k] = outputs[k, t - 1];
                }
            }
            (sum / steps).Should().BeApproximately(objective.Loss(forward), 1e-14 * objective.Loss(forward));
        }
    }

    /// <summary>A pass with the given outputs.</summary>
    private static ForwardPass ForwardPassWith(Matrix<double> outputs)
    {
        int q = outputs.RowCount;
        var identity = Matrix<double>.Build.DenseIdentity(q);
        return ForwardPass.Run(new LinearRnn(identity, Matrix<double>.Build.Dense(q, q), identity), outputs);
    }
}
