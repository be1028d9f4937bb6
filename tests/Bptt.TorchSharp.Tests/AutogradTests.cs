// What torch may do with a pass beyond one backward: leave outputs unused, ask again, change tensors, differentiate
// twice.

namespace Bptt.TorchSharp.Tests;

public class AutogradTests
{
    [Fact]
    public void An_unused_output_counts_as_zero()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (bool usesOutputs in (bool[])[true, false])
        {
            Problem ours = Small();
            Problem theirs = ours.Copy();

            Loss(Apply(ours), usesOutputs).backward();
            Loss(Torch(theirs), usesOutputs).backward();

            for (int i = 0; i < Problem.Names.Length; i++)
            {
                Tensor expected = theirs.Tensors[i].grad ?? zeros_like(theirs.Tensors[i]);
                Problem.Error(ours.Tensors[i].grad!, expected).Should().BeLessThan(1e-12, Problem.Names[i]);
            }
        }

        static Tensor Loss((Tensor Outputs, Tensor FinalStates) results, bool usesOutputs) =>
            (usesOutputs ? results.Outputs : results.FinalStates).square().sum();
    }

    [Fact]
    public void Only_what_wants_a_gradient_gets_one()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem all = Small();
        Backward(Apply(all));
        for (int wanted = 0; wanted < Problem.Names.Length; wanted++)
        {
            Tensor[] tensors = [.. all.Tensors.Select(tensor => tensor.detach().clone())];
            tensors[wanted].requires_grad_();

            Backward(LinearRnnFunction.apply(tensors[0], tensors[1], tensors[2], tensors[3], tensors[4]));

            Problem.Error(tensors[wanted].grad!, all.Tensors[wanted].grad!).Should().BeLessThan(1e-14);
            tensors.Count(tensor => tensor.grad is not null).Should().Be(1);
        }
    }

    [Fact]
    public void Without_a_tape_there_is_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Small();

        using (no_grad())
        {
            Apply(problem).Outputs.requires_grad.Should().BeFalse();
        }
        using (inference_mode())
        {
            Apply(problem).Outputs.requires_grad.Should().BeFalse();
        }
        Tensor[] frozen = [.. problem.Tensors.Select(tensor => tensor.detach())];
        LinearRnnFunction.apply(frozen[0], frozen[1], frozen[2], frozen[3]).Outputs.requires_grad.Should().BeFalse();
        Apply(problem).Outputs.requires_grad.Should().BeTrue();
    }

    [Fact]
    public void Changes_in_place_between_forward_and_backward_do_not_falsify_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem expected = Small();
        Backward(Apply(expected));
        Problem changed = Small();

        (Tensor, Tensor) results = Apply(changed);
        using (no_grad())
        {
            foreach (Tensor tensor in changed.Tensors)
            {
                tensor.add_(1.0);
            }
        }
        Backward(results);

        Comparison.SameGradients(changed.Tensors, expected.Tensors, 1e-15);
    }

    [Fact]
    public void A_graph_can_be_asked_again_after_the_layer_has_run_other_sequences()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Small();
        using LinearRnnLayer layer = problem.ToLayer();
        Tensor first = layer.call(problem.Inputs).Outputs.square().sum();
        first.backward(retain_graph: true);
        Tensor once = problem.Inputs.grad!.clone();

        layer.call(randn(20, 4, 2, dtype: ScalarType.Float64)).Outputs.sum().backward();
        first.backward(retain_graph: true); // from inputs and weights, once more
        first.backward();                   // from what that has left

        Problem.Error(problem.Inputs.grad!, once * 3.0).Should().BeLessThan(1e-14);
    }

    [Fact]
    public void Passes_may_be_open_at_the_same_time()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Small();
        using LinearRnnLayer layer = problem.ToLayer();
        Problem theirs = problem.Copy();

        Tensor ours = Chain((x, state) => layer.call(x, state), problem.Inputs);
        Tensor expected = Chain(
            (x, state) => TorchReference.Run(x, theirs.Whx, theirs.Whh, theirs.Wqh, state), theirs.Inputs);
        ours.backward();
        expected.backward();

        Comparison.SameGradients(
            [problem.Inputs, layer.Whx, layer.Whh, layer.Wqh],
            [theirs.Inputs, theirs.Whx, theirs.Whh, theirs.Wqh],
            1e-12);

        // The gradient goes from piece to piece through the final state.
        static Tensor Chain(Func<Tensor, Tensor?, (Tensor Outputs, Tensor FinalStates)> run, Tensor x)
        {
            Tensor? state = null;
            Tensor loss = zeros([], ScalarType.Float64);
            for (int piece = 0; piece < 3; piece++)
            {
                (Tensor outputs, state) = run(x * (piece + 1.0), state);
                loss = loss + outputs.square().sum();
            }
            return loss;
        }
    }

    [Fact]
    public void Tensors_may_be_gone_before_the_backward_pass()
    {
        using DisposeScope outer = NewDisposeScope();
        Problem problem = Small();
        Tensor loss;
        using (DisposeScope inner = NewDisposeScope())
        {
            (Tensor outputs, _) = Apply(problem); // the final states go with the scope
            loss = outputs.square().sum().MoveToOuterDisposeScope();
        }
        loss.backward();

        problem.Whh.grad!.isfinite().all().item<bool>().Should().BeTrue();
    }

    [Fact]
    public void Inputs_that_are_not_contiguous_are_copied()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Small();

        Comparison.WithTorch(problem, p => LinearRnnFunction.apply(
            p.Inputs.transpose(0, 1).contiguous().transpose(0, 1),
            p.Whx.t().contiguous().t(),
            p.Whh.t().contiguous().t(),
            p.Wqh.t().contiguous().t(),
            p.InitialStates.t().contiguous().t()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_of_gradients_are_those_of_torch(bool ragged)
    {
        using DisposeScope scope = NewDisposeScope();
        int[]? lengths = ragged ? [3, 7, 5] : null;
        Problem ours = Small();
        Problem theirs = ours.Copy();

        Penalty(ours, LinearRnnFunction.apply(
            ours.Inputs,
            ours.Whx,
            ours.Whh,
            ours.Wqh,
            ours.InitialStates,
            lengths is null ? null : tensor(lengths))).backward();
        Penalty(theirs, TorchReference.Run(
            theirs.Inputs, theirs.Whx, theirs.Whh, theirs.Wqh, theirs.InitialStates, lengths)).backward();

        Comparison.SameGradients(ours.Tensors, theirs.Tensors, 1e-11);

        // The squared norm of all first gradients.
        static Tensor Penalty(Problem problem, (Tensor Outputs, Tensor FinalStates) results)
        {
            IList<Tensor> gradients = autograd.grad(
                [Problem.Loss(results.Outputs, results.FinalStates)],
                problem.Tensors,
                retain_graph: true,
                create_graph: true);
            return gradients.Aggregate(zeros([], ScalarType.Float64), (sum, g) => sum + g.square().sum());
        }
    }

    [Fact]
    public void With_create_graph_a_state_made_from_the_weights_counts_once()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem ours = Small();
        Problem theirs = ours.Copy();

        Tensor first = First(ours, Apply(ours with { InitialStates = ours.InitialStates.mm(ours.Whh) }));
        Tensor expected = First(theirs, Torch(theirs with { InitialStates = theirs.InitialStates.mm(theirs.Whh) }));

        Problem.Error(first, expected).Should().BeLessThan(1e-12);

        static Tensor First(Problem problem, (Tensor Outputs, Tensor FinalStates) results) => autograd.grad(
            [Problem.Loss(results.Outputs, results.FinalStates)], [problem.Whh], create_graph: true)[0];
    }

    [Fact]
    public void Gradients_that_are_not_finite_make_every_gradient_NaN_and_are_no_error()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Small();

        (Apply(problem).Outputs * double.PositiveInfinity).sum().backward();

        problem.Tensors.Should().OnlyContain(tensor => tensor.grad!.isnan().all().item<bool>());
        LinearRnnFunction.ThrowIfBackwardFailed();
    }

    [Fact]
    public void What_fails_in_a_backward_pass_is_NaN_and_told_by_the_next_call()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Small();
        using LinearRnnLayer layer = problem.ToLayer(options: new LinearRnnOptions { Truncation = Truncation.Lags(2) });

        Tensor gradient = autograd.grad(
            [layer.call(problem.Inputs).Outputs.sum()], [problem.Inputs], create_graph: true)[0];

        gradient.isnan().all().item<bool>().Should().BeTrue();
        layer.Invoking(l => l.call(problem.Inputs)).Should().Throw<InvalidOperationException>()
            .WithMessage("*backward pass has failed*create_graph*").WithInnerException<NotSupportedException>();
        layer.Invoking(l => l.call(problem.Inputs)).Should().NotThrow("it has been told");
    }

    [Fact]
    public void With_create_graph_changes_in_place_are_told()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Small();
        (Tensor outputs, _) = Apply(problem);
        using (no_grad())
        {
            problem.Whh.add_(1.0);
        }

        Tensor gradient = autograd.grad([outputs.sum()], [problem.Inputs], create_graph: true)[0];

        gradient.isnan().all().item<bool>().Should().BeTrue();
        FluentActions.Invoking(LinearRnnFunction.ThrowIfBackwardFailed)
            .Should().Throw<InvalidOperationException>().WithMessage("*inplace operation*");
    }

    [Fact]
    public void Threads_have_passes_of_one_layer_each()
    {
        Problem problem = Small();
        using LinearRnnLayer layer = problem.ToLayer();
        layer.Whx.requires_grad_(false);
        layer.Whh.requires_grad_(false);
        layer.Wqh.requires_grad_(false);
        Tensor expected = Gradient(1);

        double[] errors = new double[8];
        Parallel.For(0, errors.Length, i =>
        {
            for (int repeat = 0; repeat < 20; repeat++)
            {
                errors[i] = Math.Max(errors[i], Problem.Error(Gradient(1 + i), expected * (1.0 + i)));
            }
        });

        errors.Max().Should().BeLessThan(1e-14);

        Tensor Gradient(double factor)
        {
            Tensor inputs = problem.Inputs.detach().clone().requires_grad_();
            (layer.call(inputs).Outputs.sum() * factor).backward();
            return inputs.grad!;
        }
    }

    private static Problem Small() => Problem.Of(seed: 11, steps: 7, count: 3, d: 2, h: 4, q: 3);

    private static void Backward((Tensor Outputs, Tensor FinalStates) results) =>
        Problem.Loss(results.Outputs, results.FinalStates).backward();

    private static (Tensor Outputs, Tensor FinalStates) Apply(Problem problem) =>
        LinearRnnFunction.apply(problem.Inputs, problem.Whx, problem.Whh, problem.Wqh, problem.InitialStates);

    private static (Tensor Outputs, Tensor FinalStates) Torch(Problem problem) =>
        TorchReference.Run(problem.Inputs, problem.Whx, problem.Whh, problem.Wqh, problem.InitialStates);
}
