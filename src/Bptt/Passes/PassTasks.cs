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
    GradientTotals? Totals = null)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>;

/// <summary>Where a pass sums weight gradients up.</summary>
/// <param name="Products">What its products over the steps of a span are written or added to.</param>
/// <param name="Totals">Where those are added up in double; null where they are the sums.</param>
internal sealed record GradientSums<TReal>(ParameterArray<TReal> Products, GradientTotals? Totals)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Sums that end in an array of doubles: there at once, or from products in lower precision.</summary>
    /// <param name="gradients">Receives the sums.</param>
    /// <param name="context">Memory for the products.</param>
    /// <param name="direct">Receives ∂L/∂𝒯 of a lifted pass.</param>
    public static GradientSums<TReal> In(
        ParameterArray gradients, PassContext<TReal> context, ArraySegment<double> direct = default) =>
        gradients is ParameterArray<TReal> same
            ? new GradientSums<TReal>(same, null)
            : new GradientSums<TReal>(
                ParameterArray<TReal>.ShapedLike(gradients, context.Storage), new GradientTotals(gradients, direct));
}

/// <summary>Weight gradients in double from products in lower precision: each product goes over a few spans of steps
/// alone, some hundreds of columns, so that its rounding does not grow with T.</summary>
/// <param name="totals">Receives the sums of all spans.</param>
/// <param name="direct">The same for ∂L/∂𝒯, qS×dS; empty where a pass has none.</param>
internal sealed class GradientTotals(ParameterArray totals, ArraySegment<double> direct)
{
    /// <summary>Adds the rows of a task; the first ones are written.</summary>
    /// <param name="task">Which rows of which gradient.</param>
    /// <param name="product">Their first columns; what is beyond is never read.</param>
    /// <param name="isFirst">Whether there is nothing yet to add to.</param>
    public void Add<TReal>(PassTask task, MatrixSpan<TReal> product, bool isFirst)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        MatrixSpan total = Of(task.Step).RowRange(task.Part, task.Rows);
        for (int column = 0; column < product.Columns; column++)
        {
            if (isFirst)
            {
                VectorMath.Convert<TReal, double>(product.Column(column), total.Column(column));
            }
            else
            {
                VectorMath.Add<TReal>(product.Column(column), total.Column(column));
            }
        }
    }

    private MatrixSpan Of(PassStep step) => step switch
    {
        PassStep.WqhGradient => totals.Wqh,
        PassStep.WhxGradient => totals.Whx,
        PassStep.WhhGradient => totals.Whh,
        _ => new MatrixSpan(direct, totals.OutputSize, totals.InputSize, totals.OutputSize),
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
        GradientTotals? totals = _formulas.Totals;
        int together = totals is null ? int.MaxValue : _window.Context.Tuning.SpansOfTotal;
        int place = task.Index % together; // among the spans that are summed together
        bool isFirst = _sumsAreEmpty && task.Index == place;
        var rows = new GradientRows<TReal>(
            _kernels, task.Part, task.Rows, isEmpty: place == 0 && (isFirst || totals is not null));
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
        if (place == together - 1 || task.Index == _schedule.Spans.Count - 1)
        {
            totals?.Add(task, rows.Written, isFirst);
        }
    }
}
