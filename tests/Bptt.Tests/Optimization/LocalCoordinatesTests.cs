// Fewer coordinates give the same step: the equations of all parameters hold for it, whatever is learned, penalised or
// given, and however the passes are run.

using Bptt.LinearAlgebra;
using Bptt.Optimization;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Optimization;

public class LocalCoordinatesTests
{
    private readonly Examples _examples = new(seed: 71);

    public enum Start
    {
        Zero,
        Given,
        Learned,
    }

    [Theory]
    [InlineData(Start.Zero, 0.0, 1)]
    [InlineData(Start.Zero, 0.3, 1)]
    [InlineData(Start.Given, 0.0, 1)]
    [InlineData(Start.Given, 0.3, 1)]
    [InlineData(Start.Learned, 0.0, 1)]
    [InlineData(Start.Learned, 0.3, 1)]
    [InlineData(Start.Zero, 0.0, 8)]
    [InlineData(Start.Zero, 0.3, 8)]
    [InlineData(Start.Given, 0.0, 8)]
    [InlineData(Start.Learned, 0.0, 8)]
    [InlineData(Start.Learned, 0.3, 8)]
    public void A_step_solves_the_system_of_all_parameters(Start start, double penalty, int chunkLength)
    {
        foreach ((int d, int h, int q) in new[] { (1, 6, 1), (2, 7, 2), (3, 5, 1), (1, 2, 3) })
        {
            int[] lengths = [203, 64, 5];
            LinearRnn model = _examples.Model(d, h, q, 0.95);
            Matrix<double> initial = _examples.Matrix(h, lengths.Length);
            var loss = new TrainingLoss(
                _examples.Batch(d, lengths),
                Objective.Huber(_examples.Batch(q, lengths)),
                new TrainingLossOptions
                {
                    InitialStates = start == Start.Given ? initial : null,
                    Regularizers = penalty == 0.0 ? [] : [new L2Regularizer(penalty)],
                    Execution = chunkLength == 1
                        ? new ExecutionOptions { Recurrence = Recurrence.Sequential }
                        : Lifting.LiftedPassTests.Lifted(chunkLength),
                });
            var parameters = new Parameters(model, start == Start.Learned ? initial : null);
            TrainingPoint at = loss.Evaluate(parameters);
            string why = $"d = {d}, h = {h}, q = {q}, {_examples}";
            at.Forward.Method.ChunkLength.Should().Be(chunkLength, why);
            var system = new FactoredSystem(loss, at, penalty, n => new TriangularFactor(n), default);
            double damping = 1e-2 * system.Scale;
            var step = Vector<double>.Build.DenseOfArray(system.Solve(damping, default));

            double[] product = new double[parameters.Count];
            CurvatureOperator.GaussNewton(at, penalty).Multiply(step.AsArray(), product);
            Vector<double> left = Vector<double>.Build.DenseOfArray(product)
                + damping * step.PointwiseMultiply(Vector<double>.Build.DenseOfArray(system.Metric));
            Vector<double> gradient = at.GradientVector();
            (left + gradient).L2Norm().Should().BeLessThan(1e-10 * gradient.L2Norm(), why);
        }
    }

    [Fact]
    public void Directions_that_change_no_output_are_left_out_of_long_problems_alone()
    {
        Count(1, 8, 1, steps: 5000).Should().Be(16);
        Count(2, 6, 3, steps: 5000).Should().Be(30);
        Count(1, 8, 1, steps: 2).Should().Be(80);

        // Weights that are zero have fewer such directions, and no direction that changes outputs may be lost.
        var zero = new LinearRnn(
            Matrix<double>.Build.Dense(3, 1), Matrix<double>.Build.Dense(3, 3), Matrix<double>.Build.Dense(1, 3));
        TrainingPoint at = Loss(1, 1, 500).Evaluate(new Parameters(zero));
        Coordinates(at).Count.Should().Be(15);
    }

    [Fact]
    public void The_diagonal_is_that_of_all_parameters()
    {
        TrainingLoss loss = Loss(2, 1, 900);
        TrainingPoint at = loss.Evaluate(new Parameters(_examples.Model(2, 5, 1, 0.9)));
        var system = new FactoredSystem(loss, at, 0.0, n => new TriangularFactor(n), default);
        var curvature = CurvatureOperator.GaussNewton(at, 0.0);
        double largest = 0.0;
        for (int i = 0; i < at.Parameters.Count; i++)
        {
            double[] unit = new double[at.Parameters.Count];
            double[] product = new double[unit.Length];
            unit[i] = 1.0;
            curvature.Multiply(unit, product);
            largest = Math.Max(largest, product[i]);
        }
        system.Scale.Should().BeApproximately(largest, 1e-10 * largest, $"{_examples}");
    }

    private int Count(int d, int h, int q, int steps) =>
        Coordinates(Loss(d, q, steps).Evaluate(new Parameters(_examples.Model(d, h, q, 0.9)))).Count;

    private TrainingLoss Loss(int d, int q, int steps) =>
        new(_examples.Batch(d, steps), Objective.SquaredError(_examples.Batch(q, steps)));

    private static LocalCoordinates Coordinates(TrainingPoint at)
    {
        double[] ones = new double[at.Parameters.Count];
        Array.Fill(ones, 1.0);
        return LocalCoordinates.At(at, ones, mayLeaveOut: true);
    }
}
