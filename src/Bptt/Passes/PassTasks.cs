// The tasks of a pass over a window of time: which line of its formulas each of them computes. What they wait for is in
// PassSchedule.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt.Passes;

/// <summary>What a pass computes over a window.</summary>
/// <param name="Recurrence">Its states; null where they are there.</param>
/// <param name="Sums">What it sums over time; null for nothing.</param>
/// <param name="Evaluation">(1), or its derivative; null where ∂L/∂o_t is there.</param>
/// <param name="Totals">Where the sums of each span of steps are added up in double; null where they are so
/// already.</param>
internal sealed record PassFormulas<TReal>(
    IRecurrenceFormulas<TReal>? Recurrence, IGradientFormulas<TReal>? Sums = null, IOutputTask? Evaluation = null,
    GradientTotals<TReal>? Totals = null)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>;

/// <summary>Weight gradients in double from products in lower precision: each product goes over the steps of a span
/// alone, some hundreds of columns, so that its rounding does not grow with T.</summary>
/// <param name="parts">The products of a span.</param>
/// <param name="totals">Receives the sums of all spans.</param>
internal sealed class GradientTotals<TReal>(ParameterArray<TReal> parts, ParameterArray totals)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Adds the rows of a task; the first ones are written.</summary>
    public void Add(PassTask task, bool isFirst)
    {
        MatrixSpan<TReal> part = Of(parts, task.Step).RowRange(task.Part, task.Rows);
        MatrixSpan total = Of(totals, task.Step).RowRange(task.Part, task.Rows);
        for (int column = 0; column < part.Columns; column++)
        {
            if (isFirst)
            {
                VectorMath.Convert<TReal, double>(part.Column(column), total.Column(column));
            }
            else
            {
                VectorMath.Add<TReal>(part.Column(column), total.Column(column));
            }
        }
    }

    private static MatrixSpan<TAny> Of<TAny>(ParameterArray<TAny> weights, PassStep step)
        where TAny : unmanaged, IBinaryFloatingPointIeee754<TAny> => step switch
        {
            PassStep.WqhGradient => weights.Wqh,
            PassStep.WhxGradient => weights.Whx,
            _ => weights.Whh,
        };
}

/// <summary>The tasks of a schedule on the steps of a window.</summary>
internal sealed class PassTasks<TReal> : ITaskBody
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly KernelSet<TReal> _kernels;
    private readonly PassSchedule _schedule;
    private readonly PassWindow<TReal> _window;
    private readonly PassFormulas<TReal> _formulas;
    private readonly RecurrenceRun<TReal>? _recurrence;
    private readonly bool _sumsAreEmpty;

    /// <param name="schedule">The tasks.</param>
    /// <param name="window">The steps.</param>
    /// <param name="formulas">What is computed.</param>
    /// <param name="chunking">The power that carries a state over a chunk.</param>
    /// <param name="carries">Carries that are kept beyond this run; null for memory of this run alone.</param>
    /// <param name="sumsAreEmpty">Whether no other window has added to the sums yet.</param>
    public PassTasks(
        PassSchedule schedule,
        PassWindow<TReal> window,
        PassFormulas<TReal> formulas,
        Chunking<TReal> chunking,
        Carries<TReal>? carries,
        bool sumsAreEmpty)
    {
        _kernels = window.Kernels;
        _schedule = schedule;
        _window = window;
        _formulas = formulas;
        _sumsAreEmpty = sumsAreEmpty;
        if (formulas.Recurrence is IRecurrenceFormulas<TReal> recurrence)
        {
            _recurrence = new RecurrenceRun<TReal>(window, schedule.Plan, recurrence, chunking, carries);
        }
    }

    /// <summary>Whether the states can be used; where not, only a run step by step gives them.</summary>
    public bool Holds => _recurrence?.Blocks.Holds ?? true;

    /// <inheritdoc/>
    public void Run(int number)
    {
        PassTask task = _schedule.Tasks[number];
        switch (task.Step)
        {
            case PassStep.Evaluate:
                _formulas.Evaluation!.Evaluate(task.Index);
                break;

            case PassStep.WqhGradient or PassStep.WhxGradient or PassStep.WhhGradient or PassStep.DirectGradient:
                AddGradient(task);
                break;

            default:
                _recurrence!.Run(task);
                break;
        }
    }

    private void AddGradient(PassTask task)
    {
        TimeBlock t = _schedule.Spans[task.Index].Moved(_window.FirstStep - 1, _window.ColumnsBefore);
        bool isFirst = _sumsAreEmpty && task.Index == 0;
        var rows = new GradientRows<TReal>(
            _kernels, task.Part, task.Rows, isEmpty: isFirst || _formulas.Totals is not null);
        switch (task.Step)
        {
            case PassStep.WqhGradient:
                _formulas.Sums!.AddWqh(t, ref rows);
                break;

            case PassStep.WhxGradient:
                _formulas.Sums!.AddWhx(t, ref rows);
                break;

            case PassStep.WhhGradient:
                _formulas.Sums!.AddWhh(t, ref rows);
                break;

            default:
                _formulas.Sums!.AddDirect(t, ref rows);
                break;
        }
        _formulas.Totals?.Add(task, isFirst);
    }
}
