// Where a pass has its arrays from, and whether they are still its own. Knows nothing of what they mean.

using Bptt.LinearRecurrence;

namespace Bptt;

/// <summary>Fresh memory, or a workspace as it stands for one forward pass and the backward passes made from it.</summary>
internal readonly struct PassMemory
{
    private readonly Workspace? _workspace;
    private readonly long _generation;

    private PassMemory(Workspace workspace, long generation)
    {
        _workspace = workspace;
        _generation = generation;
    }

    /// <summary>New arrays, which nobody takes over.</summary>
    public static PassMemory Fresh => default;

    /// <summary>Starts a forward pass; <see cref="End"/> must follow.</summary>
    public static PassMemory BeginForward(Workspace? workspace) =>
        workspace is null ? Fresh : new PassMemory(workspace, workspace.BeginForward());

    /// <summary>Starts a backward pass; <see cref="End"/> must follow.</summary>
    public void BeginBackward() => _workspace?.BeginBackward(_generation);

    /// <summary>Ends the pass begun last.</summary>
    public void End() => _workspace?.End();

    /// <summary>Refuses to read a pass whose memory a newer one has taken over.</summary>
    public void ThrowIfStale()
    {
        if (_workspace is not null && !_workspace.IsCurrent(_generation))
        {
            throw Workspace.Stale();
        }
    }

    /// <summary>Reads something out; refuses where a newer pass has taken the memory over before, or meanwhile on another
    /// thread.</summary>
    public T Read<T>(Func<T> read)
    {
        ThrowIfStale();
        T result = read();
        Interlocked.MemoryBarrier(); // the reading is over before the second look
        ThrowIfStale();
        return result;
    }

    /// <summary>Storage for a column of each step; what it holds is undefined.</summary>
    /// <exception cref="ArgumentException">The columns exceed what one array can hold.</exception>
    public PackedColumns Columns(int rows, BatchLayout layout)
    {
        long length = (long)rows * layout.ColumnCount;
        if (length > Array.MaxLength)
        {
            throw new ArgumentException(
                $"The problem is too large: expected at most {Array.MaxLength} numbers in one array, but {rows} rows for {layout.ColumnCount} steps need {length}.");
        }
        double[] values = _workspace is null
            ? GC.AllocateUninitializedArray<double>((int)length)
            : _workspace.Rent((int)length);
        return new PackedColumns(rows, layout, values);
    }

    /// <summary>The layout of sequences with the given lengths.</summary>
    /// <exception cref="ArgumentException">All steps together exceed what an index can count.</exception>
    public static BatchLayout Layout(ReadOnlySpan<int> lengths, string name)
    {
        try
        {
            return new BatchLayout(lengths);
        }
        catch (OverflowException)
        {
            throw Guard.Error(name, $"expected at most {int.MaxValue} steps in all, got more.");
        }
    }
}
