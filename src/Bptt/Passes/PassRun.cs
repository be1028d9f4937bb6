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
    private readonly Chunking<TReal> _inChunks; // for windows that were run so before it was given up
    private readonly bool?[] _ranInChunks;      // by window
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
        _inChunks = chunking.ForAnother();
        _ranInChunks = new bool?[states.Windows.Count];
        _work = 2.0 * productsOfWeights * sizes.Weights;
    }

    private WindowPlan Windows => _states.Windows;

    /// <summary>Whether a window is run in chunks. One that has been run once is always run again in the same way, so
    /// that its states are the same to the last bit, even where chunks have been given up in a later one.</summary>
    public bool IsInChunks(int number) => _ranInChunks[number] ?? _chunking.Length > 1;

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
        bool inChunks = IsInChunks(number);
        if (!Try(number, states, context, formulas, inChunks, carries, sumsAreEmpty: true))
        {
            GiveUp(context);
            inChunks = false;
            Try(number, states, context, formulas, inChunks, carries: null, sumsAreEmpty: true);
        }
        _ranInChunks[number] = inChunks;
    }

    /// <summary>All windows, with sums over them. Where a run in chunks does not hold, everything is run again step by
    /// step, since its states are in the sums already; only what is evaluated of the outputs stays.</summary>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <param name="formulas">What is computed.</param>
    public void All(PassContext<TReal> context, FormulasOfWindow<TReal> formulas)
    {
        if (!TryAll(context, formulas))
        {
            GiveUp(context);
            TryAll(context, (window, number, states) => formulas(window, number, states) with { Evaluation = null });
        }
    }

    private void GiveUp(PassContext<TReal> context)
    {
        string direction = _states.Direction == TimeDirection.Forward ? "forward" : "backward";
        context.FallBacks.Add($"chunks of {_inChunks.Length} steps, {direction} in time: step by step");
        _chunking.GiveUp();
    }

    private bool TryAll(PassContext<TReal> context, FormulasOfWindow<TReal> formulas)
    {
        bool isFirst = true;
        bool inChunks = _chunking.Length > 1;
        foreach (int number in _states.WindowsInOrder())
        {
            if (!Try(number, _states.Begin(number), context, formulas, inChunks, carries: null, isFirst))
            {
                return false;
            }
            _ranInChunks[number] = inChunks;
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
        bool inChunks,
        Carries<TReal>? carries,
        bool sumsAreEmpty)
    {
        var window = new PassWindow<TReal>(context, _steps, Windows.FirstStep(number), Windows.LastStep(number));
        Chunking<TReal> chunking = inChunks ? _inChunks : Chunking<TReal>.None();
        int mark = context.Mark();
        try
        {
            PassFormulas<TReal> formulas = formulasOf(window, number, states);
            var schedule = PassSchedule.For(
                context, window.Steps, ShapeOf(formulas, number, chunking.Length, context.Tuning));
            var tasks = new PassTasks<TReal>(schedule, window, formulas, chunking, carries, sumsAreEmpty);
            context.Run(schedule.Graph, tasks, _work * states.Layout.ColumnCount);
            return tasks.Holds;
        }
        finally
        {
            context.Release(mark);
        }
    }

    private PassShape ShapeOf(PassFormulas<TReal> formulas, int number, int chunkLength, PlanTuning tuning) => new(
        _sizes,
        _states.Direction,
        Recurs: formulas.Recurrence is not null,
        Reads: formulas.Recurrence?.HasOutputs ?? false,
        Sums: formulas.Sums is not null,
        ReachesStepZero: formulas.Recurrence?.Direction == TimeDirection.Backward && number == 0,
        chunkLength,
        formulas.Evaluation?.PartColumns ?? 0,
        tuning);
}

/// <summary>The fast ways that passes have begun and given up, each once, for whoever asks why a pass took its
/// time.</summary>
internal sealed class FallBackLog
{
    private readonly List<string> _all = [];

    /// <summary>What there is up to now.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            lock (_all)
            {
                return [.. _all];
            }
        }
    }

    public void Add(string what)
    {
        lock (_all)
        {
            if (!_all.Contains(what))
            {
                _all.Add(what);
            }
        }
    }
}
