// The ways in which a pass is carried out: method of recurrence, size of the pieces, memory.

using System.Globalization;
using System.Text.RegularExpressions;

namespace Bptt.Benchmarks.Bits;

/// <summary>A way and its name.</summary>
internal sealed partial record BitWay(string Name, ExecutionOptions Options)
{
    /// <summary>Pieces of a few columns each, all of them worth a thread, so that a small problem has as many blocks,
    /// groups and spans as a large one.</summary>
    private static readonly PlanTuning SmallPieces = new()
    {
        BlockEntries = 1,
        MinBlockColumns = 5,
        MaxBlockColumns = 5,
        GroupWork = 1,
        MinGroupWidth = 2,
        MinChunks = 2,
        GradientWork = 1,
        GradientColumns = 8,
        WorthSharing = 0,
    };

    public static BitWay Automatic { get; } = new("automatic", new ExecutionOptions());

    public static BitWay Sequential { get; } = new(
        "sequential", new ExecutionOptions { Recurrence = Recurrence.Sequential });

    public static BitWay TimeParallel { get; } = new(
        "parallel", new ExecutionOptions { Recurrence = Recurrence.TimeParallel });

    public static BitWay SmallSequential { get; } = new(
        "sequential.small", Sequential.Options with { Tuning = SmallPieces });

    /// <summary>In parallel over time in small pieces.</summary>
    /// <param name="chunkLength">S, a power of two.</param>
    public static BitWay SmallTimeParallel(int chunkLength) => new(
        $"parallel.small.S{chunkLength}",
        TimeParallel.Options with { Tuning = SmallPieces with { ChunkLength = chunkLength } });

    /// <summary>Several steps at once in small pieces.</summary>
    /// <param name="steps">S, a power of two.</param>
    public static BitWay SmallLifted(int steps) => new(
        $"lifted.small.S{steps}",
        new ExecutionOptions
        {
            Recurrence = Recurrence.Lifted,
            Tuning = SmallPieces with { LiftedLength = steps },
        });

    /// <summary>The same within a memory budget.</summary>
    /// <param name="problem">The problem, which the smallest budget depends on.</param>
    /// <param name="factor">The budget as a multiple of the smallest.</param>
    public BitWay Within(BitProblem problem, double factor) => new(
        $"{Name}/budget{factor.ToString(CultureInfo.InvariantCulture)}",
        Options with { MemoryBudget = (long)(factor * SmallestBudget(problem)) });

    /// <summary>The smallest budget, as the pass itself names it.</summary>
    private long SmallestBudget(BitProblem problem)
    {
        try
        {
            ForwardPass.Run(problem.Model, problem.Inputs, null, Options with { MemoryBudget = 1 });
        }
        catch (ArgumentException e)
        {
            return long.Parse(Bytes().Match(e.Message).Groups[1].Value, CultureInfo.InvariantCulture);
        }
        throw new InvalidOperationException("Expected a budget of one byte to be refused.");
    }

    [GeneratedRegex("at least ([0-9]+) bytes")]
    private static partial Regex Bytes();
}
