// The closed forms against the recursion of the engine and against the independent general term in scalars.

using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Verification;

public class ClosedFormTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-12;

    [Fact]
    public void The_general_term_gives_what_the_recursion_gives_truncated_or_not()
    {
        var worst = new WorstError();
        for (int seed = 300; seed < 330; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            ForwardPass forward = scenario.Problem.RunForward();
            foreach (Truncation? truncation in new[]
            {
                null, Truncation.Lags(1), Truncation.Lags(4), Truncation.Windows(1), Truncation.Windows(3),
                Truncation.Randomized(4, seed),
            })
            {
                BackwardOptions options =
                    LibraryConversions.Options(scenario.FinalStateGradients) with { Truncation = truncation };
                var backward = BackwardThroughTime.Run(forward, scenario.Objective, options);
                ScalarGradients<double> expected = backward.ToArrays();
                string where = $"{scenario.Settings}, {truncation?.ToString() ?? "not truncated"}";
                Gradients closed = ClosedForm.Gradients(backward);
                worst.Add(closed.Whx.ToArray(), expected.Whx, where);
                worst.Add(closed.Whh.ToArray(), expected.Whh, where);
                worst.Add(closed.Wqh.ToArray(), expected.Wqh, where);
                for (int b = 0; b < forward.SequenceCount; b++)
                {
                    worst.AddColumns(
                        ClosedForm.HiddenStateGradients(backward, b).ToArray(), expected.HiddenStates[b], where);
                    for (int t = 0; t <= forward.Lengths[b]; t += 3)
                    {
                        worst.AddColumns(
                            ClosedForm.HiddenStateGradient(backward, t, b).ToColumnMatrix().ToArray(),
                            backward.HiddenStateGradient(t, b).ToColumnMatrix().ToArray(),
                            where);
                    }
                }
            }
        }
        output.WriteLine($"Worst relative error: {worst}");
        worst.Value.Should().BeLessThan(Tolerance, worst.Where);
    }

    [Fact]
    public void The_lag_form_is_the_power_and_moves_a_later_state_as_it_says()
    {
        var examples = new Examples(seed: 21);
        LinearRnn model = examples.Model(1, 3, 1);
        Matrix<double> jacobian = ClosedForm.StateJacobian(model, 4);
        (jacobian - model.Whh * model.Whh * model.Whh * model.Whh).FrobeniusNorm().Should().BeLessThan(1e-14);
        ClosedForm.StateJacobian(model, 0).Should().Be(Matrix<double>.Build.DenseIdentity(3));
        ClosedForm.StateJacobian(model, 1).Should().Be(model.Whh);

        Matrix<double> inputs = examples.Matrix(1, 4);
        Vector<double> moved = examples.Vector(3);
        Vector<double> change = ForwardPass.Run(model, inputs, moved).HiddenState(4)
            - ForwardPass.Run(model, inputs).HiddenState(4);
        (change - jacobian * moved).L2Norm().Should().BeLessThan(1e-14);
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        var examples = new Examples(seed: 22);
        LinearRnn model = examples.Model(1, 3, 1);
        var backward = BackwardThroughTime.Run(ForwardPass.Run(model, examples.Matrix(1, 4)), examples.Matrix(1, 4));
        FluentActions.Invoking(() => ClosedForm.StateJacobian(model, -1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => ClosedForm.HiddenStateGradient(backward, 5))
            .Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => ClosedForm.HiddenStateGradients(backward, 1))
            .Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => ClosedForm.Gradients(null!)).Should().Throw<ArgumentNullException>();
    }
}
