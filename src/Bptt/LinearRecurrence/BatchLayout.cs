// Where the column of step t of sequence b lies in packed time-major storage. Knows lengths only, no values.
//
//   B  sequences      B_t  sequences still running at step t      block t  the B_t columns of step t
//
// All sequences' first step, then all their second step, …; inside a block the sequences stand longest first (a
// stable order), so those still running at step t are the first B_t. No padding, no wasted arithmetic.

namespace Bptt.LinearRecurrence;

internal sealed class BatchLayout
{
    private readonly int[] _lengths;   // by sequence
    private readonly int[] _slots;     // by sequence: its place inside a block
    private readonly int[] _sequences; // by place: the sequence
    private readonly Segment[] _segments;

    /// <summary>The layout of steps 1 … T_b of sequences with the given lengths (each at least 1).</summary>
    /// <exception cref="OverflowException">ΣT_b exceeds the largest 32-bit integer.</exception>
    public BatchLayout(ReadOnlySpan<int> lengths)
    {
        _lengths = lengths.ToArray();
        _sequences = lengths.Length == 1
            ? [0]
            : [.. Enumerable.Range(0, _lengths.Length).OrderByDescending(b => _lengths[b])]; // stable
        _slots = new int[_lengths.Length];
        for (int slot = 0; slot < _sequences.Length; slot++)
        {
            _slots[_sequences[slot]] = slot;
        }

        Lengths = Array.AsReadOnly(_lengths);
        FirstStep = 1;
        LastStep = _lengths[_sequences[0]];
        _segments = SegmentsByActive(_sequences, _lengths);
        Segment last = _segments[^1];
        ColumnCount = checked(last.FirstColumn + last.StepCount * last.Active);
    }

    /// <summary>The steps <paramref name="firstStep"/> … <paramref name="lastStep"/> of a layout of steps 1 … T, where
    /// step 0 has a column for each sequence.</summary>
    private BatchLayout(BatchLayout steps, int firstStep, int lastStep, int shift)
    {
        _lengths = steps._lengths;
        _slots = steps._slots;
        _sequences = steps._sequences;
        Lengths = steps.Lengths;
        FirstStep = firstStep - shift;
        LastStep = lastStep - shift;
        var segments = new List<Segment>();
        int column = 0;
        foreach (Segment segment in steps._segments)
        {
            // Every sequence has a step 0 and a step 1, so the first segment only grows by one step at its front.
            int begin = Math.Max(firstStep, segment.FirstStep == 1 ? 0 : segment.FirstStep);
            int end = Math.Min(lastStep, segment.FirstStep + segment.StepCount - 1);
            if (begin <= end)
            {
                segments.Add(new Segment(begin - shift, end - begin + 1, segment.Active, column));
                column = checked(column + (end - begin + 1) * segment.Active);
            }
        }
        _segments = [.. segments];
        ColumnCount = column;
    }

    /// <summary>A run of successive steps at which the same number of sequences is active: columns
    /// FirstColumn … FirstColumn + StepCount·Active − 1.</summary>
    public readonly record struct Segment(int FirstStep, int StepCount, int Active, int FirstColumn);

    /// <summary>The columns of one step.</summary>
    public readonly record struct Block(int Step, int FirstColumn, int Active);

    /// <summary>Whose column a column is.</summary>
    public readonly record struct Place(int Column, int Sequence, int Step);

    /// <summary>B.</summary>
    public int SequenceCount => _lengths.Length;

    /// <summary>The step of the first block: 1 unless the layout is a slice.</summary>
    public int FirstStep { get; }

    /// <summary>The step of the last block: the largest T_b unless the layout is a slice.</summary>
    public int LastStep { get; }

    /// <summary>All columns.</summary>
    public int ColumnCount { get; }

    /// <summary>T_b by sequence, in the order given.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Runs of steps with the same number of active sequences, in time order; at most B of them.</summary>
    public ReadOnlySpan<Segment> Segments => _segments;

    /// <summary>The blocks of some steps alone, step 0 perhaps among them; for a layout that is no slice
    /// itself.</summary>
    public BatchLayout Slice(int firstStep, int lastStep) => new(this, firstStep, lastStep, shift: 0);

