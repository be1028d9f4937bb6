// The sizes that a plan aims at. The defaults are for speed; tests take others, so that small problems walk through
// everything that large ones do.

namespace Bptt.LinearRecurrence;

/// <summary>How large the pieces of a plan are. Results depend on it to rounding only.</summary>
internal sealed record PlanTuning
{
    public static PlanTuning Default { get; } = new();

    /// <summary>Numbers in the columns of a block: an eighth of a megabyte for each array that a block walks through,
    /// so that they stay in the second-level cache together.</summary>
    public int BlockEntries { get; init; } = 16384;

    /// <summary>The fewest columns of a block, so that products have enough of them.</summary>
    public int MinBlockColumns { get; init; } = 32;

    /// <summary>The fewest chunks that are run side by side, where there are as many.</summary>
    public int MinChunks { get; init; } = 16;

    /// <summary>The most columns of a block.</summary>
    public int MaxBlockColumns { get; init; } = 256;

    /// <summary>Where there are fewer blocks, the first and the last of them leave threads without work.</summary>
    public int WantedBlocks { get; init; } = 16;

    /// <summary>Operations of the recurrence that are worth a task of their own.</summary>
    public double GroupWork { get; init; } = 500_000;

    /// <summary>The fewest sequences that are carried together where there are several groups: a tile of the widest
    /// kernel.</summary>
    public int MinGroupWidth { get; init; } = 8;

    /// <summary>Operations of a task that adds to a weight gradient.</summary>
    public double GradientWork { get; init; } = 16_000_000;

    /// <summary>The fewest columns over which a weight gradient is summed at a time: each time it passes through the
    /// caches once.</summary>
    public int GradientColumns { get; init; } = 128;

    /// <summary>Spans of <see cref="GradientColumns"/> that are summed in single precision before they are added up in
    /// double.</summary>
    public int SpansOfTotal { get; init; } = 4;

    /// <summary>Operations of a pass below which a second thread costs more than it takes over: some
    /// microseconds.</summary>
    public double WorthSharing { get; init; } = 500_000;

    /// <summary>S where the recurrence is run in parallel over time; null for what the cost model says.</summary>
    public int? ChunkLength { get; init; }

    /// <summary>How many steps a lifted pass takes at once; null for what its cost model says.</summary>
    public int? LiftedLength { get; init; }
}
