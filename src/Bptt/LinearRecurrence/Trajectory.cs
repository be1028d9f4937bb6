// The states of all steps, or their gradients: kept whole, or one window at a time with checkpoints at the borders.
// Knows no RNN: how a window is computed again is given from outside.

using System.Numerics;
using Bptt.Kernels;

namespace Bptt.LinearRecurrence;

/// <summary>States that are known while no window is held.</summary>
internal interface IKnownStates<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Writes the columns of a step that leads to a window.</summary>
    /// <param name="step">The step.</param>
    /// <param name="columns">Receives them, longest sequence first.</param>
    void WriteLeading(int step, MatrixSpan<TReal> columns);

    /// <summary>Copies one column, where it is known.</summary>
    bool TryRead(int sequence, int step, Span<TReal> column);
}

/// <summary>Columns h_0 … h_T, or ∂L/∂h_0 … ∂L/∂h_T, of which one window is held at a time.</summary>
/// <remarks>Where there are several windows, reading from several threads is safe but takes turns.</remarks>
internal sealed class Trajectory<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly Lock _gate = new();
    private readonly BatchLayout _steps;
    private readonly IKnownStates<TReal>? _known;
    private readonly ArraySegment<TReal>[] _checkpoints; // by window: the columns of the step that leads to it
    private ArraySegment<TReal> _storage; // empty before it is needed
    private int _window = -1;
    private PackedColumns<TReal>? _columns;

    /// <param name="rows">h.</param>
    /// <param name="steps">The layout of steps 1 … T.</param>
    /// <param name="windows">The windows.</param>
    /// <param name="direction">Forward: a window is computed from the step before it. Backward: from the step
    /// after.</param>
    /// <param name="storage">Makes memory of a length.</param>
    public Trajectory(
        int rows,
        BatchLayout steps,
        WindowPlan windows,
        TimeDirection direction,
        Func<long, ArraySegment<TReal>> storage)
    {
        Rows = rows;
        _steps = steps;
        Windows = windows;
        Direction = direction;
        _checkpoints = new ArraySegment<TReal>[windows.Count];
        for (int w = 0; w < windows.Count && windows.Count > 1; w++)
        {
            int leading = LeadingStep(w);
            _checkpoints[w] = storage(leading > steps.LastStep ? 0 : rows * steps.ColumnsOf(leading, leading));
        }
        _storage = storage(rows * MostColumns());
    }

    /// <summary>States of which none is kept: each window is computed when it is read, from states that are
    /// known.</summary>
    /// <param name="rows">h.</param>
    /// <param name="steps">The layout of steps 1 … T.</param>
    /// <param name="windows">The windows.</param>
    /// <param name="direction">As above.</param>
    /// <param name="known">Knows the states of the steps that lead to the windows.</param>
    public Trajectory(
        int rows, BatchLayout steps, WindowPlan windows, TimeDirection direction, IKnownStates<TReal> known)
    {
        Rows = rows;
        _steps = steps;
        Windows = windows;
        Direction = direction;
        _checkpoints = [];
        _known = known;
    }

    public int Rows { get; }

    public WindowPlan Windows { get; }

    public TimeDirection Direction { get; }

    /// <summary>Whether every state is kept, so that nothing is computed again.</summary>
    public bool IsKept => Windows.Count == 1 && _known is null;

    /// <summary>Computes the columns of a window from those of the step that leads to it, which are in place: for
    /// reading.</summary>
    public Action<int, PackedColumns<TReal>>? Compute { get; set; }

    /// <summary>Makes room for a window whose columns are about to be computed for the first time, in the order of the
    /// direction; the step that leads to it is in place, but for the first window.</summary>
    public PackedColumns<TReal> Begin(int window)
    {
        bool follows = _columns is not null && window == _window + (Direction == TimeDirection.Forward ? 1 : -1);
        if (follows)
        {
            SaveCheckpoint(window);
        }
        _window = window;
        _columns = new PackedColumns<TReal>(
            Rows, _steps.Slice(HeldSteps(window).First, HeldSteps(window).Last), _storage);
        if (follows)
        {
            LoadCheckpoint(window);
        }
        return _columns;
    }

    /// <summary>Writes the states of step 0, from which the first window is computed forward in time.</summary>
    /// <param name="states">h×B in the order of the sequences; empty for zero.</param>
    public void WriteStepZero(ReadOnlySpan<TReal> states)
    {
        for (int b = 0; b < _steps.SequenceCount; b++)
        {
            Span<TReal> state = _columns!.Column(b, 0);
            if (states.IsEmpty)
            {
                state.Clear();
            }
            else
            {
                states.Slice(b * Rows, Rows).CopyTo(state);
            }
        }
        SaveCheckpoint(0);
    }

    /// <summary>Keeps the columns of the step that leads to a window, which are held now.</summary>
    private void SaveCheckpoint(int window)
    {
        if (Windows.Count > 1)
        {
            _columns!.Block(LeadingStep(window)).Values.CopyTo(_checkpoints[window]);
        }
    }

    /// <summary>Keeps other threads from asking for another window until it is disposed of. One window alone never
    /// changes.</summary>
    public Lock.Scope Hold() => IsKept ? default : _gate.EnterScope();

    /// <summary>The columns of a window, computed again where they are not held. The caller sees to it that no other
    /// thread asks for another window meanwhile.</summary>
    /// <param name="window">The window.</param>
    /// <param name="compute">Computes it from the step that leads to it, which is in place.</param>
    public PackedColumns<TReal> Window(int window, Action<int, PackedColumns<TReal>> compute)
    {
        if (_window != window)
        {
            (int first, int last) = HeldSteps(window);
            _window = -1; // until it is complete
            if (_storage.Count == 0)
            {
                _storage = AlignedMemory.Allocate<TReal>(Rows * MostColumns());
            }
            var columns = new PackedColumns<TReal>(Rows, _steps.Slice(first, last), _storage);
            _columns = columns;
            LoadCheckpoint(window);
            compute(window, columns);
            _window = window;
        }
        return _columns!;
    }

    /// <summary>Reads the columns of a window while no other thread changes what is held.</summary>
    public T Read<T>(int window, Func<PackedColumns<TReal>, T> read)
    {
        if (IsKept)
        {
            return read(_columns!);
        }
        lock (_gate)
        {
            return read(Window(window, Compute!));
        }
    }

    /// <summary>Looks at the columns of a window while no other thread changes what is held.</summary>
    public void Read(int window, Action<PackedColumns<TReal>> look) => Read<object?>(window, columns =>
    {
        look(columns);
        return null;
    });

    /// <summary>The windows in the order in which they are computed first.</summary>
    public IEnumerable<int> WindowsInOrder()
    {
        for (int i = 0; i < Windows.Count; i++)
        {
            yield return Direction == TimeDirection.Forward ? i : Windows.Count - 1 - i;
        }
    }

    /// <summary>The windows in the order of time, from the end that is nearer to the one that is held.</summary>
    public IEnumerable<int> WindowsFromHeld()
    {
        int count = Windows.Count;
        bool fromEnd = Volatile.Read(ref _window) > count / 2;
        return Enumerable.Range(0, count).Select(i => fromEnd ? count - 1 - i : i);
    }

    /// <summary>A column of a sequence, copied.</summary>
    public TReal[] Column(int sequence, int step)
    {
        var known = new TReal[Rows];
        return _known is not null && _known.TryRead(sequence, step, known)
            ? known
            : Read(Windows.WindowOf(step), columns => columns.Column(sequence, step).ToArray());
    }

    /// <summary>All columns of a sequence, side by side.</summary>
    public TReal[] Sequence(int sequence)
    {
        int length = _steps.Lengths[sequence];
        long count = (long)Rows * (length + 1);
        if (count > Array.MaxLength)
        {
            throw new InvalidOperationException(
                $"The states of a sequence of {length} steps do not fit into one matrix: "
                + $"expected at most {Array.MaxLength} numbers, got {Rows} rows for {length + 1} states. "
                + "Read them step by step.");
        }
        var entries = new TReal[count];
        foreach (int window in WindowsFromHeld())
        {
            int first = window == 0 ? 0 : Windows.FirstStep(window);
            int last = Math.Min(length, Windows.LastStep(window));
            if (first <= last)
            {
                Read(window, columns =>
                {
                    for (int step = first; step <= last; step++)
                    {
                        columns.Column(sequence, step).CopyTo(entries.AsSpan(step * Rows));
                    }
                });
            }
        }
        return entries;
    }

    /// <summary>One step of every sequence, side by side.</summary>
    public TReal[] StepOfEach(Func<int, int> stepOfSequence)
    {
        var entries = new TReal[Rows * _steps.SequenceCount];
        foreach (int window in WindowsFromHeld())
        {
            int[] here = [.. Enumerable.Range(0, _steps.SequenceCount)
                .Where(b => Windows.WindowOf(stepOfSequence(b)) == window)
                .Where(b => _known?.TryRead(b, stepOfSequence(b), entries.AsSpan(b * Rows, Rows)) is not true)];
            if (here.Length > 0)
            {
                Read(window, columns =>
                {
                    foreach (int b in here)
                    {
                        columns.Column(b, stepOfSequence(b)).CopyTo(entries.AsSpan(b * Rows));
                    }
                });
            }
        }
        return entries;
    }

    private void LoadCheckpoint(int window)
    {
        int leading = LeadingStep(window);
        if (_known is not null && leading <= _steps.LastStep)
        {
            _known.WriteLeading(leading, _columns!.Block(leading));
        }
        else if (Windows.Count > 1 && leading <= _steps.LastStep)
        {
            _checkpoints[window].AsSpan().CopyTo(_columns!.Block(leading).Values);
        }
    }

    private int MostColumns()
    {
        int most = 0;
        for (int w = 0; w < Windows.Count; w++)
        {
            (int first, int last) = HeldSteps(w);
            most = Math.Max(most, _steps.ColumnsOf(first, last));
        }
        return most;
    }

    /// <summary>The step from which a window is computed.</summary>
    private int LeadingStep(int window) =>
        Direction == TimeDirection.Forward ? Windows.StepBefore(window) : Windows.LastStep(window) + 1;

    /// <summary>A window, with the step that leads to it and with step 0.</summary>
    private (int First, int Last) HeldSteps(int window) => Direction == TimeDirection.Forward
        ? (Windows.StepBefore(window), Windows.LastStep(window))
        : (window == 0 ? 0 : Windows.FirstStep(window), Math.Min(Windows.LastStep(window) + 1, _steps.LastStep));
}
