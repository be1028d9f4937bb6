// Nothing is left of a training step: neither tensors nor managed memory.

namespace Bptt.TorchSharp.Tests;

public class LeakTests
{
    private const int Steps = 10_000;
    private static readonly int[] Lengths = [16, 3, 9, 1];

    /// <summary>Every output is used: torch counts an undefined gradient as a tensor that is never let go, though it
    /// holds nothing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ten_thousand_steps_leave_nothing(bool inScopes)
    {
        using var layer = new LinearRnnLayer(2, 8, 3);
        using Tensor inputs = randn(16, 4, 2);
        using Tensor wanting = randn(16, 4, 2).requires_grad_();
        using Tensor lengths = tensor(Lengths);

        (long tensors, long memory) = (0, 0);
        long peak = 0;
        for (int i = 0; i < Steps; i++)
        {
            if (i == Steps / 10)
            {
                (tensors, memory) = (LiveTensors(), ManagedMemory());
                peak = tensors;
            }
            using DisposeScope? scope = inScopes ? NewDisposeScope() : null;
            Step(i);
            peak = Math.Max(peak, LiveTensors());
        }

        LiveTensors().Should().Be(tensors, "every tensor that was made on this thread has been let go");
        (ManagedMemory() - memory).Should().BeLessThan(300_000, "that is less than 34 bytes a step");
        (peak - tensors).Should().BeLessThan(40);

        void Step(int i)
        {
            using (no_grad())
            {
                (Tensor unused, Tensor unusedStates) = layer.call(inputs);
                unused.Dispose();
                unusedStates.Dispose();
            }
            (Tensor outputs, Tensor finalStates) = (i % 4) switch
            {
                0 => layer.call(inputs),
                1 => layer.call(wanting),
                2 => layer.call(wanting, null, lengths),
                _ => LinearRnnFunction.apply(inputs, layer.Whx, layer.Whh, layer.Wqh),
            };
            using (outputs)
            using (finalStates)
            using (Tensor mean = outputs.mean())
            using (Tensor stateMean = finalStates.mean())
            using (Tensor loss = mean + stateMean)
            {
                loss.backward();
            }
        }
    }

    /// <summary>A graph that is never asked for gradients is let go with its tensors.</summary>
    [Fact]
    public void Passes_without_a_backward_pass_leave_nothing()
    {
        using var layer = new LinearRnnLayer(2, 8, 3);
        using Tensor inputs = randn(16, 4, 2);
        (long tensors, long memory) = (0, 0);
        for (int i = 0; i < Steps; i++)
        {
            if (i == Steps / 10)
            {
                (tensors, memory) = (LiveTensors(), ManagedMemory());
            }
            using DisposeScope scope = NewDisposeScope();
            layer.call(inputs);
        }

        LiveTensors().Should().Be(tensors);
        (ManagedMemory() - memory).Should().BeLessThan(300_000);
    }

    private static long LiveTensors() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private static long ManagedMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
