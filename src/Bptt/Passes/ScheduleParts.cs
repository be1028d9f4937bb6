// What a schedule keeps in mind while it goes from block to block: what the recurrence waits for, and who added to a
// gradient last. Data only.

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>What the tasks of a recurrence wait for from block to block, the same in both directions of time.</summary>
/// <param name="transition">The task that packs A.</param>
internal sealed class RecurrenceWaits(int transition)
{
    private int[] _tasks = [transition]; // of the block that leads to the next one
    private bool _isChunked;
    private int _filled;

    /// <summary>The tasks that a group of the next block waits for, besides its own u.</summary>
    public int[] For(TimeBlock block, int group)
    {
        if (block.IsChunked)
        {
            return _tasks;
        }
        // A chunked block leaves its last state to the task that fills it; a group that begins here waits for A alone.
        return [_isChunked ? _filled : group < _tasks.Length ? _tasks[group] : transition];
    }

    /// <summary>Goes on to the next block.</summary>
    /// <param name="block">The block that leads to it.</param>
    /// <param name="tasks">The tasks that carry its states, by group.</param>
    /// <param name="filled">The task that fills it, where it is chunked.</param>
    public void Follow(TimeBlock block, int[] tasks, int filled)
    {
        _tasks = tasks;
        _isChunked = block.IsChunked;
        _filled = filled;
    }

    /// <summary>The tasks that complete the states of the block come to last.</summary>
    public int[] Last() => _isChunked ? [_filled] : _tasks;
}

/// <summary>A weight gradient in parts of some rows each: every part is summed over the blocks in one order, by one
/// task after the other.</summary>
internal sealed class GradientParts(PassStep step, int rows, int columns)
{
    /// <summary>Rows of a part are a multiple of this: whole strips of every kernel.</summary>
    private const int RowMultiple = 48;

    public PassStep Step { get; } = step;

    public int Rows { get; } = rows;

    public int Columns { get; } = columns;

    /// <summary>Rows of a part.</summary>
    public int PartRows { get; private set; }

    /// <summary>By part: the task that added last.</summary>
    public int[] Last { get; private set; } = [];

    public int RowsOfPart(double wanted) =>
        (int)Math.Min(Rows, Math.Max(1.0, Math.Round(wanted / RowMultiple)) * RowMultiple);

    /// <summary>Fixes the parts at the first call.</summary>
    public void Prepare(int partRows)
    {
        if (PartRows == 0)
        {
            PartRows = partRows;
            Last = new int[(Rows + PartRows - 1) / PartRows];
            Array.Fill(Last, -1);
        }
    }
}
