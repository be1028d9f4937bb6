// Outputs and every gradient against torch's autograd of the same model.

namespace Bptt.TorchSharp.Tests;

public class GradientTests
{
    private const double DoubleTolerance = 1e-12;
    private const double SingleTolerance = 2e-5;

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
        var ours = Problem.Of(seed: steps, steps, count, d, h, q);
        Problem theirs = ours.Copy();

        Compare(ours, theirs, DoubleTolerance, batchFirst: false);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_gradient_in_float_is_that_of_torch_in_double(int steps, int count, int d, int h, int q)
    {
        using DisposeScope scope = NewDisposeScope();
        var ours = Problem.Of(seed: steps, steps, count, d, h, q, ScalarType.Float32);
        Problem theirs = ours.Copy(ScalarType.Float64);

        Compare(ours, theirs, SingleTolerance, batchFirst: false);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Batch_first_is_the_same_with_axes_exchanged(int steps, int count, int d, int h, int q)
    {
        using DisposeScope scope = NewDisposeScope();
        var ours = Problem.Of(seed: steps, steps, count, d, h, q);
        Problem theirs = ours.Copy();

        Compare(ours, theirs, DoubleTolerance, batchFirst: true);
    }

    [Theory]
    [InlineData(Recurrence.Sequential)]
    [InlineData(Recurrence.TimeParallel)]
    [InlineData(Recurrence.Lifted)]
    public void Every_way_through_the_steps_gives_the_gradients_of_torch(Recurrence recurrence)
    {
        using DisposeScope scope = NewDisposeScope();
        var ours = Problem.Of(seed: 4, steps: 300, count: 1, d: 2, h: 8, q: 2);
        Problem theirs = ours.Copy();

        Compare(ours, theirs, 1e-11, batchFirst: false, new LinearRnnOptions { Recurrence = recurrence });
    }

    [Fact]
    public void A_memory_budget_changes_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        var ours = Problem.Of(seed: 5, steps: 2000, count: 1, d: 2, h: 8, q: 2);
        Problem theirs = ours.Copy();

        Compare(ours, theirs, 1e-11, batchFirst: false, new LinearRnnOptions { MemoryBudget = 32 * 1024 });
    }

    private static void Compare(
        Problem ours, Problem theirs, double tolerance, bool batchFirst, LinearRnnOptions? options = null)
    {
        Tensor inputs = batchFirst ? ours.Inputs.transpose(0, 1).contiguous() : ours.Inputs;
        (Tensor outputs, Tensor finalStates) = LinearRnnFunction.apply(
            inputs, ours.Whx, ours.Whh, ours.Wqh, ours.InitialStates, batchFirst: batchFirst, options: options);
        outputs = batchFirst ? outputs.transpose(0, 1) : outputs;
        Problem.Loss(outputs, finalStates).backward();

        (Tensor expected, Tensor expectedStates) = TorchReference.Run(
            theirs.Inputs, theirs.Whx, theirs.Whh, theirs.Wqh, theirs.InitialStates);
        Problem.Loss(expected, expectedStates).backward();

        Problem.Error(outputs, expected).Should().BeLessThan(tolerance, "of the outputs");
        Problem.Error(finalStates, expectedStates).Should().BeLessThan(tolerance, "of the final states");
        for (int i = 0; i < Problem.Names.Length; i++)
        {
            Problem.Error(ours.Tensors[i].grad!, theirs.Tensors[i].grad!)
                .Should().BeLessThan(tolerance, "of ∂L/∂{0}", Problem.Names[i]);
        }
    }
}
