// The adjoint test: right gradients agree with forward mode to rounding, wrong ones do not.

using Bptt.Edge;
using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Verification;

public class AdjointTestTests(ITestOutputHelper output)
{
    [Fact]
    public void Right_gradients_pass_for_random_models()
    {
        double worst = 0.0;
        for (int seed = 0; seed < 60; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            BackwardThroughTime backward = scenario.RunBackward();
            var test = AdjointTest.Run(backward, directionCount: 3, seed: seed);
            test.Pairs.Should().HaveCount(3);
            test.Verdict.Should().Be(Verdict.Passed, "{0}: {1}", scenario.Settings, test);
            worst = Math.Max(worst, test.RelativeError);

            var given = AdjointTest.Run(
                backward.Forward,
                Batch(backward),
                backward.Gradients,
                backward.InitialStateGradients,
                backward.InputGradientBatch(),
                backward.Options.FinalStateGradients,
                directionCount: 3,
                seed: seed);
            given.RelativeError.Should().Be(test.RelativeError, "the numbers are the same, {0}", scenario.Settings);
            AdjointTest.Run(
                    backward.Forward,
                    Batch(backward),
                    backward.Gradients,
                    finalStateGradients: backward.Options.FinalStateGradients)
                .Verdict.Should().Be(Verdict.Passed, "the weights alone, {0}", scenario.Settings);
        }
        output.WriteLine($"Worst relative error: {worst:0.0e-0}");
    }

    [Fact]
    public void An_error_in_any_part_of_the_gradient_fails()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            BackwardThroughTime backward = scenario.RunBackward();
            Gradients g = backward.Gradients;
            Matrix<double>? final = backward.Options.FinalStateGradients;
            double error = 1e-4 * (g.GlobalNorm() + backward.InitialStateGradients.FrobeniusNorm() + backward.InputGradientBatch().Columns.All.ToMatrix().FrobeniusNorm());
            Matrix<double> With(Matrix<double> gradient)
            {
                gradient[gradient.RowCount / 2, gradient.ColumnCount / 2] += error;
                return gradient;
            }
            foreach ((Gradients gradients, Matrix<double> states) in new[]
            {
                (new Gradients(With(g.Whx), g.Whh, g.Wqh), backward.InitialStateGradients),
                (new Gradients(g.Whx, With(g.Whh), g.Wqh), backward.InitialStateGradients),
                (new Gradients(g.Whx, g.Whh, With(g.Wqh)), backward.InitialStateGradients),
                (g, With(backward.InitialStateGradients)),
            })
            {
                AdjointTest.Run(
                        backward.Forward, Batch(backward), gradients, states, backward.InputGradientBatch(), final)
                    .Verdict.Should().Be(Verdict.Failed, scenario.Settings.ToString());
            }
        }
    }

    [Fact]
    public void Zero_gradients_pass_and_what_overflows_is_inconclusive()
    {
        var zero = ForwardPass.Run(new LinearRnn(One(0), One(0), One(0)), Matrix<double>.Build.Dense(1, 3));
        var none = AdjointTest.Run(BackwardThroughTime.Run(zero, Matrix<double>.Build.Dense(1, 3)));
        (none.Verdict, none.RelativeError).Should().Be((Verdict.Passed, 0.0));

        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1e200), One(1)), Matrix<double>.Build.Dense(1, 4, 1.0));
        var test = AdjointTest.Run(BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 4, 1.0)));
        test.Verdict.Should().Be(Verdict.Inconclusive);
        test.RelativeError.Should().Be(double.PositiveInfinity);
    }

    [Fact]
    public void Gradients_that_all_but_vanish_are_not_called_wrong()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var examples = new Examples(seed);
            var forward = ForwardPass.Run(examples.Model(2, 5, 2, 0.9), examples.Matrix(2, 20));
            var backward = BackwardThroughTime.Run(forward, 1e-289 * examples.Matrix(2, 20));
            var test = AdjointTest.Run(backward, seed: seed);
            test.Verdict.Should().Be(Verdict.Inconclusive, "entries below 1E-290 are set to zero, seed {0}: {1}", seed, test);
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var examples = new Examples(seed: 41);
        var forward = ForwardPass.Run(examples.Model(1, 2, 1), examples.Matrix(1, 4));
        SequenceBatch outputGradients = examples.Batch(1, 4);
        var backward = BackwardThroughTime.Run(forward, outputGradients);
        var truncated = BackwardThroughTime.Run(
            forward, outputGradients, new BackwardOptions { Truncation = Truncation.Lags(2) });
        Refused(() => AdjointTest.Run(truncated), "*not truncated, got one of 2 lags*");
        Refused(() => AdjointTest.Run(backward, directionCount: 0), "*at least 1*");
        Refused(
            () => AdjointTest.Run(forward, outputGradients, new Gradients(One(1), One(1), One(1))), "*gradients*h = 2*");
        Refused(
            () => AdjointTest.Run(forward, outputGradients, double.NaN * backward.Gradients), "*gradients.Whx*finite*");
        Refused(
            () => AdjointTest.Run(forward, outputGradients, backward.Gradients, examples.Matrix(2, 2)),
            "*initialStateGradients: expected 2×1*");
        Refused(
            () => AdjointTest.Run(
                forward, outputGradients, backward.Gradients, inputGradients: examples.Batch(1, 5)),
            "*inputGradients*");

        static void Refused(Action action, string message) =>
            action.Should().Throw<ArgumentException>().WithMessage(message);
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);

    private static SequenceBatch Batch(BackwardThroughTime backward) => SequenceBatch.Pack(
        [.. Enumerable.Range(0, backward.Forward.SequenceCount).Select(backward.OutputGradients)]);
}
