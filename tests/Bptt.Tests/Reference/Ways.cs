// The ways in which a pass can be carried out, for tests that must hold under all of them: every kind of kernel, every
// method of recurrence, threads, memory. The pieces of the plans are so small that small problems have many of them.

using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Tests.Reference;

/// <summary>One way.</summary>
/// <param name="Name">Says which.</param>
/// <param name="Options">The options, but for the budget.</param>
/// <param name="HasSmallestBudget">Whether to run within the smallest memory budget.</param>
internal sealed record Way(string Name, ExecutionOptions Options, bool HasSmallestBudget)
{
    /// <summary>The options for sequences of the given lengths.</summary>
    public ExecutionOptions For(int hiddenSize, int[] lengths) => HasSmallestBudget
        ? Options with { MemoryBudget = MemoryPlan.SmallestBudget(hiddenSize, new BatchLayout(lengths)) }
        : Options;

    public override string ToString() => Name;
}

internal static class Ways
{
    /// <summary>Pieces of a few columns each, all of them worth a thread.</summary>
    public static PlanTuning SmallPieces { get; } = new()
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

    public static IReadOnlyList<Way> All { get; } = [.. Make()];

    private static IEnumerable<Way> Make()
    {
        yield return new Way("defaults", new ExecutionOptions(), false);
        foreach (KernelSet kernels in KernelChoice.Supported)
        {
            foreach (int threads in new[] { 1, 2 })
            {
                yield return Of(kernels, Recurrence.Sequential, 1, threads, false);
                yield return Of(kernels, Recurrence.TimeParallel, 2, threads, false);
            }
            yield return Of(kernels, Recurrence.TimeParallel, 4, 2, false);
            yield return Of(kernels, Recurrence.Sequential, 1, 2, true);
            yield return Of(kernels, Recurrence.TimeParallel, 2, 2, true);
        }
    }

    private static Way Of(KernelSet kernels, Recurrence recurrence, int chunkLength, int threads, bool hasBudget) => new(
        $"{kernels.Name}, {recurrence} with chunks of {chunkLength}, {threads} threads{(hasBudget ? ", smallest budget" : "")}",
        new ExecutionOptions
        {
            Kernels = kernels,
            Recurrence = recurrence,
            MaxDegreeOfParallelism = threads,
            Tuning = SmallPieces with { ChunkLength = chunkLength },
        },
        hasBudget);
}
