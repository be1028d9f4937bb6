// The split of ∂L/∂W_hh by lags against truncated passes, which share no code with it but the kernels.

using Bptt.Diagnostics;
using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Diagnostics;

public class LagDecompositionTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-12;

    [Fact]
    public void What_no_loss_stands_against_may_overflow()
    {
        // Pulled back 31 steps the first output's row exceeds the largest double, but its gradients are zero.
        var whh = Matrix<double>.Build.DenseOfDiagonalArray([1e10, 0.5]);
        var model = new LinearRnn(Matrix<double>.Build.DenseOfArray(new double[,] { { 0 }, { 1 } }), whh, Matrix<double>.Build.DenseIdentity(2));
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 40, 1));
        var backward = BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(2, 40, (i, _) => i));

        var lags = LagDecomposition.Of(backward);

        lags.LagCount.Should().Be(40);
        lags.ContributionShares.Sum().Should().BeApproximately(1.0, 1e-13);
        lags.Contribution(35).Enumerate().Should().OnlyContain(value => double.IsFinite(value));
    }

    [Fact]
    public void All_parts_sum_to_the_gradient_and_partial_sums_are_truncated_gradients_in_every_way()
    {
        var worst = new WorstError();
        double worstError = 0.0;
        for (int seed = 0; seed < 33; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            int[] lengths = Array.ConvertAll(scenario.Problem.Inputs, inputs => inputs.GetLength(1));
            BackwardThroughTime backward = scenario.RunBackward(Ways.Some(seed).For(scenario.Problem.HiddenSize, lengths));
            var lags = LagDecomposition.Of(backward);
            lags.IsComplete.Should().BeTrue();
            lags.LagCount.Should().Be(lengths.Max());

            Matrix<double> whole = backward.Gradients.Whh;
            Matrix<double> sum = whole * 0.0;
            for (int k = 1; k <= lags.LagCount; k++)
            {
                Matrix<double> part = lags.Contribution(k - 1);
                sum += part;
                Gradients truncated = BackwardThroughTime.Run(
                    backward.Forward,
                    scenario.Objective,
                    backward.Options with { Truncation = Truncation.Lags(k) }).Gradients;
                string where = $"{scenario.Settings}, {k} lags";
                double scale = Math.Max(sum.FrobeniusNorm(), lags.ContributionNorms.Take(k).Max());
                worst.Add(scale == 0.0 ? 0.0 : (sum - truncated.Whh).FrobeniusNorm() / scale, where);

                double error = whole.FrobeniusNorm() == 0.0 ? 0.0 : (truncated.Whh - whole).FrobeniusNorm() / whole.FrobeniusNorm();
                worstError = Math.Max(worstError, Math.Abs(lags.TruncationErrors[k - 1] - error) / Math.Max(1.0, error));
                lags.ContributionNorms[k - 1].Should().BeApproximately(part.FrobeniusNorm(), 1e-12 * part.FrobeniusNorm());
                double cosine = Inner(truncated.Whh, whole) / (truncated.WhhNorm() * whole.FrobeniusNorm());
                lags.TruncationCosines[k - 1].Should().BeApproximately(double.IsNaN(cosine) ? 0.0 : cosine, 1e-10, where);
            }
            worst.Add((sum - whole).FrobeniusNorm() / Math.Max(whole.FrobeniusNorm(), 1e-300), scenario.Settings.ToString());
            if (whole.FrobeniusNorm() > 0.0)
            {
                lags.ContributionShares.Sum().Should().BeApproximately(1.0, 1e-10, scenario.Settings.ToString());
            }
        }
        output.WriteLine($"Worst relative error of sums: {worst}; of truncation errors: {worstError:0.0e-0}");
        worst.Value.Should().BeLessThan(Tolerance, worst.Where);
        worstError.Should().BeLessThan(Tolerance);
    }

    [Fact]
    public void The_smallest_window_is_the_first_from_which_the_error_stays_small()
    {
        // h = 1: C_k falls by 0.9 with each lag where states and gradients are constant but for the ends.
        var forward = ForwardPass.Run(
            new LinearRnn(One(1), One(0.9), One(1)), Matrix<double>.Build.Dense(1, 400, 1.0), Vector<double>.Build.Dense(1, 10.0));
        var backward = BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 400, 1.0));
        var lags = LagDecomposition.Of(backward);

        int k = lags.SmallestWindow()!.Value;
        lags.TruncationErrors[k - 1].Should().BeLessThanOrEqualTo(0.01);
        lags.TruncationErrors[k - 2].Should().BeGreaterThan(0.01);
        Math.Pow(0.9, k).Should().BeApproximately(0.01, 0.001, "the error is the rest of a geometric series");
        lags.SmallestWindow(0.5).Should().Be(7, "0.9⁷ = 0.478");
        lags.SmallestWindow(1e-300).Should().BeGreaterThan(300);
        LagDecomposition.Of(backward, maxLag: 5).SmallestWindow().Should().BeNull();
        lags.ContributionNorms[0].Should().BeApproximately(4000.0, 1e-8);
    }

    [Fact]
    public void Fewer_lags_are_the_first_ones_of_all()
    {
        RandomScenario scenario = ScenarioTable.Of(3, 5, 2, 17, 1.0).First();
        BackwardThroughTime backward = scenario.RunBackward();
        var all = LagDecomposition.Of(backward);
        var few = LagDecomposition.Of(backward, maxLag: 3);
        (few.LagCount, few.IsComplete).Should().Be((4, false));
        few.ContributionNorms.Should().Equal(all.ContributionNorms.Take(4));
        few.TruncationErrors.Should().Equal(all.TruncationErrors.Take(4));
        LagDecomposition.Of(backward, maxLag: int.MaxValue).LagCount.Should().Be(all.LagCount);
        few.Invoking(l => l.Contribution(4)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_contribution_is_made_of_the_lag_form()
    {
        var examples = new Examples(seed: 61);
        var forward = ForwardPass.Run(examples.Model(2, 4, 3), examples.Matrix(2, 9), examples.Vector(4));
        var backward = BackwardThroughTime.Run(forward, examples.Matrix(3, 9));
        Matrix<double> expected = Matrix<double>.Build.Dense(4, 4);
        for (int t = 1; t + 5 <= 9; t++)
        {
            Vector<double> pulled = ClosedForm.StateJacobian(forward.Model, 5).Transpose()
                * forward.Model.Wqh.Transpose() * backward.OutputGradient(t + 5);
            expected += pulled.OuterProduct(forward.HiddenState(t - 1));
        }
        (LagDecomposition.Of(backward).Contribution(5) - expected).FrobeniusNorm()
            .Should().BeLessThan(1e-14 * expected.FrobeniusNorm());
    }

    [Fact]
    public void Zero_gradients_one_step_and_powers_that_overflow_unused_leave_no_NaN()
    {
        var still = ForwardPass.Run(new LinearRnn(One(0), One(1), One(1)), Matrix<double>.Build.Dense(1, 3));
        var none = LagDecomposition.Of(BackwardThroughTime.Run(still, Matrix<double>.Build.Dense(1, 3, 1.0)));
        none.TruncationErrors.Should().OnlyContain(e => e == 0.0);
        none.ContributionShares.Should().OnlyContain(s => s == 0.0);
        none.SmallestWindow().Should().Be(1);

        var one = ForwardPass.Run(new LinearRnn(One(1), One(1), One(1)), One(1), Vector<double>.Build.Dense(1, 2.0));
        LagDecomposition.Of(BackwardThroughTime.Run(one, One(3))).ContributionNorms.Should().Equal(6.0);

        // The losses end at step 20, before (20)ᵏ overflows.
        var growing = ForwardPass.Run(new LinearRnn(One(1), One(20), One(1)), Matrix<double>.Build.Dense(1, 230, (_, t) => t == 0 ? 1.0 : 0.0));
        var backward = BackwardThroughTime.Run(growing, Matrix<double>.Build.Dense(1, 230, (_, t) => t < 20 ? 1.0 : 0.0));
        var lags = LagDecomposition.Of(backward);
        lags.ContributionNorms.Should().OnlyContain(v => double.IsFinite(v));
        lags.ContributionShares.Sum().Should().BeApproximately(1.0, 1e-12);
    }

    [Fact]
    public void What_has_no_split_is_refused()
    {
        var examples = new Examples(seed: 62);
        var forward = ForwardPass.Run(examples.Model(1, 2, 1), examples.Matrix(1, 4));
        var backward = BackwardThroughTime.Run(forward, examples.Matrix(1, 4));
        var truncated = BackwardThroughTime.Run(
            forward, examples.Matrix(1, 4), new BackwardOptions { Truncation = Truncation.Windows(2) });
        FluentActions.Invoking(() => LagDecomposition.Of(truncated)).Should().Throw<ArgumentException>().WithMessage("*windows of 2 steps*");
        FluentActions.Invoking(() => LagDecomposition.Of(backward, -1)).Should().Throw<ArgumentOutOfRangeException>();
        LagDecomposition.Of(backward).Invoking(l => l.SmallestWindow(0)).Should().Throw<ArgumentOutOfRangeException>();

        var exploding = ForwardPass.Run(new LinearRnn(One(1), One(1e200), One(1)), Matrix<double>.Build.Dense(1, 4, 1.0));
        var infinite = BackwardThroughTime.Run(exploding, Matrix<double>.Build.Dense(1, 4, 1.0));
        FluentActions.Invoking(() => LagDecomposition.Of(infinite))
            .Should().Throw<ArithmeticException>().WithMessage("*finite ∂L/∂W_hh*step 3*");
    }

    private static double Inner(Matrix<double> a, Matrix<double> b) => a.PointwiseMultiply(b).ColumnSums().Sum();

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);
}
