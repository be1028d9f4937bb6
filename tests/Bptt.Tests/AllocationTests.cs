// What successive passes from one workspace allocate, counted over all threads: so no other test may run meanwhile.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    private readonly Examples _examples = new(seed: 23);

    [Theory]
    [InlineData(Recurrence.Sequential, 1, false)]
    [InlineData(Recurrence.TimeParallel, -1, false)]
    [InlineData(Recurrence.Automatic, -1, true)]
    public void Successive_passes_allocate_nothing_that_grows_with_the_steps(
        Recurrence recurrence, int threads, bool hasBudget)
    {
        var options = new ExecutionOptions { Recurrence = recurrence, MaxDegreeOfParallelism = threads };
        long few = AllocatedByOnePass(100, options, hasBudget);
        long many = AllocatedByOnePass(20_000, options, hasBudget);
        (many - few).Should().BeLessThan(2000, "20 000 steps of three doubles are 480 000 bytes");
    }

    [Fact]
    public void Successive_passes_allocate_little()
    {
        var options = new ExecutionOptions();
        long one = AllocatedByOnePass(2000, options, false);
        one.Should().BeLessThan(40_000, "2000 steps of three doubles are 48 000 bytes, and there are four passes");
    }

    [Fact]
    public void Passes_within_a_budget_do_not_pile_up()
    {
        const int steps = 200_000;
        LinearRnn model = _examples.Model(4, 8, 4);
        var inputs = SequenceBatch.Pack([_examples.Matrix(4, steps)]);
        var objective = Objective.SquaredError(SequenceBatch.Pack([_examples.Matrix(4, steps)]));
        var options = new ExecutionOptions { MemoryBudget = 4 << 20, MaxDegreeOfParallelism = 1 };
        GC.Collect();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0;
        for (int pass = 0; pass < 24; pass++)
        {
            BackwardThroughTime.Run(ForwardPass.Run(model, inputs, options: options), objective);
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false) - before);
        }

        // A pass takes 13 MB for outputs and their gradients and 4 MB for states.
        most.Should().BeLessThan(90_000_000, "24 passes take 400 MB");
    }

    /// <summary>The least of several passes: other threads of the process allocate too.</summary>
    private long AllocatedByOnePass(int steps, ExecutionOptions options, bool hasBudget)
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        Matrix<double> inputs = _examples.Matrix(2, steps);
        var objective = Objective.SquaredError(_examples.Matrix(1, steps));
        var robust = Objective.Huber(_examples.Matrix(1, steps));
        Matrix<double> outputGradients = _examples.Matrix(1, steps);
        options = options with
        {
            Workspace = new Workspace(),
            MemoryBudget = hasBudget ? 24L * steps : null, // half of what is needed: a few windows
        };
        long least = long.MaxValue;
        for (int pass = 0; pass < 12; pass++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            var forward = ForwardPass.Run(model, inputs, options: options);
            BackwardThroughTime.Run(forward, objective);
            BackwardThroughTime.Run(forward, robust);
            BackwardThroughTime.Run(forward, outputGradients);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return least;
    }
}
