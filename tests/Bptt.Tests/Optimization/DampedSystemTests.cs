// The parts of a damped Gauss-Newton step, each by its definition.

using Bptt.Optimization;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Optimization;

public class DampedSystemTests
{
    [Fact]
    public void A_learned_state_is_damped_by_the_length_of_its_own_sequence()
    {
        TrainingLoss loss = SecondOrder.LossOf(
            RandomScenario.Create(new ScenarioSettings(1, 2, 1, [8, 27], 0.8, ObjectiveKind.SquaredError, 5)),
            out Parameters parameters,
            learnsInitialStates: true);
        double[] metric = new IterativeSystem(loss.Evaluate(parameters), 0.0).Metric;
        metric[..parameters.WeightCount].Should().OnlyContain(m => m == 1.0);
        metric[parameters.WeightCount..].Zip([1.0 / 2.0, 1.0 / 2.0, 1.0 / 3.0, 1.0 / 3.0], (m, e) => Math.Abs(m - e))
            .Should().OnlyContain(error => error < 1e-14);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_penalty_adds_its_multiple_of_the_weights_alone_to_a_product(bool isHessian)
    {
        TrainingLoss loss = SecondOrder.LossOf(ScenarioTable.Random(6), out Parameters parameters, true);
        TrainingPoint at = loss.Evaluate(parameters);
        double[] vector = [.. Enumerable.Range(1, parameters.Count).Select(i => Math.Sin(i))];
        double[] plain = new double[vector.Length];
        double[] penalised = new double[vector.Length];
        Matrix(0.0).Multiply(vector, plain);
        Matrix(3.0).Multiply(vector, penalised);
        for (int i = 0; i < vector.Length; i++)
        {
            double expected = plain[i] + (i < parameters.WeightCount ? 3.0 * vector[i] : 0.0);
            penalised[i].Should().BeApproximately(expected, 1e-12 * (1.0 + Math.Abs(expected)), $"entry {i}");
        }

        CurvatureOperator Matrix(double penalty) =>
            isHessian ? CurvatureOperator.Hessian(at, penalty) : CurvatureOperator.GaussNewton(at, penalty);
    }

    /// <summary>Eigenvalues over eight decades, as those of a cross-entropy that is almost certain.</summary>
    [Fact]
    public void A_root_of_the_curvature_of_a_step_keeps_its_small_directions()
    {
        Matrix<double> basis = Matrix<double>.Build.Random(3, 3, seed: 7).QR().Q;
        Matrix<double> curvature =
            basis * Matrix<double>.Build.DenseOfDiagonalArray([1.0, 1e-4, 1e-8]) * basis.Transpose();
        Vector<double> gradient = basis * Vector<double>.Build.Dense([1.0, 1e-3, 1e-5]);
        double[] factor = new double[9];
        double[] residual = new double[3];
        Objective.CurvatureFactor.Of(
            (v, product) => (curvature * Vector<double>.Build.Dense(v)).AsArray().CopyTo(product, 0),
            gradient.AsArray(),
            factor,
            residual).Should().BeTrue();
        Matrix<double> root = Matrix<double>.Build.Dense(3, 3, factor);
        ((root * root.Transpose()) - curvature).L2Norm().Should().BeLessThan(1e-14);
        ((root * Vector<double>.Build.Dense(residual)) - gradient).L2Norm().Should().BeLessThan(1e-10);
    }
}
