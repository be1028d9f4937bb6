// The complex objectives checked by hand: step losses, and how they become one number.

using System.Numerics;

namespace Bptt.Tests.Reference;

public class ComplexObjectiveTests
{
    // Sequence 0 has residuals 1, 2, 3 and sequence 1 has residual 4: losses 0.5, 2, 4.5 and 8.
    private static readonly double[][,] Outputs = [new double[,] { { 1, 2, 3 } }, new double[,] { { 4 } }];

    private static readonly double[][,] Zeros = Outputs.Map(_ => 0.0);

    [Theory]
    [InlineData(Reduction.MeanPerStep, 15.0 / 4)]
    [InlineData(Reduction.MeanPerSequence, ((7.0 / 3) + 8) / 2)]
    [InlineData(Reduction.Sum, 15.0)]
    public void Reductions_are_those_by_hand(Reduction reduction, double expected) =>
        Loss(reduction, null, null).Should().BeApproximately(expected, 1e-14);

    [Theory]
    [InlineData(Reduction.MeanPerStep, 15.0 / 5)]
    [InlineData(Reduction.MeanPerSequence, ((7.0 / 3) + 8) / 5)]
    [InlineData(Reduction.Sum, 15.0 / 5)]
    public void A_normaliser_takes_the_place_of_the_divisor(Reduction reduction, double expected) =>
        Loss(reduction, null, 5).Should().BeApproximately(expected, 1e-14);

    [Theory]
    [InlineData(Reduction.MeanPerStep, ((2 * 0.5) + 4.5) / 3)]
    [InlineData(Reduction.MeanPerSequence, ((2 * 0.5) + 4.5) / 3)]
    [InlineData(Reduction.Sum, (2 * 0.5) + 4.5)]
    public void Weighted_means_divide_by_the_weights_and_leave_masked_sequences_out(
        Reduction reduction, double expected) =>
        Loss(reduction, [[2, 0, 1], [0]], null).Should().BeApproximately(expected, 1e-14);

    [Fact]
    public void Step_losses_and_their_derivatives_are_those_by_hand()
    {
        double[][,] output = [new double[,] { { 0.25 }, { -2 } }];
        double[][,] zero = [new double[,] { { 0 }, { 0 } }];

        Check(ComplexObjective.SquaredError(zero), (0.0625 + 4) / 2, 0.25, -2);
        Check(ComplexObjective.Huber(zero, 0.5), (0.0625 / 2) + (0.5 * (2 - 0.25)), 0.25, -0.5);
        Check(
            ComplexObjective.LogCosh(zero),
            Math.Log(Math.Cosh(0.25)) + Math.Log(Math.Cosh(2)),
            Math.Tanh(0.25),
            -Math.Tanh(2));
        double sum = Math.Exp(0.25) + Math.Exp(-2);
        Check(
            ComplexObjective.CrossEntropy([[1]]),
            Math.Log(sum) + 2,
            Math.Exp(0.25) / sum,
            (Math.Exp(-2) / sum) - 1);

        void Check(ComplexStepLoss stepLoss, double loss, double first, double second)
        {
            var objective = new ComplexObjective(stepLoss, Reduction.Sum, null, null);
            objective.Loss(output.Map(o => (Complex)o)).Real.Should().BeApproximately(loss, 1e-14);
            double[,] gradient = objective.Gradients(output)[0];
            gradient[0, 0].Should().BeApproximately(first, 1e-14);
            gradient[1, 0].Should().BeApproximately(second, 1e-14);
        }
    }

    private static double Loss(Reduction reduction, double[][]? weights, double? normalizer) =>
        new ComplexObjective(ComplexObjective.SquaredError(Zeros), reduction, weights, normalizer)
            .Loss(Outputs.Map(o => (Complex)o)).Real;
}
