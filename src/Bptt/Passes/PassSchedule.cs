// The steps of a pass over blocks of time, and what each of them waits for: data only, the same for the forward, the
// tangent, the backward and the curvature pass. What a step computes is in the formulas of the pass.

using System.Numerics;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt.Passes;

/// <summary>The tasks of a pass over some steps, as data.</summary>
internal sealed class PassSchedule
{
    private readonly BatchLayout _steps;
    private readonly PassShape _shape;
    private readonly int[] _evaluations; // by part: its task, −1 before it is wanted
    private readonly GradientParts[] _gradients;
    private int _pack;
    private int _packTransition;

    /// <param name="steps">The layout of the steps, counted from 1.</param>
    /// <param name="shape">The pass.</param>
    public PassSchedule(BatchLayout steps, PassShape shape)
    {
        _steps = steps;
        _shape = shape;
        Plan = RecurrencePlan.For(steps, shape.Sizes.Hidden, shape.ChunkLength, shape.Tuning);
        int columns = shape.EvaluationColumns;
        _evaluations = new int[columns == 0 ? 0 : (steps.ColumnCount + columns - 1) / columns];
        Array.Fill(_evaluations, -1);
        (int d, int h, int q, bool isLifted) = shape.Sizes;
        _gradients = !shape.Sums ? [] :
        [
            new GradientParts(PassStep.WqhGradient, q, h),
            new GradientParts(PassStep.WhxGradient, h, d),
            new GradientParts(PassStep.WhhGradient, h, h),
            .. isLifted ? [new GradientParts(PassStep.DirectGradient, q, d)] : Array.Empty<GradientParts>(),
        ];
        AddTasks();
        Graph.Close();
    }

    public RecurrencePlan Plan { get; }

    public TaskGraph Graph { get; } = new();

    /// <summary>Blocks taken together, deep enough for products that add to a weight gradient.</summary>
    public List<TimeBlock> Spans { get; } = [];

    /// <summary>By number.</summary>
    public List<PassTask> Tasks { get; } = [];

    /// <summary>The schedule that the memory of a pass has from the window or pass before, where it fits, or a fresh
    /// one.</summary>
    public static PassSchedule For<TReal>(PassContext<TReal> context, BatchLayout steps, PassShape shape)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal> => context.Plan(
        known => known._shape == shape && known._steps.HasShapeOf(steps), () => new PassSchedule(steps, shape));

    private void AddTasks()
    {
        if (_shape.Recurs)
        {
            _pack = Add(new(PassStep.Pack, 0), isCritical: true);
            _packTransition = Add(new(PassStep.PackTransition, 0), isCritical: true);
        }
        var waits = new RecurrenceWaits(_packTransition);
        var span = default(TimeBlock);  // the blocks whose gradients are still to be added
        var states = new List<int>();   // the tasks that complete their states
        int count = Plan.Blocks.Count;
        for (int i = 0; i < count; i++)
        {
            int k = _shape.Direction == TimeDirection.Forward ? i : count - 1 - i;
            TimeBlock block = Plan.Blocks[k];
            int[] complete = _shape.Recurs ? AddRecurrence(k, block, waits) : [];
            if (!_shape.Sums)
            {
                continue;
            }

            // One block later than their operands are there, so that what the recurrence waits for comes first.
            if (span.ColumnCount >= _shape.Tuning.GradientColumns)
            {
                AddGradients(span, [.. states]);
                states.Clear();
                span = default;
            }
            span = span.ColumnCount == 0 ? block : span.After(block);
            states.AddRange(complete);
        }
        if (_shape.Sums)
        {
            AddGradients(span, [.. states]);
        }
        if (_shape.ReachesStepZero)
        {
            Add(new(PassStep.StepZero, 0), isCritical: false, waits.Last());
        }
    }

    /// <returns>The tasks that complete the states of the block.</returns>
    private int[] AddRecurrence(int k, TimeBlock block, RecurrenceWaits waits)
    {
        int drive = Add(
            new(PassStep.Drive, k),
            isCritical: false,
            [_pack, block.IsChunked ? _packTransition : -1, .. EvaluationTasks(block)]);
        int[] recur = new int[Plan.GroupsOf(block, _steps)];
        for (int group = 0; group < recur.Length; group++)
        {
            recur[group] = Add(new(PassStep.Recur, k, group), isCritical: true, [drive, .. waits.For(block, group)]);
        }
        int[] before = waits.Last();
        bool readsAtOnce = _shape.Reads && !_shape.Sizes.IsLifted;
        int complete = !block.IsChunked
            ? -1
            : Add(new(readsAtOnce ? PassStep.FillAndRead : PassStep.Fill, k), isCritical: false, recur);
        if (_shape.Reads && !(readsAtOnce && block.IsChunked))
        {
            // A lifted pass reads from the state before each step.
            Add(new(PassStep.Read, k), isCritical: false, block.IsChunked ? [complete, .. before] : recur);
        }
        waits.Follow(block, recur, complete);
        return block.IsChunked ? [complete] : recur;
    }

    private int[] EvaluationTasks(TimeBlock block)
    {
        if (_evaluations.Length == 0)
        {
            return [];
        }
        int columns = _shape.EvaluationColumns;
        int first = block.FirstColumn / columns;
        int last = (block.FirstColumn + block.ColumnCount - 1) / columns;
        for (int part = last; part >= first; part--)
        {
            if (_evaluations[part] < 0)
            {
                _evaluations[part] = Add(new(PassStep.Evaluate, part), isCritical: false);
            }
        }
        return _evaluations[first..(last + 1)];
    }

    private void AddGradients(TimeBlock span, int[] states)
    {
        Spans.Add(span);
        foreach (GradientParts gradient in _gradients)
        {
            int[] operands = gradient.Step == PassStep.WqhGradient ? EvaluationTasks(span) : states;
            int rows = gradient.RowsOfPart(_shape.Tuning.GradientWork / (2.0 * gradient.Columns * span.ColumnCount));
            gradient.Prepare(rows);
            for (int part = 0, row = 0; row < gradient.Rows; part++, row += gradient.PartRows)
            {
                gradient.Last[part] = Add(
                    new(gradient.Step, Spans.Count - 1, row, Math.Min(gradient.PartRows, gradient.Rows - row)),
                    isCritical: false,
                    [gradient.Last[part], .. operands]);
            }
        }
    }

    private int Add(PassTask task, bool isCritical, params ReadOnlySpan<int> after)
    {
        Tasks.Add(task);
        return Graph.Add(isCritical, after);
    }
}
