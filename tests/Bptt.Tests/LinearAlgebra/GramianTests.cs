// The factor of a Gramian: it satisfies its equation, keeps small directions, and is refused where there is no sum.

using Bptt.Identification;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class GramianTests
{
    private readonly Examples _examples = new(seed: 2850);

    [Theory]
    [InlineData(1, 1, 0.5)]
    [InlineData(5, 2, 0.99)]
    [InlineData(3, 7, 0.2)]
    public void A_factor_solves_the_Lyapunov_equation(int states, int columns, double radius)
    {
        Matrix<double> a = _examples.Model(1, states, 1, radius).Whh;
        Matrix<double> b = _examples.Matrix(states, columns);

        Matrix<double> factor = Gramian.Factor(a, b);

        factor.ColumnCount.Should().BeLessThanOrEqualTo(states);
        Matrix<double> w = factor.TransposeAndMultiply(factor);
        (a * w * a.Transpose() + b.TransposeAndMultiply(b) - w).InfinityNorm()
            .Should().BeLessThan(1e-13 * w.InfinityNorm());
    }

    [Theory]
    [InlineData(1e-250)]
    [InlineData(1e250)]
    public void It_is_linear_in_the_columns_at_any_size(double size)
    {
        Matrix<double> a = _examples.Model(1, 4, 1, 0.8).Whh;
        Matrix<double> b = _examples.Matrix(4, 2);
        Matrix<double> expected = Gramian.Factor(a, b);
        Matrix<double> actual = Gramian.Factor(a, size * b) / size;

        (actual.TransposeAndMultiply(actual) - expected.TransposeAndMultiply(expected)).InfinityNorm()
            .Should().BeLessThan(1e-13 * expected.InfinityNorm() * expected.InfinityNorm());
    }

    [Fact]
    public void A_direction_that_hardly_anything_reaches_keeps_its_digits()
    {
        // The entry of W itself would be 1e-24 beside 1: its root is 1e-12, to 12 digits and more.
        var a = Matrix<double>.Build.DenseOfDiagonalArray([0.5, 0.5]);
        var b = Matrix<double>.Build.DenseOfDiagonalArray([1.0, 1e-12]);

        Matrix<double> factor = Gramian.Factor(a, b);

        factor.Row(1).L2Norm().Should().BeApproximately(1e-12 / Math.Sqrt(0.75), 1e-26);
    }

    [Fact]
    public void Nothing_reaches_nothing()
    {
        Gramian.Factor(_examples.Matrix(3, 3), Matrix<double>.Build.Dense(3, 2)).FrobeniusNorm().Should().Be(0.0);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1.5)]
    public void A_sum_that_does_not_exist_is_refused(double radius)
    {
        StateSpace system = Random(2, 5, 2, 0.9, seed: 5, hasStart);
        Matrix<double> inputs = new Examples(seed: 6).Matrix(2, 50);

        StateSpace balanced = system.Balance();

        balanced.Order.Should().Be(5);
        StateSpaceTests.Difference(balanced.Simulate(inputs), system.Simulate(inputs)).Should().BeLessThan(1e-11);
        // x_1 counts as one more input.
        var seen = new StateSpace(
            balanced.A, balanced.B.Append(balanced.InitialState.ToColumnMatrix()), balanced.C,
            balanced.D.Append(Matrix<double>.Build.Dense(2, 1)));
        var sigma = Matrix<double>.Build.DenseOfDiagonalVector(seen.HankelSingularValues);
        StateSpaceTests.Difference(seen.ControllabilityGramian, sigma).Should().BeLessThan(1e-10);
        StateSpaceTests.Difference(seen.ObservabilityGramian, sigma).Should().BeLessThan(1e-10);
    }

    [Fact]
    public void Balanced_leaves_out_what_takes_no_part_but_not_what_only_the_first_state_reaches()
    {
        // Mode 0: from input to output. 1: from x_1 alone. 2: no output sees it.
        var a = Matrix<double>.Build.DenseOfDiagonalArray([0.5, 0.7, 0.9]);
        var system = new StateSpace(
            a, Matrix<double>.Build.DenseOfColumnArrays([1.0, 0, 1]), Matrix<double>.Build.DenseOfRowArrays([1.0, 1, 0]),
            Matrix<double>.Build.Dense(1, 1), Vector<double>.Build.DenseOfArray([0.0, 2, 3]));
        Matrix<double> inputs = new Examples(seed: 7).Matrix(1, 30);

        StateSpace balanced = system.Balance();

        balanced.Poles.Select(p => Math.Round(p.Eigenvalue.Real, 10)).Should().Equal(0.7, 0.5);
        StateSpaceTests.Difference(balanced.Simulate(inputs), system.Simulate(inputs)).Should().BeLessThan(1e-12);
    }

    [Fact]
    public void A_system_without_effect_is_reduced_to_one_state()
    {
        var zero = Matrix<double>.Build.Dense(1, 1);
        Matrix<double> direct = zero + 3.0;
        StateSpace reduced = new StateSpace(
            Matrix<double>.Build.Dense(2, 2, 0.1), Matrix<double>.Build.Dense(2, 1), Matrix<double>.Build.Dense(1, 2, 1), direct).Balance();

        reduced.Order.Should().Be(1);
        reduced.Simulate(direct)[0, 0].Should().Be(9);
    }

    [Fact]
    public void The_error_of_a_reduced_system_keeps_Glovers_bound()
    {
        StateSpace system = Random(1, 8, 1, 0.9, seed: 8);
        Vector<double> sigma = system.HankelSingularValues;
        for (int order = 1; order < 8; order++)
        {
            StateSpace reduced = system.Reduce(order);

            reduced.Order.Should().Be(order);
            reduced.IsStable.Should().BeTrue();
            double bound = 2 * sigma.SubVector(order, 8 - order).Sum();
            (reduced.SteadyStateGain - system.SteadyStateGain).InfinityNorm().Should().BeLessThan(bound + 1e-12);
            // The gain at the highest frequency, where inputs alternate.
            double Alternating(StateSpace s) => s.ImpulseResponse(600).Select((g, t) => t % 2 == 0 ? g[0, 0] : -g[0, 0]).Sum();
            Math.Abs(Alternating(reduced) - Alternating(system)).Should().BeLessThan(bound + 1e-12);
        }
    }

    private static StateSpace Random(int d, int n, int q, double radius, int seed, bool hasStart = false)
    {
        var examples = new Examples(seed);
        return new StateSpace(
            examples.Model(1, n, 1, radius).Whh, examples.Matrix(n, d), examples.Matrix(q, n), examples.Matrix(q, d),
            hasStart ? examples.Vector(n) : null);
    }
}
