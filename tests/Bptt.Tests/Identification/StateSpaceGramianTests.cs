// Gramians, Hankel singular values and balanced coordinates against their equations and sums.

using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class StateSpaceGramianTests
{
    [Theory]
    [InlineData(1, 1, 1, 0.5)]
    [InlineData(2, 5, 1, 0.9)]
    [InlineData(1, 7, 3, 0.999)]
    [InlineData(6, 3, 5, 0.1)]
    public void Gramians_solve_their_Lyapunov_equations(int d, int n, int q, double radius)
    {
        StateSpace system = Random(d, n, q, radius, seed: n);
        Matrix<double> wc = system.ControllabilityGramian;
        Matrix<double> wo = system.ObservabilityGramian;

        (system.A * wc * system.A.Transpose() + system.B * system.B.Transpose() - wc).InfinityNorm()
            .Should().BeLessThan(1e-13 * wc.InfinityNorm());
        (system.A.Transpose() * wo * system.A + system.C.Transpose() * system.C - wo).InfinityNorm()
            .Should().BeLessThan(1e-13 * wo.InfinityNorm());
    }

    [Fact]
    public void A_transient_that_grows_a_millionfold_is_summed_whole()
    {
        // Σ_k A^k B Bᵀ (Aᵀ)^k ends after n terms; the largest is the last.
        const int n = 6;
        Matrix<double> a = Matrix<double>.Build.Dense(n, n, (i, j) => i == j + 1 ? 1e6 : 0);
        Matrix<double> b = Matrix<double>.Build.Dense(n, 1, (i, _) => i == 0 ? 1 : 0);
        var system = new StateSpace(a, b, b.Transpose(), Matrix<double>.Build.Dense(1, 1));

        Vector<double> diagonal = system.ControllabilityGramian.Diagonal();
        for (int i = 0; i < n; i++)
        {
            diagonal[i].Should().BeApproximately(Math.Pow(1e12, i), 1e-12 * Math.Pow(1e12, i));
        }
    }

    [Fact]
    public void A_term_that_vanishes_before_a_large_one_does_not_end_the_sum()
    {
        // B Bᵀ is 1, A B Bᵀ Aᵀ is 1e-40, A² B Bᵀ (A²)ᵀ is 1e10.
        Matrix<double> a = Matrix<double>.Build.DenseOfRowArrays([0, 0, 0], [1e-20, 0, 0], [0, 1e25, 0]);
        Matrix<double> b = Matrix<double>.Build.DenseOfColumnArrays([1.0, 0, 0]);
        var system = new StateSpace(a, b, b.Transpose(), Matrix<double>.Build.Dense(1, 1));

        system.ControllabilityGramian[2, 2].Should().BeApproximately(1e10, 1e-3);
    }

    [Theory]
    [InlineData(1e170)]
    [InlineData(1e-170)]
    [InlineData(1e290)]
    public void The_unit_of_the_state_changes_no_Hankel_singular_value(double unit)
    {
        StateSpace system = Random(2, 4, 3, 0.7, seed: 8);
        var scaled = new StateSpace(system.A, unit * system.B, system.C / unit, system.D);
        (scaled.HankelSingularValues - system.HankelSingularValues).L2Norm()
            .Should().BeLessThan(1e-13 * system.HankelSingularValues.L2Norm());
    }

    [Fact]
    public void Hankel_singular_values_are_those_of_the_Hankel_matrix_of_the_impulse_response()
    {
        StateSpace system = Random(2, 4, 3, 0.5, seed: 3);
        IReadOnlyList<Matrix<double>> impulse = system.ImpulseResponse(161);
        var blocks = new Matrix<double>[80, 80];
        for (int i = 0; i < 80; i++)
        {
            for (int j = 0; j < 80; j++)
            {
                blocks[i, j] = impulse[i + j + 1];
            }
        }
        Vector<double> expected = Matrix<double>.Build.DenseOfMatrixArray(blocks).Svd(false).S;

        Vector<double> values = system.HankelSingularValues;

        values.Count.Should().Be(4);
        (values - expected.SubVector(0, 4)).InfinityNorm().Should().BeLessThan(1e-13 * expected[0]);
    }

    [Theory]
    [InlineData(1e80)]
    [InlineData(1e150)]
    [InlineData(1e-150)]
    public void Extreme_weights_have_Hankel_singular_values_too(double size)
    {
        StateSpace system = Random(2, 4, 3, 0.7, seed: 9);
        var extreme = new StateSpace(system.A, size * system.B, size * system.C, system.D);

        Vector<double> values = extreme.HankelSingularValues;

        ((values / size / size) - system.HankelSingularValues).L2Norm()
            .Should().BeLessThan(1e-13 * system.HankelSingularValues.L2Norm());
        extreme.Balance().Order.Should().Be(4);
    }

    [Fact]
    public void Hankel_singular_values_beyond_the_largest_double_are_refused()
    {
        StateSpace system = Random(2, 4, 3, 0.7, seed: 9);
        var extreme = new StateSpace(system.A, 1e200 * system.B, 1e200 * system.C, system.D);

        FluentActions.Invoking(() => extreme.HankelSingularValues).Should().Throw<ArithmeticException>();
    }

    [Fact]
    public void Without_a_recurrence_and_with_more_inputs_and_outputs_than_units_nothing_is_left_of_the_past()
    {
        LinearRnn model = new Examples(seed: 10).Model(3, 2, 4);
        var forgetful = new LinearRnn(model.Whx, Matrix<double>.Build.Dense(2, 2), model.Wqh);

        StateSpace.Of(forgetful).HankelSingularValues.Should().Equal(0.0, 0.0);
    }

    [Fact]
    public void A_wasted_hidden_unit_shows()
    {
        LinearRnn model = new Examples(seed: 4).Model(1, 4, 1, 0.8);
        Matrix<double> whx = model.Whx;
        Matrix<double> whh = model.Whh;
        whx.ClearRow(2);
        whh.ClearRow(2);

        Vector<double> values = StateSpace.Of(new LinearRnn(whx, whh, model.Wqh)).HankelSingularValues;

        values[2].Should().BeGreaterThan(1e-9 * values[0]);
        values[3].Should().BeLessThan(1e-15 * values[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Balanced_has_the_same_outputs_and_equal_diagonal_Gramians(bool hasStart)
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
            a,
            Matrix<double>.Build.DenseOfColumnArrays([1.0, 0, 1]),
            Matrix<double>.Build.DenseOfRowArrays([1.0, 1, 0]),
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
            Matrix<double>.Build.Dense(2, 2, 0.1),
            Matrix<double>.Build.Dense(2, 1),
            Matrix<double>.Build.Dense(1, 2, 1),
            direct).Balance();

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
            double Alternating(StateSpace s) =>
                s.ImpulseResponse(600).Select((g, t) => t % 2 == 0 ? g[0, 0] : -g[0, 0]).Sum();
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
