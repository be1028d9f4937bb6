// The Taylor test: the remainder falls with the square of the step for gradients, and with the step for anything else.

using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Verification;

public class TaylorTestTests(ITestOutputHelper output)
{
    [Fact]
    public void Right_gradients_have_rate_two_and_wrong_ones_rate_one()
    {
        double lowest = double.PositiveInfinity;
        double highest = 0.0;
        for (int seed = 0; seed < 60; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            ForwardPass forward = scenario.Problem.RunForward();
            BackwardOptions options = LibraryConversions.Options(scenario.FinalStateGradients);
            var test = TaylorTest.Run(forward, scenario.Objective, options, seed);
            test.Verdict.Should().Be(Verdict.Passed, "{0}: {1}", scenario.Settings, test);
            if (test.Rate is double rate)
            {
                (lowest, highest) = (Math.Min(lowest, rate), Math.Max(highest, rate));
                test.Remainders.Should().HaveCountGreaterThanOrEqualTo(2);
                test.Remainders.Select(r => r.StepSize).Should().BeInDescendingOrder();
            }

            Gradients gradients = BackwardThroughTime.Run(forward, scenario.Objective, options).Gradients;
            TaylorTest.Run(forward, scenario.Objective, gradients, options, seed).Verdict
                .Should().Be(Verdict.Passed, "given by hand, {0}", scenario.Settings);
            var wrong = TaylorTest.Run(forward, scenario.Objective, 1.1 * gradients, options, seed);
            wrong.Verdict.Should().Be(Verdict.Failed, "{0}: {1}", scenario.Settings, wrong);
            wrong.Rate.Should().BeApproximately(1.0, 0.2, scenario.Settings.ToString());
        }
        output.WriteLine($"Rates {lowest:F3} to {highest:F3}");
    }

    [Fact]
    public void A_linear_loss_has_no_remainder_and_passes_where_the_slope_fits()
    {
        // h = 1, W_hh = 0 and given weights apart, ℓ = Σ o is linear in W_qh; here everything moves, so it is cubic.
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(0), One(1)), One(1));
        var objective = new SumOfOutputs();
        var test = TaylorTest.Run(forward, objective);
        test.Verdict.Should().Be(Verdict.Passed);

        // All weights but W_qh zero: the loss stays 0 to second order and its gradient is 0.
        var flat = ForwardPass.Run(new LinearRnn(One(0), One(0), One(0)), Matrix<double>.Build.Dense(1, 2));
        TaylorTest.Run(flat, objective).Verdict.Should().NotBe(Verdict.Failed);
    }

    [Fact]
    public void What_is_not_finite_is_inconclusive()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1e200), One(1)), Matrix<double>.Build.Dense(1, 4, 1.0));
        var test = TaylorTest.Run(forward, Objective.SquaredError(Matrix<double>.Build.Dense(1, 4)));
        (test.Verdict, test.Rate).Should().Be((Verdict.Inconclusive, null));
    }

    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-6)]
    [InlineData(1e-9)]
    public void Right_gradients_of_a_model_that_all_but_fits_are_not_called_wrong(double residual)
    {
        // Residuals are differences of outputs and targets: the loss has far fewer digits than its size tells.
        var examples = new Examples(seed: 57);
        for (int seed = 0; seed < 10; seed++)
        {
            var forward = ForwardPass.Run(examples.Model(2, 5, 2, 0.9), 1e8 * examples.Matrix(2, 30));
            Matrix<double> targets = forward.Outputs().PointwiseMultiply(1.0 + (residual * examples.Matrix(2, 30)));
            var objective = Objective.SquaredError(targets);
            var test = TaylorTest.Run(forward, objective, seed: seed);
            test.Verdict.Should().NotBe(Verdict.Failed, "residual {0}, seed {1}: {2}", residual, seed, test);
            Gradients gradients = BackwardThroughTime.Run(forward, objective).Gradients;
            TaylorTest.Run(forward, objective, 2.0 * gradients, seed: seed).Verdict
                .Should().NotBe(Verdict.Passed, "twice the gradient, residual {0}, seed {1}", residual, seed);
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var examples = new Examples(seed: 51);
        var forward = ForwardPass.Run(examples.Model(1, 2, 1), examples.Matrix(1, 4));
        var objective = Objective.SquaredError(examples.Matrix(1, 4));
        Gradients gradients = BackwardThroughTime.Run(forward, objective).Gradients;
        Refused(() => TaylorTest.Run(forward, Objective.SquaredError(examples.Matrix(1, 5))));
        Refused(() => TaylorTest.Run(forward, objective, double.NaN * gradients));
        Refused(() => TaylorTest.Run(forward, objective, new Gradients(One(1), One(1), One(1))));
        Refused(() => TaylorTest.Run(forward, null!));
        Refused(() => TaylorTest.Run(forward, objective, new BackwardOptions { Truncation = Truncation.Lags(2) }));
        Refused(() => TaylorTest.Run(
            forward, objective, gradients, new BackwardOptions { FinalStateGradients = examples.Matrix(3, 1) }));

        static void Refused(Action action) => action.Should().Throw<ArgumentException>();
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);

    private sealed class SumOfOutputs : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => output[0];

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient[0] = 1.0;
    }
}
