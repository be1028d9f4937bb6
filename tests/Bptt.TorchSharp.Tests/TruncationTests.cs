// Truncated back-propagation through time: as torch does it by detaching, and as the library does.

namespace Bptt.TorchSharp.Tests;

public class TruncationTests
{
    private const int Window = 4;

    [Fact]
    public void Windows_are_the_gradients_of_states_that_torch_detaches()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem ours = Long();
        Problem theirs = ours.Copy();
        using LinearRnnLayer layer = ours.ToLayer(
            options: new LinearRnnOptions { Truncation = Truncation.Windows(Window) });

        (Tensor outputs, _) = layer.call(ours.Inputs, ours.InitialStates);
        outputs.square().sum().backward();
        Detached((x, state) => TorchReference.Run(x, theirs.Whx, theirs.Whh, theirs.Wqh, state), theirs).backward();

        Comparison.SameGradients(
            [ours.Inputs, layer.Whx, layer.Whh, layer.Wqh, ours.InitialStates], theirs.Tensors, 1e-12);
    }

    [Fact]
    public void Carried_states_that_are_detached_have_the_gradients_of_torch()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem ours = Long();
        Problem theirs = ours.Copy();
        using LinearRnnLayer layer = ours.ToLayer();

        Detached((x, state) => layer.call(x, state), ours).backward();
        Detached((x, state) => TorchReference.Run(x, theirs.Whx, theirs.Whh, theirs.Wqh, state), theirs).backward();

        Comparison.SameGradients(
            [ours.Inputs, layer.Whx, layer.Whh, layer.Wqh, ours.InitialStates], theirs.Tensors, 1e-12);
    }

    [Fact]
    public void Lags_and_random_cuts_are_those_of_the_library()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (Truncation truncation in (Truncation[])[Truncation.Lags(3), Truncation.Randomized(5, seed: 2)])
        {
            Problem ours = Long();
            using LinearRnnLayer layer = ours.ToLayer(options: new LinearRnnOptions { Truncation = truncation });
            layer.call(ours.Inputs).Outputs.sum().backward();

            var inputs = SequenceBatch.FromTensor(
                ours.Inputs.data<double>().ToArray(), 2, 13, 2, TensorOrder.TimeBatchFeature);
            var ones = SequenceBatch.FromTensor(
                Enumerable.Repeat(1.0, 13 * 2 * 3).ToArray(), 2, 13, 3, TensorOrder.TimeBatchFeature);
            var expected = BackwardThroughTime.Run(
                ForwardPass.Run(layer.ToModel(), inputs), ones, new BackwardOptions { Truncation = truncation });

            double[] whh = new double[16];
            expected.Gradients.CopyTo(new double[8], whh, new double[12]);
            layer.Whh.grad!.data<double>().ToArray().Should().Equal(whh, "of {0}", truncation);
        }
    }

    [Fact]
    public void A_truncation_may_change_from_step_to_step()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Long();
        using LinearRnnLayer layer = problem.ToLayer();
        double full = Norm();

        layer.Options = layer.Options with { Truncation = Truncation.Lags(1) };
        double truncated = Norm();
        layer.Options = layer.Options with { Truncation = null };

        truncated.Should().NotBe(full);
        Norm().Should().Be(full);

        double Norm()
        {
            layer.zero_grad();
            layer.call(problem.Inputs).Outputs.sum().backward();
            return layer.Whh.grad!.norm().item<double>();
        }
    }

    private static Problem Long() => Problem.Of(seed: 15, steps: 13, count: 2, d: 2, h: 4, q: 3);

    /// <summary>A loss over windows, between which the state is carried and the gradient is not.</summary>
    private static Tensor Detached(
        Func<Tensor, Tensor, (Tensor Outputs, Tensor FinalStates)> run, Problem problem)
    {
        Tensor loss = zeros([], ScalarType.Float64);
        Tensor state = problem.InitialStates;
        foreach (Tensor window in problem.Inputs.split(Window, 0))
        {
            (Tensor outputs, state) = run(window, state);
            loss = loss + outputs.square().sum();
            state = state.detach();
        }
        return loss;
    }
}
