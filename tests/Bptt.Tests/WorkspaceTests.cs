// Memory that passes reuse: same numbers, no growth, and no way to read what is no longer there.

using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class WorkspaceTests
{
    private readonly Examples _examples = new(seed: 31);
    private readonly ExecutionOptions _options = new() { Workspace = new Workspace() };

    /// <summary>What is computed again for a reader does not come from the memory that passes share.</summary>
    [Theory]
    [InlineData(Recurrence.Sequential)]
    [InlineData(Recurrence.Lifted)]
    public void Reading_takes_nothing_from_the_workspace(Recurrence recurrence)
    {
        LinearRnn model = _examples.Model(1, 6, 1, 0.9);
        SequenceBatch inputs = _examples.Batch(1, 900, 350);
        ExecutionOptions options = _options with
        {
            Recurrence = recurrence,
            Tuning = PlanTuning.Default with { LiftedLength = 8 },
            MemoryBudget = 2 * MemoryPlan.SmallestBudget(6, 1, inputs.Columns.Layout),
        };
        var forward = ForwardPass.Run(model, inputs, options: options);
        forward.Method.Recurrence.Should().Be(recurrence);
        var backward = BackwardThroughTime.Run(forward, _examples.Batch(1, 900, 350));
        long before = _options.Workspace!.Pool.Bytes;
        for (int t = 1; t < 350; t += 13)
        {
            forward.HiddenState(t, 1);
            backward.HiddenStateGradient(t, 0);
            backward.InputGradient(t, 1);
        }
        forward.HiddenStates(0);
        backward.HiddenStateGradients(1);
        backward.InputGradients(0);
        _options.Workspace.Pool.Bytes.Should().Be(before);
    }

    [Fact]
    public void Passes_from_a_workspace_give_the_numbers_of_fresh_passes()
    {
        foreach ((int d, int h, int q, int[] lengths) in new[]
        {
            (2, 3, 1, new[] { 5, 2 }), (3, 7, 4, new[] { 9 }), (1, 2, 1, new[] { 1, 1, 4 }), (2, 3, 1, new[] { 5, 2 }),
        })
        {
            LinearRnn model = _examples.Model(d, h, q);
            SequenceBatch inputs = _examples.Batch(d, lengths);
            var objective = Objective.SquaredError(_examples.Batch(q, lengths));

            var reused = BackwardThroughTime.Run(ForwardPass.Run(model, inputs, options: _options), objective);
            var fresh = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), objective);

            reused.Loss.Should().Be(fresh.Loss);
            reused.Gradients.Whh.Should().Be(fresh.Gradients.Whh);
            reused.HiddenStateGradients(0).Should().Be(fresh.HiddenStateGradients(0));
            reused.Forward.HiddenStates(0).Should().Be(fresh.Forward.HiddenStates(0));
        }
    }

    [Fact]
    public void A_pass_is_readable_until_the_next_forward_pass_and_then_throws()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        var forward = ForwardPass.Run(model, _examples.Matrix(2, 4), options: _options);
        var backward = BackwardThroughTime.Run(forward, _examples.Matrix(1, 4));
        Vector<double> gradient = backward.HiddenStateGradient(1);
        Matrix<double> whh = backward.Gradients.Whh;

        // Another backward pass does not disturb the first.
        BackwardThroughTime.Run(forward, _examples.Matrix(1, 4));
        backward.HiddenStateGradient(1).Should().Equal(gradient);

        ForwardPass.Run(model, _examples.Matrix(2, 4), options: _options);

        Action[] reads =
        [
            () => forward.HiddenState(1),
            () => forward.HiddenStates(),
            () => forward.Output(1),
            () => forward.Outputs(),
            () => _ = forward.FinalStates,
            () => _ = forward.InitialStates,
            () => _ = forward.FirstNonFiniteStep,
            () => backward.HiddenStateGradient(1),
            () => backward.HiddenStateGradients(),
            () => backward.OutputGradient(1),
            () => backward.OutputGradients(),
            () => backward.InputGradient(1),
            () => backward.InputGradients(),
            () => _ = backward.InitialStateGradients,
            () => BackwardThroughTime.Run(forward, _examples.Matrix(1, 4)),
            () => Objective.SquaredError(_examples.Matrix(1, 4)).Loss(forward),
        ];
        foreach (Action read in reads)
        {
            read.Should().Throw<InvalidOperationException>().WithMessage("*workspace*newer*");
        }
        backward.Gradients.Whh.Should().Be(whh, "gradients are independent of the workspace");
    }

    [Fact]
    public void A_forward_pass_that_is_refused_leaves_the_earlier_one_readable()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        var forward = ForwardPass.Run(model, _examples.Matrix(2, 4), options: _options);

        FluentActions.Invoking(() => ForwardPass.Run(model, _examples.Matrix(3, 4), options: _options))
            .Should().Throw<ArgumentException>();

        forward.HiddenState(4).Count.Should().Be(3);
    }

    [Fact]
    public void Two_passes_at_once_throw_and_the_workspace_serves_on_afterwards()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        Matrix<double> inputs = _examples.Matrix(2, 4);
        var forward = ForwardPass.Run(model, inputs, options: _options);

        // The objective runs inside the backward pass, so a pass that it starts comes second.
        FluentActions.Invoking(() => BackwardThroughTime.Run(
                forward, new Intruder(() => ForwardPass.Run(model, inputs, options: _options))))
            .Should().Throw<InvalidOperationException>().WithMessage("*in use*");

        BackwardThroughTime.Run(forward, _examples.Matrix(1, 4)).Gradients.IsFinite.Should().BeTrue();
    }

    [Fact]
    public void A_loss_whose_pass_is_taken_over_meanwhile_throws_instead_of_judging_other_outputs()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        Matrix<double> inputs = _examples.Matrix(2, 4);
        var forward = ForwardPass.Run(model, inputs, options: _options);
        var objective = new Intruder(() => ForwardPass.Run(model, inputs, options: _options));

        objective.Invoking(o => o.Loss(forward)).Should().Throw<InvalidOperationException>().WithMessage("*newer*");
    }

    private sealed class Intruder(Action intrude) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            intrude();
            return 0.0;
        }

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }
}
