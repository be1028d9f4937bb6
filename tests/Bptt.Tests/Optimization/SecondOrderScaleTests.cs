// Second-order methods far from unit size: losses whose squares are no numbers, and starts that explode.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps

using Bptt.Optimization;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Optimization;

public class SecondOrderScaleTests(ITestOutputHelper output)
{
    private const int MostSteps = 100;

    /// <summary>Inputs and targets times 2^k make the loss 4^k times as large and change no step.</summary>
    [Theory]
    [InlineData("factored")]
    [InlineData("iterative")]
    [InlineData("newton")]
    public void The_size_of_the_loss_changes_no_step(string method)
    {
        var examples = new Examples(seed: 31);
        Matrix<double> inputs = examples.Matrix(2, 40);
        Matrix<double> targets = ForwardPass.Run(examples.Model(2, 3, 2), inputs).Outputs();
        LinearRnn start = examples.Model(2, 3, 2);
        double expected = End(1.0).ToVector().L2Norm();
        foreach (int exponent in new[] { -330, 330, 460 })
        {
            Parameters end = End(Math.ScaleB(1.0, exponent));
            end.ToVector().L2Norm().Should().BeApproximately(expected, 1e-6 * expected, $"2^{exponent}");
        }

        Parameters End(double scale)
        {
            var loss = new TrainingLoss(SequenceBatch.Pack([scale * inputs]), Objective.SquaredError(scale * targets));
            (TrainingPoint point, int steps) = SecondOrder.Minimise(
                loss, new Parameters(start), Method(method), MostSteps);
            output.WriteLine($"{scale:0.0e-0}: {point.Loss:0.0e-0} in {steps} steps");
            steps.Should().BeInRange(5, MostSteps - 1);
            (point.Loss / scale / scale).Should().BeLessThan(1e-20);
            return point.Parameters;
        }
    }

    /// <summary>Many steps are refused here, some of them after the loss has fallen by less than was asked.</summary>
    [Theory]
    [InlineData("factored")]
    [InlineData("iterative")]
    [InlineData("newton")]
    public void A_start_that_explodes_is_left_downhill(string method)
    {
        var examples = new Examples(seed: 32);
        foreach (int length in new[] { 300, 600, 900 })
        {
            Matrix<double> inputs = examples.Matrix(1, length);
            Matrix<double> targets = ForwardPass.Run(Initializer.Orthogonal(1, 3, 1, seed: 4, 0.9), inputs).Outputs();
            var loss = new TrainingLoss(SequenceBatch.Pack([inputs]), Objective.SquaredError(targets));
            var start = new Parameters(Initializer.Orthogonal(1, 3, 1, seed: 1, 1.3));
            double first = loss.Loss(start);
            (TrainingPoint end, int steps) = SecondOrder.Minimise(loss, start, Method(method), MostSteps);
            output.WriteLine($"T = {length}: {first:0.0e-0} to {end.Loss:0.0e-0} in {steps} steps");
            end.Loss.Should().BeLessThan(1e-10 * first, $"T = {length}");
        }
    }

    /// <summary>Losses that fall while their gradients overflow, again and again: the point left stays
    /// readable.</summary>
    [Theory]
    [InlineData("factored")]
    [InlineData("iterative")]
    [InlineData("newton")]
    public void Points_whose_gradient_is_not_finite_are_passed_over(string method)
    {
        var examples = new Examples(seed: 33);
        Matrix<double> inputs = examples.Matrix(1, 30);
        var objective = new BrokenSlope(examples.Matrix(1, 30));
        var loss = new TrainingLoss(SequenceBatch.Pack([inputs]), objective);
        OptimizerStep step = Method(method).Step(loss, loss.Evaluate(new Parameters(examples.Model(1, 2, 1))), default);
        step.IsConverged.Should().BeTrue();
        step.Evaluated!.Backward.HiddenStateGradient(1).L2Norm().Should().BePositive();
        objective.Passes.Should().BeGreaterThan(3);
    }

    private static Optimizer Method(string name) => name switch
    {
        "factored" => new LevenbergMarquardt(),
        "iterative" => new LevenbergMarquardt(maxFactoredParameters: 0),
        _ => new TruncatedNewton(),
    };

    /// <summary>½(o − y)², whose gradient is infinite in every pass but the first.</summary>
    private sealed class BrokenSlope(Matrix<double> targets) : Objective(Reduction.Sum)
    {
        public int Passes { get; private set; }

        protected internal override bool IsTwiceDifferentiable => true;

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            0.5 * (output[0] - targets[0, t - 1]) * (output[0] - targets[0, t - 1]);

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            gradient[0] = output[0] - targets[0, t - 1];

        protected override double StepLossAndGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
            Passes += t == 1 ? 1 : 0;
            StepGradient(output, sequence, t, gradient);
            gradient[0] = Passes > 1 ? double.PositiveInfinity : gradient[0];
            return StepLoss(output, sequence, t);
        }

        protected internal override void StepCurvature(
            ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product) =>
            product[0] = direction[0];
    }
}
