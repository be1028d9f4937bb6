// How the steps of a pass are cut into blocks, and which of them are run in parallel over time. Data only: who does the
// work, and when, is said elsewhere.

namespace Bptt.LinearRecurrence;

/// <summary>
/// The blocks of some steps, in time order. It depends on the shapes alone. The same blocks serve the
/// forward pass, from the first to the last, and the backward pass, from the last to the first.
/// </summary>
internal sealed class RecurrencePlan
{
    private RecurrencePlan(TimeBlock[] blocks, int groupWidth, int carryColumns)
    {
        Blocks = blocks;
        GroupWidth = groupWidth;
        CarryColumns = carryColumns;
    }

    /// <summary>In time order.</summary>
    public IReadOnlyList<TimeBlock> Blocks { get; }

    /// <summary>Sequences that stand side by side and are carried from step to step together, apart from the
    /// others.</summary>
    public int GroupWidth { get; }

    /// <summary>Groups of a block: one where it is chunked.</summary>
    public int GroupsOf(TimeBlock block, BatchLayout steps) =>
        block.IsChunked ? 1 : (steps.ActiveAt(block.FirstStep) + GroupWidth - 1) / GroupWidth;

    /// <summary>Columns for the carries of all chunked blocks.</summary>
    public int CarryColumns { get; }

    /// <summary>S; 1 where no block is chunked.</summary>
    public int ChunkLength { get; private init; } = 1;

    /// <summary>The plan for all steps of a layout.</summary>
    /// <param name="steps">The layout, of steps counted from 1.</param>
    /// <param name="h">Rows of the states.</param>
    /// <param name="chunkLength">S for blocks where at least two chunks find room; 1 for step by step
    /// throughout.</param>
    /// <param name="tuning">How large the blocks are.</param>
    public static RecurrencePlan For(BatchLayout steps, int h, int chunkLength, PlanTuning tuning)
    {
        int active = steps.ActiveAt(1);
        int blockColumns = Math.Min(
            Math.Clamp(tuning.BlockEntries / h, tuning.MinBlockColumns, tuning.MaxBlockColumns),
            Math.Max(tuning.MinBlockColumns, steps.ColumnCount / tuning.WantedBlocks));

        var blocks = new List<TimeBlock>();
        int carryColumns = 0;
        int column = 0;
        for (int step = 1; step <= steps.LastStep;)
        {
            TimeBlock block =
                NextBlock(steps, step, column, blockColumns, chunkLength, tuning) with { FirstCarry = carryColumns };
            if (block.IsChunked)
            {
                carryColumns += (block.ChunkCount + 1) * (block.ColumnCount / block.StepCount);
            }
            blocks.Add(block);
            column += block.ColumnCount;
            step += block.StepCount;
        }

        double groupWork = 2.0 * h * h * blockColumns;
        int groups = chunkLength > 1
            ? 1
            : (int)Math.Clamp(groupWork / tuning.GroupWork, 1, Math.Max(1, active / tuning.MinGroupWidth));
        int multiple = tuning.MinGroupWidth;
        int width = ((active + groups - 1) / groups + multiple - 1) / multiple * multiple;
        return new RecurrencePlan([.. blocks], groups == 1 ? active : width, carryColumns)
        {
            ChunkLength = blocks.Exists(block => block.IsChunked) ? chunkLength : 1,
        };
    }

    private static TimeBlock NextBlock(
        BatchLayout steps, int step, int column, int blockColumns, int chunkLength, PlanTuning tuning)
    {
        int i = steps.SegmentOf(step);
        BatchLayout.Segment segment = steps.Segments[i];
        int active = segment.Active;
        int stepCount = segment.FirstStep + segment.StepCount - step;
        if (chunkLength > 1 && stepCount >= 2 * chunkLength)
        {
            int chunks = Math.Max(tuning.MinChunks, blockColumns / (chunkLength * active));
            chunks = Math.Min(chunks, stepCount / chunkLength);
            return new TimeBlock(step, chunks * chunkLength, column, chunks * chunkLength * active, chunkLength, 0);
        }

        // Step by step, as far as the columns allow; on through further segments where none of them can be chunked.
        int taken = 0;
        int columns = 0;
        while (true)
        {
            int more = Math.Min(stepCount, Math.Max(1, (blockColumns - columns) / active));
            taken += more;
            columns += more * active;
            if (more < stepCount || columns >= blockColumns || step + taken > steps.LastStep || chunkLength > 1)
            {
                return new TimeBlock(step, taken, column, columns, 1, 0);
            }
            segment = steps.Segments[++i];
            active = segment.Active;
            stepCount = segment.FirstStep + segment.StepCount - (step + taken);
        }
    }
}
