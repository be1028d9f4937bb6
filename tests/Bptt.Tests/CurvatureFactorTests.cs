// The factors F Fᵀ = ∂²ℓ/∂o², F r = ∂ℓ/∂o: against matrices made from known eigenvalues, and the objectives' own; and
// how often second derivatives are asked for.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class CurvatureFactorTests
{
    private readonly Examples _examples = new(seed: 68);

    /// <summary>Positive, zero and negative eigenvalues, along the axes and not.</summary>
    [Theory]
    [InlineData(new[] { 2.0 })]
    [InlineData(new[] { 3.0, 0.5, 1.0 })]
    [InlineData(new[] { 3.0, 0.0, 1.0 })]
    [InlineData(new[] { 3.0, -2.0, 1.0, 0.0 })]
    [InlineData(new[] { 0.0, 0.0 })]
    [InlineData(new[] { -1.0, -4.0 })]
    public void Factors_reach_what_curves_upwards(double[] eigenvalues)
    {
        int q = eigenvalues.Length;
        foreach (Matrix<double> basis in new[] { Matrix<double>.Build.DenseIdentity(q), _examples.Matrix(q, q).QR().Q })
        {
            Matrix<double> curvature = basis * Matrix<double>.Build.Diagonal(eigenvalues) * basis.Transpose();
            Matrix<double> upwards = basis
                * Matrix<double>.Build.Diagonal(Array.ConvertAll(eigenvalues, e => Math.Max(e, 0.0)))
                * basis.Transpose();
            Vector<double> inside = upwards * _examples.Vector(q);
            Vector<double> outside = basis * Vector<double>.Build.Dense(q, i => eigenvalues[i] > 0.0 ? 0.0 : 1.0);
            foreach ((Vector<double> gradient, bool isWhole) in new[]
            {
                (inside, true), (inside + outside, outside.L2Norm() == 0.0), (0.0 * inside, true),
            })
            {
                double[] factor = new double[q * q];
                double[] residual = new double[q];
                Array.Fill(factor, double.NaN);
                Array.Fill(residual, double.NaN);
                Objective.CurvatureFactor.Of(
                    (v, product) => (curvature * Vector<double>.Build.Dense(v)).ToArray().CopyTo(product, 0),
                    gradient.ToArray(),
                    factor,
                    residual).Should().Be(isWhole, "eigenvalues {0}", string.Join(' ', eigenvalues));
                var f = Matrix<double>.Build.Dense(q, q, factor);
                ((f * f.Transpose()) - upwards).FrobeniusNorm().Should().BeLessThan(1e-12);
                ((f * Vector<double>.Build.Dense(residual)) - inside.Multiply(gradient.L2Norm() == 0.0 ? 0.0 : 1.0))
                    .L2Norm().Should().BeLessThan(1e-12);
            }
        }
    }

    [Fact]
    public void The_squared_error_has_the_identity_and_the_residual()
    {
        Matrix<double> targets = _examples.Matrix(3, 2);
        var objective = Objective.SquaredError(targets).WithNormalizer(5.0); // of ℓ alone: no factor counts
        Vector<double> output = _examples.Vector(3);
        double[] factor = new double[9];
        double[] residual = new double[3];
        objective.FactorCurvature(output.ToArray(), 0, 2, factor, residual).Should().BeTrue();
        factor.Should().Equal(1, 0, 0, 0, 1, 0, 0, 0, 1);
        residual.Should().Equal((output - targets.Column(1)).ToArray());
    }

    /// <summary>Within a budget too, where the passes go through several windows.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(1.2)]
    public void A_product_asks_once_for_the_curvature_of_each_step(double? partOfSmallestBudget)
    {
        LinearRnn model = _examples.Model(1, 4, 2);
        SequenceBatch inputs = _examples.Batch(1, 300, 120);
        var objective = new CountingCurvature();
        var options = new ExecutionOptions
        {
            Recurrence = Recurrence.Sequential,
            MemoryBudget = (long?)(partOfSmallestBudget * MemoryPlan.SmallestBudget(4, 1, inputs.Columns.Layout)),
        };
        var forward = ForwardPass.Run(model, inputs, options: options);
        (forward.MemoryPlan.WindowCount > 1).Should().Be(partOfSmallestBudget is not null);
        var curvature = LossCurvature.Of(BackwardThroughTime.Run(forward, objective));
        var direction = new TangentDirection { Whh = _examples.Matrix(4, 4) };
        curvature.HessianProduct(direction);
        objective.Calls.Should().Be(420);
        curvature.GaussNewtonProduct(direction);
        objective.Calls.Should().Be(840);
    }

    private sealed class CountingCurvature : Objective
    {
        private int _calls;

        public int Calls => _calls;

        protected internal override bool IsTwiceDifferentiable => true;

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            0.5 * output[0] * output[0];

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient[0] = output[0];

        protected internal override void StepCurvature(
            ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product)
        {
            Interlocked.Increment(ref _calls);
            product[0] = direction[0];
        }
    }
}
