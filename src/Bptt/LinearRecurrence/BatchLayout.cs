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
        _sequences = Enumerable.Range(0, _lengths.Length).OrderByDescending(b => _lengths[b]).ToArray(); // stable
        _slots = new int[_lengths.Length];
        for (int slot = 0; slot < _sequences.Length; slot++)
        {
            _slots[_sequences[slot]] = slot;
        }

        Lengths = Array.AsReadOnly(_lengths);
        FirstStep = 1;
        MaxLength = _lengths[_sequences[0]];
        _segments = SegmentsByActive(_sequences, _lengths);
        Segment last = _segments[^1];
        ColumnCount = checked(last.FirstColumn + last.StepCount * last.Active);
    }

    private BatchLayout(BatchLayout steps)
    {
        _lengths = steps._lengths;
        _slots = steps._slots;
        _sequences = steps._sequences;
        Lengths = steps.Lengths;
        FirstStep = 0;
        MaxLength = steps.MaxLength;
        // Every sequence has a step 0 and a step 1, so the first segment only grows by one block at its front.
        Segment first = steps._segments[0];
        _segments = Array.ConvertAll(steps._segments, s => s with { FirstColumn = checked(s.FirstColumn + first.Active) });
        _segments[0] = new Segment(0, first.StepCount + 1, first.Active, 0);
        ColumnCount = checked(steps.ColumnCount + first.Active);
    }

    /// <summary>A run of successive steps at which the same number of sequences is active: columns
    /// FirstColumn … FirstColumn + StepCount·Active − 1.</summary>
    public readonly record struct Segment(int FirstStep, int StepCount, int Active, int FirstColumn);

    /// <summary>The columns of one step.</summary>
    public readonly record struct Block(int Step, int FirstColumn, int Active);

    /// <summary>B.</summary>
    public int SequenceCount => _lengths.Length;

    /// <summary>0 or 1: the step of the first block.</summary>
    public int FirstStep { get; }

    /// <summary>The largest T_b, which is the step of the last block.</summary>
    public int MaxLength { get; }

    /// <summary>All columns.</summary>
    public int ColumnCount { get; }

    /// <summary>T_b by sequence, in the order given.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Runs of steps with the same number of active sequences, in time order; at most B of them.</summary>
    public ReadOnlySpan<Segment> Segments => _segments;

    /// <summary>The same batch with a block for step 0 in front: the layout of h_0 … h_T.</summary>
    public BatchLayout WithStepZero() => new(this);

    /// <summary>The sequence that stands at a place inside the blocks.</summary>
    public int SequenceAt(int slot) => _sequences[slot];

    /// <summary>The place of a sequence inside the blocks.</summary>
    public int SlotOf(int sequence) => _slots[sequence];

    /// <summary>The column of step <paramref name="step"/> of sequence <paramref name="sequence"/>. Cost O(log B).</summary>
    public int Column(int sequence, int step) => BlockOf(step).FirstColumn + _slots[sequence];

    /// <summary>The block of step <paramref name="step"/>. Cost O(log B).</summary>
    public Block BlockOf(int step)
    {
        int low = 0;
        int high = _segments.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_segments[middle].FirstStep <= step)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }
        Segment segment = _segments[low];
        return new Block(step, segment.FirstColumn + (step - segment.FirstStep) * segment.Active, segment.Active);
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
}
