// Outputs and every gradient against torch's autograd of the same model.

namespace Bptt.TorchSharp.Tests;

public class GradientTests
{
    public static TheoryData<int, int, int, int, int> Sizes => new()
    {
        // T, B, d, h, q
        { 1, 1, 1, 1, 1 },
        { 1, 3, 2, 4, 2 },
        { 7, 1, 3, 5, 2 },
        { 12, 5, 1, 7, 3 },
        { 33, 2, 4, 17, 1 },
        { 64, 3, 2, 9, 11 },
        { 200, 2, 1, 16, 1 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_gradient_is_that_of_torch(int steps, int count, int d, int h, int q)
    {
        using DisposeScope scope = NewDisposeScope();

        Comparison.WithTorch(Problem.Of(seed: steps, steps, count, d, h, q), Apply);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_gradient_in_float_is_that_of_torch_in_double(int steps, int count, int d, int h, int q)
    {
        using DisposeScope scope = NewDisposeScope();

        Comparison.WithTorch(
            Problem.Of(seed: steps, steps, count, d, h, q, ScalarType.Float32), Apply, tolerance: 1e-5);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Batch_first_is_the_same_with_axes_exchanged(int steps, int count, int d, int h, int q)
    {
        using DisposeScope scope = NewDisposeScope();

        Comparison.WithTorch(Problem.Of(seed: steps, steps, count, d, h, q), problem =>
        {
            (Tensor outputs, Tensor finalStates) = LinearRnnFunction.apply(
                problem.Inputs.transpose(0, 1).contiguous(),
                problem.Whx,
                problem.Whh,
                problem.Wqh,
                problem.InitialStates,
                batchFirst: true);
            return (outputs.transpose(0, 1), finalStates);
        });
    }

    [Theory]
    [InlineData(Recurrence.Sequential)]
    [InlineData(Recurrence.TimeParallel)]
    [InlineData(Recurrence.Lifted)]
    public void Every_way_through_the_steps_gives_the_gradients_of_torch(Recurrence recurrence)
    {
        using DisposeScope scope = NewDisposeScope();
        var options = new LinearRnnOptions { Recurrence = recurrence };

        Comparison.WithTorch(
            Problem.Of(seed: 4, steps: 300, count: 1, d: 2, h: 8, q: 2), problem => Apply(problem, options), 1e-11);
    }

    [Fact]
    public void A_memory_budget_and_one_thread_change_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        var options = new LinearRnnOptions { MemoryBudget = 32 * 1024, MaxDegreeOfParallelism = 1 };

        Comparison.WithTorch(
            Problem.Of(seed: 5, steps: 2000, count: 1, d: 2, h: 8, q: 2), problem => Apply(problem, options), 1e-11);
    }

    [Fact]
    public void One_sequence_needs_no_axis_for_the_batch()
    {
        using DisposeScope scope = NewDisposeScope();

        Comparison.WithTorch(Problem.Of(seed: 6, steps: 9, count: 1, d: 3, h: 4, q: 2), problem =>
        {
            (Tensor outputs, Tensor finalState) = LinearRnnFunction.apply(
                problem.Inputs.squeeze(1), problem.Whx, problem.Whh, problem.Wqh, problem.InitialStates.squeeze(0));
            outputs.shape.Should().Equal(9, 2);
            finalState.shape.Should().Equal(4);
            return (outputs.unsqueeze(1), finalState.unsqueeze(0));
        });
    }

    [Fact]
    public void A_layer_computes_as_the_function_does()
    {
        using DisposeScope scope = NewDisposeScope();
        var problem = Problem.Of(seed: 7, steps: 11, count: 3, d: 2, h: 5, q: 3);
        using LinearRnnLayer layer = problem.ToLayer();

        (Tensor outputs, Tensor finalStates) = layer.call(problem.Inputs, problem.InitialStates);
        Problem.Loss(outputs, finalStates).backward();
        Problem copy = problem.Copy();
        (Tensor expected, Tensor expectedStates) = Apply(copy);
        Problem.Loss(expected, expectedStates).backward();

        Comparison.SameGradients(
            [problem.Inputs, layer.Whx, layer.Whh, layer.Wqh, problem.InitialStates], copy.Tensors, 1e-15);
    }

    [Fact]
    public void Without_initial_states_they_are_zero()
    {
        using DisposeScope scope = NewDisposeScope();
        var problem = Problem.Of(seed: 8, steps: 6, count: 2, d: 2, h: 3, q: 2);

        (Tensor outputs, _) = LinearRnnFunction.apply(problem.Inputs, problem.Whx, problem.Whh, problem.Wqh);
        (Tensor expected, _) = TorchReference.Run(problem.Inputs, problem.Whx, problem.Whh, problem.Wqh);

        Problem.Error(outputs, expected).Should().BeLessThan(1e-14);
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences()
    {
        using DisposeScope scope = NewDisposeScope();
        var problem = Problem.Of(seed: 9, steps: 5, count: 2, d: 2, h: 3, q: 2);
        Loss(problem).backward();
        const double Step = 1e-6;

        foreach (Tensor tensor in problem.Tensors)
        {
            using IDisposable noTape = no_grad();
            Tensor entries = tensor.view(-1);
            Tensor gradient = tensor.grad!.view(-1);
            for (long i = 0; i < entries.numel(); i++)
            {
                double value = entries[i].item<double>();
                double above = Moved(value + Step);
                double below = Moved(value - Step);
                Moved(value);
                gradient[i].item<double>().Should().BeApproximately((above - below) / (2.0 * Step), 1e-7);

                double Moved(double to)
                {
                    entries[i] = to;
                    return Loss(problem).item<double>();
                }
            }
        }
    }

    private static Tensor Loss(Problem problem)
    {
        (Tensor outputs, Tensor finalStates) = Apply(problem);
        return Problem.Loss(outputs, finalStates);
    }

    private static (Tensor Outputs, Tensor FinalStates) Apply(Problem problem) => Apply(problem, null);

    private static (Tensor Outputs, Tensor FinalStates) Apply(Problem problem, LinearRnnOptions? options) =>
        LinearRnnFunction.apply(
            problem.Inputs, problem.Whx, problem.Whh, problem.Wqh, problem.InitialStates, options: options);
}
