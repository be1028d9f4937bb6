// Which columns of a step lie beside those of the step before or after it, in stretches that are as long as possible.
// Knows layouts only, no values.

namespace Bptt.LinearRecurrence;

/// <summary>For products that take each step's columns with those of a neighbouring step: Σ a_t b_{t−1}ᵀ, or u_t + A
/// s_{t+1}. Where sequences end between two steps the earlier block is wider, and only its first columns have a
/// neighbour. Values, so that a loop over them allocates nothing.</summary>
internal struct StepNeighbours
{
    private readonly BatchLayout _layout;
    private readonly BatchLayout _neighbours;
    private readonly int _lastStep;
    private readonly bool _isBefore;
    private int _step;

    private StepNeighbours(BatchLayout layout, BatchLayout neighbours, int firstStep, int lastStep, bool isBefore)
    {
        (_layout, _neighbours, _step, _lastStep, _isBefore) = (layout, neighbours, firstStep, lastStep, isBefore);
    }

    /// <summary>The stretch that a loop has come to.</summary>
    public Stretch Current { get; private set; }

    /// <summary>Steps t with steps t − 1: every column of t has a neighbour.</summary>
    /// <param name="layout">The layout of all steps.</param>
    /// <param name="neighbours">That of the neighbours, which holds the step before the first one.</param>
    /// <param name="firstStep">The first step, at least 1.</param>
    /// <param name="lastStep">The last one.</param>
    public static StepNeighbours Before(BatchLayout layout, BatchLayout neighbours, int firstStep, int lastStep) =>
        new(layout, neighbours, firstStep, lastStep, isBefore: true);

    /// <summary>Steps t with steps t + 1: the columns of sequences that end with t are left out.</summary>
    /// <param name="layout">The layout of all steps.</param>
    /// <param name="neighbours">That of the neighbours, which holds the step after the last one, if there is
    /// one.</param>
    /// <param name="firstStep">The first step, at least 1.</param>
    /// <param name="lastStep">The last one.</param>
    public static StepNeighbours After(BatchLayout layout, BatchLayout neighbours, int firstStep, int lastStep) =>
        new(layout, neighbours, firstStep, lastStep, isBefore: false);

    /// <summary>What a loop goes through.</summary>
    public readonly StepNeighbours GetEnumerator() => this;

    /// <summary>Goes to the next stretch, if there is one.</summary>
    public bool MoveNext()
    {
        while (_step <= _lastStep)
        {
            BatchLayout.Segment segment = _layout.Segments[_layout.SegmentOf(_step)];
            int column = segment.FirstColumn + (_step - segment.FirstStep) * segment.Active;
            int end = segment.FirstStep + segment.StepCount - 1; // after it sequences have ended
            if (_isBefore)
            {
                // The first columns of a segment do not lie beside those that the rest of it has before it.
                BatchLayout.Block before = _neighbours.BlockOf(_step - 1);
                int steps = before.Active == segment.Active ? Math.Min(_lastStep, end) - _step + 1 : 1;
                Current = new Stretch(column, steps * segment.Active, before.FirstColumn);
                _step += steps;
                return true;
            }
            int together = Math.Min(_lastStep, end - 1) - _step + 1;
            if (together > 0)
            {
                Current = new Stretch(column, together * segment.Active, _neighbours.BlockOf(_step + 1).FirstColumn);
                _step += together;
                return true;
            }
            _step = end + 1;
            if (end < _layout.LastStep)
            {
                Current = new Stretch(column, _layout.ActiveAt(_step), _neighbours.BlockOf(_step).FirstColumn);
                return true;
            }
        }
        return false;
    }
}

/// <summary>Successive columns whose neighbours, a step before or after, are successive too.</summary>
/// <param name="Column">The first one, in the layout of the steps.</param>
/// <param name="Count">How many.</param>
/// <param name="Neighbour">The first of their neighbours, in the layout of those.</param>
internal readonly record struct Stretch(int Column, int Count, int Neighbour);
