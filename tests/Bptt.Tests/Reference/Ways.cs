// The ways in which a pass can be carried out, for tests that must hold under all of them: every kind of kernel, every
// method of recurrence, threads, memory. The pieces of the plans are so small that small problems have many of them.

using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Tests.Reference;

/// <summary>How much memory a way has.</summary>
internal enum Memory
{
    Unbounded,

    /// <summary>The smallest budget.</summary>
    Smallest,

    /// <summary>A little more, so that the carries of chunks are kept.</summary>
    WithCarries,
}

/// <summary>One way.</summary>
/// <param name="Options">The options, but for the budget.</param>
/// <param name="Memory">The budget.</param>
internal sealed record Way(ExecutionOptions Options, Memory Memory)
{
    private int ChunkLength =>
        Options.Recurrence == Recurrence.Lifted ? Options.Tuning.LiftedLength ?? 1 : StepsOfChunk;

    private int StepsOfChunk => Options.Recurrence == Recurrence.TimeParallel ? Options.Tuning.ChunkLength ?? 1 : 1;

    /// <summary>How many times as large the rounding of a number is as that of a double.</summary>
    public double Rounding => Options.Precision == Precision.Single ? Math.Pow(2.0, 53 - 24) : 1.0;

    /// <summary>The options for sequences of the given lengths.</summary>
    public ExecutionOptions For(int hiddenSize, int[] lengths)
    {
        var steps = new BatchLayout(lengths);
        long smallest = MemoryPlan.SmallestBudget(hiddenSize, StepsOfChunk, steps, Options.Precision);
        int bytes = Options.Precision == Precision.Single ? sizeof(float) : sizeof(double);
        return Memory switch
        {
            Memory.Unbounded => Options,
            Memory.Smallest => Options with { MemoryBudget = smallest },
            _ => Options with
            {
                MemoryBudget = smallest + bytes * hiddenSize * WindowPlan.CarryColumns(steps.ColumnCount, StepsOfChunk),
            },
        };
    }

    public override string ToString() =>
        $"{Options.Kernels?.Name}, {Options.Precision}, {Options.Recurrence} with chunks of {ChunkLength}, "
        + $"{Options.MaxDegreeOfParallelism} threads, memory {Memory}";
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

    /// <summary>The same, and each of them in single precision.</summary>
    public static IReadOnlyList<Way> InBothPrecisions { get; } =
    [
        .. All,
        .. All.Select(way => way with { Options = way.Options with { Precision = Precision.Single } }),
    ];

    /// <summary>One of them by number, which may be any number of at least 0.</summary>
    public static Way Some(int number) => All[number % All.Count];

    private static IEnumerable<Way> Make()
    {
        yield return new Way(new ExecutionOptions(), Memory.Unbounded);
        foreach (KernelSet kernels in KernelChoice.Supported)
        {
            foreach (int threads in new[] { 1, 2 })
            {
                yield return Of(kernels, 1, threads, Memory.Unbounded);
                yield return Of(kernels, 2, threads, Memory.Unbounded);
            }
            yield return Of(kernels, 4, 2, Memory.Unbounded);
            yield return Of(kernels, 1, 2, Memory.Smallest);
            yield return Of(kernels, 2, 2, Memory.Smallest);
            yield return Of(kernels, 2, 2, Memory.WithCarries);
            yield return Lifted(kernels, 2, 1);
            yield return Lifted(kernels, 4, 2);
        }
    }

    /// <summary>Several steps at once, where sequences are as long.</summary>
    private static Way Lifted(KernelSet kernels, int steps, int threads) => new(
        new ExecutionOptions
        {
            Kernels = kernels,
            Recurrence = Recurrence.Lifted,
            MaxDegreeOfParallelism = threads,
            Tuning = SmallPieces with { LiftedLength = steps },
        },
        Memory.Unbounded);

    private static Way Of(KernelSet kernels, int chunkLength, int threads, Memory memory) => new(
        new ExecutionOptions
        {
            Kernels = kernels,
            Recurrence = chunkLength == 1 ? Recurrence.Sequential : Recurrence.TimeParallel,
            MaxDegreeOfParallelism = threads,
            Tuning = SmallPieces with { ChunkLength = chunkLength },
        },
        memory);
}
