// One matrix product over all steps, with each step's operand taken some steps later. Knows no gradient.

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt.Passes;

/// <summary>Y(t) = D(t) + A X(t + n) for all steps of a layout; Y(t) = D(t) where the sequence has ended by
/// then.</summary>
internal sealed class ShiftedProduct : ITaskBody
{
    private readonly PassContext _context;
    private readonly TaskGraph _graph = new();
    private readonly List<(int First, int Last)> _pieces = [];
    private readonly BatchLayout _steps;
    private PackedMatrix _a;
    private int _shift;
    private PackedColumns _d = null!;
    private PackedColumns _x = null!;
    private PackedColumns _y = null!;

    /// <param name="context">Kernels and threads.</param>
    /// <param name="steps">The layout of all operands.</param>
    /// <param name="h">Their rows.</param>
    public ShiftedProduct(PassContext context, BatchLayout steps, int h)
    {
        _context = context;
        _steps = steps;
        PlanTuning tuning = context.Tuning;
        int columns = Math.Clamp(tuning.BlockEntries / h, tuning.MinBlockColumns, tuning.MaxBlockColumns);
        for (int first = steps.FirstStep; first <= steps.LastStep;)
        {
            int last = first;
            for (int taken = steps.ActiveAt(first); last < steps.LastStep
                && taken < columns; taken += steps.ActiveAt(last))
            {
                last++;
            }
            _pieces.Add((first, last));
            _graph.Add(isCritical: false);
            first = last + 1;
        }
        _graph.Close();
    }

    /// <param name="a">A, packed for several columns.</param>
    /// <param name="shift">n, at least 1.</param>
    /// <param name="d">D.</param>
    /// <param name="x">X.</param>
    /// <param name="y">Y, another one than X.</param>
    public void Run(PackedMatrix a, int shift, PackedColumns d, PackedColumns x, PackedColumns y)
    {
        (_a, _shift, _d, _x, _y) = (a, shift, d, x, y);
        _context.Run(_graph, this, 2.0 * x.Rows * x.Rows * _steps.ColumnCount);
    }

    /// <inheritdoc/>
    public void Run(int task)
    {
        (int first, int last) = _pieces[task];
        for (int t = first; t <= last;)
        {
            BatchLayout.Block block = _steps.BlockOf(t);
            // so many sequences have a step t + n
            int going = _steps.ActiveAt((int)Math.Min((long)t + _shift, int.MaxValue));
            int end = t;
            if (going == block.Active)
            {
                // As long as nothing ends, the columns of successive steps stand side by side.
                while (end < last && _steps.ActiveAt(end + 1 + _shift) == going)
                {
                    end++;
                }
            }
            int columns = (end - t) * block.Active + going;
            int rest = block.Active - going;
            if (columns > 0)
            {
                _context.Kernels.Step(
                    _a,
                    _x.Spaced(_steps.BlockOf(t + _shift).FirstColumn, columns, 1),
                    _d.Spaced(block.FirstColumn, columns, 1),
                    _y.Spaced(block.FirstColumn, columns, 1));
            }
            if (rest > 0)
            {
                _d.Spaced(block.FirstColumn + columns, rest, 1).Values
                    .CopyTo(_y.Spaced(block.FirstColumn + columns, rest, 1).Values);
            }
            t = end + 1;
        }
    }
}