    /// <summary>The blocks of some steps alone, counted from 1, for a layout that is no slice itself: windows of the
    /// same shape have the same layout.</summary>
    public BatchLayout Window(int firstStep, int lastStep) => (firstStep, lastStep) == (FirstStep, LastStep)
        ? this
        : new(this, firstStep, lastStep, shift: firstStep - 1);

    /// <summary>How many columns the blocks of some steps have, step 0 perhaps among them.</summary>
    public int ColumnsOf(int firstStep, int lastStep)
    {
        Block last = BlockOf(lastStep);
        return firstStep == 0
            ? checked(SequenceCount + (lastStep == 0 ? 0 : last.FirstColumn + last.Active))
            : last.FirstColumn + last.Active - BlockOf(firstStep).FirstColumn;
    }

    /// <summary>B_t; 0 after the last step.</summary>
    public int ActiveAt(int step) => step > LastStep ? 0 : BlockOf(step).Active;

    /// <summary>The segment that holds a step, by its place in <see cref="Segments"/>. Cost O(log B).</summary>
    public int SegmentOf(int step) => LastSegmentFrom(step, static segment => segment.FirstStep);

    /// <summary>Whether the blocks of the other are the same steps of as many sequences.</summary>
    public bool HasShapeOf(BatchLayout other) =>
        FirstStep == other.FirstStep && LastStep == other.LastStep && _segments.AsSpan().SequenceEqual(other._segments);

    /// <summary>The sequence that stands at a place inside the blocks.</summary>
    public int SequenceAt(int slot) => _sequences[slot];

    /// <summary>The place of a sequence inside the blocks.</summary>
    public int SlotOf(int sequence) => _slots[sequence];

    /// <summary>The column of step <paramref name="step"/> of sequence <paramref name="sequence"/>. Cost O(log
    /// B).</summary>
    public int Column(int sequence, int step) => BlockOf(step).FirstColumn + _slots[sequence];

    /// <summary>The block of step <paramref name="step"/>. Cost O(log B).</summary>
    public Block BlockOf(int step)
    {
        Segment segment = _segments[SegmentOf(step)];
        return new Block(step, segment.FirstColumn + (step - segment.FirstStep) * segment.Active, segment.Active);
    }

    /// <summary>The step whose block holds a column. Cost O(log B).</summary>
    public int StepOfColumn(int column)
    {
        Segment segment = _segments[LastSegmentFrom(column, static segment => segment.FirstColumn)];
        return segment.FirstStep + (column - segment.FirstColumn) / segment.Active;
    }

    /// <summary>Whose the columns <paramref name="first"/>, <paramref name="first"/> + 1, … are. Allocates
    /// nothing.</summary>
    public PlaceEnumerator Places(int first, int count) => new(this, first, count);

    /// <summary>The last segment that begins at or before a place, by its place in <see cref="Segments"/>.</summary>
    private int LastSegmentFrom(int place, Func<Segment, int> begin)
    {
        int low = 0;
        int high = _segments.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (begin(_segments[middle]) <= place)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }
        return low;
    }

    private static Segment[] SegmentsByActive(int[] longestFirst, int[] lengths)
    {
        var segments = new List<Segment>();
        int finished = 0;
        int column = 0;
        for (int active = longestFirst.Length; active > 0; active--)
        {
            int length = lengths[longestFirst[active - 1]];
            if (length > finished)
            {
                segments.Add(new Segment(finished + 1, length - finished, active, column));
                column = checked(column + (length - finished) * active);
                finished = length;
            }
        }
        return [.. segments];
    }

    /// <summary>Walks through columns in the order in which they lie.</summary>
    public struct PlaceEnumerator
    {
        private readonly BatchLayout _layout;
        private readonly int _end;
        private Block _block;
        private int _column;

        public PlaceEnumerator(BatchLayout layout, int first, int count)
        {
            _layout = layout;
            _end = first + count;
            _block = layout.BlockOf(layout.StepOfColumn(first));
            _column = first - 1;
        }

        public readonly Place Current => new(_column, _layout._sequences[_column - _block.FirstColumn], _block.Step);

        public readonly PlaceEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (++_column == _end)
            {
                return false;
            }
            if (_column == _block.FirstColumn + _block.Active)
            {
                _block = _layout.BlockOf(_block.Step + 1);
            }
            return true;
        }
    }
}
