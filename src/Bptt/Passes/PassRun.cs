// How a pass goes through the windows of time, and what happens where a run in chunks does not hold: once for all
// passes. Knows no formula.

using System.Numerics;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>What a pass computes over a window, with memory for its states.</summary>
/// <param name="window">The steps.</param>
/// <param name="number">Which window of time they are.</param>
/// <param name="states">Where the states go; the step that leads to them is in place.</param>
internal delegate PassFormulas<TReal> FormulasOfWindow<TReal>(
    PassWindow<TReal> window, int number, PackedColumns<TReal> states)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>;

/// <summary>The windows of a trajectory, one after the other in the order of its direction; one window where every
/// state is kept.</summary>
internal sealed class PassRun<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly PassSizes _sizes;
    private readonly BatchLayout _steps;
    private readonly Trajectory<TReal> _states;
    private readonly Chunking<TReal> _chunking;
    private readonly double _work;

    /// <param name="sizes">The shapes of the model.</param>
    /// <param name="steps">The layout of all steps.</param>
    /// <param name="states">What is computed.</param>
    /// <param name="chunking">Whether the recurrence is run in chunks; given up where that does not hold.</param>
    /// <param name="productsOfWeights">About how many products with all weights there are for a column.</param>
    public PassRun(
        PassSizes sizes, BatchLayout steps, Trajectory<TReal> states, Chunking<TReal> chunking, int productsOfWeights)
    {
        _sizes = sizes;
        _steps = steps;
        _states = states;
        _chunking = chunking;
        _work = 2.0 * productsOfWeights * sizes.Weights;
    }

    private WindowPlan Windows => _states.Windows;

    /// <summary>A window. Where a run in chunks does not hold, it is run again step by step, and so is everything after
    /// it.</summary>
    /// <param name="number">Which window.</param>
    /// <param name="states">Where its states go.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <param name="formulas">What is computed.</param>
    /// <param name="carries">Carries that are kept beyond this run; null for none.</param>
    public void Window(
        int number,
        PackedColumns<TReal> states,
        PassContext<TReal> context,
        FormulasOfWindow<TReal> formulas,
        Carries<TReal>? carries = null)
    {
        if (!Try(number, states, context, formulas, carries, sumsAreEmpty: true))
        {
            _chunking.GiveUp();
            Try(number, states, context, formulas, carries: null, sumsAreEmpty: true);
        }
    }

    /// <summary>All windows, with sums over them. Where a run in chunks does not hold, everything is run again step by
    /// step, since its states are in the sums already; only what is evaluated of the outputs stays.</summary>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <param name="formulas">What is computed.</param>
    public void All(PassContext<TReal> context, FormulasOfWindow<TReal> formulas)
    {
        if (!TryAll(context, formulas))
        {
            _chunking.GiveUp();
            TryAll(context, (window, number, states) => formulas(window, number, states) with { Evaluation = null });
        }
    }

    private bool TryAll(PassContext<TReal> context, FormulasOfWindow<TReal> formulas)
    {
        bool isFirst = true;
        foreach (int number in _states.WindowsInOrder())
        {
            if (!Try(number, _states.Begin(number), context, formulas, carries: null, isFirst))
            {
                return false;
            }
            isFirst = false;
        }
        return true;
    }

    /// <returns>Whether the states can be used.</returns>
    private bool Try(
        int number,
        PackedColumns<TReal> states,
        PassContext<TReal> context,
        FormulasOfWindow<TReal> formulasOf,
        Carries<TReal>? carries,
        bool sumsAreEmpty)
    {
        var window = new PassWindow<TReal>(context, _steps, Windows.FirstStep(number), Windows.LastStep(number));
        int mark = context.Mark();
        try
        {
            PassFormulas<TReal> formulas = formulasOf(window, number, states);
            var schedule = PassSchedule.For(context, window.Steps, ShapeOf(formulas, number, context.Tuning));
            var tasks = new PassTasks<TReal>(schedule, window, formulas, _chunking, carries, sumsAreEmpty);
            context.Run(schedule.Graph, tasks, _work * states.Layout.ColumnCount);
            return tasks.Holds;
        }
        finally
        {
            context.Release(mark);
        }
    }

    private PassShape ShapeOf(PassFormulas<TReal> formulas, int number, PlanTuning tuning) => new(
        _sizes,
        _states.Direction,
        Recurs: formulas.Recurrence is not null,
        Reads: formulas.Recurrence?.HasOutputs ?? false,
        Sums: formulas.Sums is not null,
        ReachesStepZero: formulas.Recurrence?.Direction == TimeDirection.Backward && number == 0,
        _chunking.Length,
        formulas.Evaluation?.PartColumns ?? 0,
        tuning);
}
