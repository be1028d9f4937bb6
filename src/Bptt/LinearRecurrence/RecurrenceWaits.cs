// What the tasks of a recurrence wait for from block to block, the same in both directions of time. Data only.

namespace Bptt.LinearRecurrence;

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
}
