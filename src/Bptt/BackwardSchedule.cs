// The tasks of a backward pass over blocks of steps, and what each of them waits for: data only. What they compute is
// in BackwardTasks.cs.

using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt;

/// <summary>What a task of the backward pass does.</summary>
internal enum BackwardStep
{
    /// <summary>Packs W_qhᵀ.</summary>
    PackWeights,

    /// <summary>Packs W_hhᵀ, and its power where there are chunks.</summary>
    PackTransition,

    /// <summary>(1) ∂L/∂o_t of some columns; see <see cref="ObjectiveEvaluation"/>.</summary>
    Objective,

    /// <summary>W_qhᵀ G, with what comes from beyond the last step, and the ends of the chunks.</summary>
    Outputs,

    /// <summary>(3) ∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t from step to step, or from chunk to chunk.</summary>
    Recur,

    /// <summary>All state gradients of the chunks.</summary>
    Fill,

    /// <summary>(5) ∂L/∂W_qh += G Hᵀ, for some rows.</summary>
    WqhGradient,

    /// <summary>(5) ∂L/∂W_hx += D Xᵀ, for some rows.</summary>
    WhxGradient,

    /// <summary>(5) ∂L/∂W_hh += Σ ∂L/∂h_t h_{t−1}ᵀ, for some rows.</summary>
    WhhGradient,

    /// <summary>∂L/∂h_0 = W_hhᵀ ∂L/∂h_1.</summary>
    InitialStates,
}

/// <summary>The tasks of a backward pass over some steps, as data.</summary>
internal sealed class BackwardSchedule
{
    /// <summary>Rows of a part of a gradient are a multiple of this: whole strips of every kernel.</summary>
    private const int RowMultiple = 48;

    private readonly BatchLayout _steps;
    private readonly bool _withStepZero;
    private readonly (int D, int H, int Q, int ChunkLength, int ObjectiveColumns, PlanTuning Tuning) _shape;

    /// <summary>The schedule that the workspace has from the pass before, where it fits, or a fresh one.</summary>
    /// <inheritdoc cref="BackwardSchedule(BatchLayout, bool, ParameterArray, int, int, PlanTuning)"/>
    public static BackwardSchedule For(
        PassContext context,
        BatchLayout steps,
        bool withStepZero,
        ParameterArray weights,
        int chunkLength,
        int objectiveColumns) => context.Plan(
        plan => plan.IsFor(steps, withStepZero, weights, chunkLength, objectiveColumns, context.Tuning),
        () => new BackwardSchedule(steps, withStepZero, weights, chunkLength, objectiveColumns, context.Tuning));

    /// <param name="steps">The layout of the steps, counted from 1.</param>
    /// <param name="withStepZero">Whether ∂L/∂h_0 is to be computed too.</param>
    /// <param name="weights">The model, for its shapes.</param>
    /// <param name="chunkLength">S; 1 for step by step.</param>
    /// <param name="objectiveColumns">Columns of a part of the objective; 0 where ∂L/∂o_t is there already.</param>
    /// <param name="tuning">How large the pieces are.</param>
    public BackwardSchedule(
        BatchLayout steps,
        bool withStepZero,
        ParameterArray weights,
        int chunkLength,
        int objectiveColumns,
        PlanTuning tuning)
    {
        _steps = steps;
        _withStepZero = withStepZero;
        _shape = (weights.InputSize, weights.HiddenSize, weights.OutputSize, chunkLength, objectiveColumns, tuning);
        Plan = RecurrencePlan.For(steps, weights.HiddenSize, chunkLength, tuning);
        Graph = new TaskGraph();

        int packWeights = Add(BackwardStep.PackWeights, 0, 0, isCritical: true);
        int packTransition = Add(BackwardStep.PackTransition, 0, 0, isCritical: true);
        int[] objective =
            new int[objectiveColumns == 0 ? 0 : (steps.ColumnCount + objectiveColumns - 1) / objectiveColumns];
        Array.Fill(objective, -1);
        var wqh = new GradientParts(BackwardStep.WqhGradient, weights.OutputSize, weights.HiddenSize);
        var whx = new GradientParts(BackwardStep.WhxGradient, weights.HiddenSize, weights.InputSize);
        var whh = new GradientParts(BackwardStep.WhhGradient, weights.HiddenSize, weights.HiddenSize);

        var waits = new RecurrenceWaits(packTransition);
        var span = default(TimeBlock); // the blocks whose gradients are still to be added
        var states = new List<int>();  // the tasks that complete their state gradients
        for (int k = Plan.Blocks.Count - 1; k >= 0; k--)
        {
            TimeBlock block = Plan.Blocks[k];
            int outputs = Add(
                BackwardStep.Outputs,
                k,
                0,
                false,
                [packWeights, block.IsChunked ? packTransition : -1, .. ObjectiveTasks(block, objective)]);
            int[] recur = new int[Plan.GroupsOf(block, steps)];
            for (int group = 0; group < recur.Length; group++)
            {
                recur[group] = Add(BackwardStep.Recur, k, group, true, [outputs, .. waits.For(block, group)]);
            }
            int filled = block.IsChunked ? Add(BackwardStep.Fill, k, 0, false, recur) : -1;
            waits.Follow(block, recur, filled);

            // One block later than their operands are there, so that what the recurrence waits for comes first.
            if (span.ColumnCount >= tuning.GradientColumns)
            {
                AddGradients(span, [.. states], [wqh, whx, whh], objective);
                states.Clear();
                span = default;
            }
            span = span.ColumnCount == 0 ? block : span.After(block);
            states.AddRange(block.IsChunked ? [filled] : recur);
        }
        AddGradients(span, [.. states], [wqh, whx, whh], objective);
        if (withStepZero)
        {
            Add(BackwardStep.InitialStates, 0, 0, false, [.. states]);
        }
        Graph.Close();
    }

    public RecurrencePlan Plan { get; }

    public TaskGraph Graph { get; }

    /// <summary>Blocks taken together, deep enough for products that add to a weight gradient.</summary>
    public List<TimeBlock> Spans { get; } = [];

    /// <summary>By number: the step, the block, span or part of the objective, and the group of sequences or the first
    /// row.</summary>
    public List<(BackwardStep Step, int Block, int Part, int Rows)> Tasks { get; } = [];

    /// <summary>Whether it is the schedule for this.</summary>
    public bool IsFor(
        BatchLayout steps,
        bool withStepZero,
        ParameterArray weights,
        int chunkLength,
        int objectiveColumns,
        PlanTuning tuning) =>
        _shape == (weights.InputSize, weights.HiddenSize, weights.OutputSize, chunkLength, objectiveColumns, tuning)
        && _withStepZero == withStepZero
        && _steps.HasShapeOf(steps);

    private int[] ObjectiveTasks(TimeBlock block, int[] objective)
    {
        if (objective.Length == 0)
        {
            return [];
        }
        int columns = _shape.ObjectiveColumns;
        int first = block.FirstColumn / columns;
        int last = (block.FirstColumn + block.ColumnCount - 1) / columns;
        for (int part = last; part >= first; part--)
        {
            if (objective[part] < 0)
            {
                objective[part] = Add(BackwardStep.Objective, part, 0, false);
            }
        }
        return objective[first..(last + 1)];
    }

    private void AddGradients(TimeBlock span, int[] states, ReadOnlySpan<GradientParts> matrices, int[] objective)
    {
        Spans.Add(span);
        foreach (GradientParts matrix in matrices)
        {
            int[] operands = matrix.Step == BackwardStep.WqhGradient ? ObjectiveTasks(span, objective) : states;
            int rows = matrix.RowsOfPart(_shape.Tuning.GradientWork / (2.0 * matrix.Columns * span.ColumnCount));
            matrix.Prepare(rows);
            for (int part = 0, row = 0; row < matrix.Rows; part++, row += matrix.PartRows)
            {
                Tasks.Add((matrix.Step, Spans.Count - 1, row, Math.Min(matrix.PartRows, matrix.Rows - row)));
                int task = Graph.Add(isCritical: false, [matrix.Last[part], .. operands]);
                matrix.Last[part] = task;
            }
        }
    }

    private int Add(BackwardStep step, int block, int part, bool isCritical, params ReadOnlySpan<int> after)
    {
        Tasks.Add((step, block, part, 0));
        return Graph.Add(isCritical, after);
    }

    /// <summary>A weight gradient in parts of some rows each: every part is summed over the blocks in one order, by one
    /// task after the other.</summary>
    private sealed class GradientParts(BackwardStep step, int rows, int columns)
    {
        public BackwardStep Step { get; } = step;

        public int Rows { get; } = rows;

        public int Columns { get; } = columns;

        /// <summary>Rows of a part.</summary>
        public int PartRows { get; private set; }

        /// <summary>By part: the task that added last.</summary>
        public int[] Last { get; private set; } = [];

        public int RowsOfPart(double wanted) =>
            (int)Math.Min(Rows, Math.Max(1.0, Math.Round(wanted / RowMultiple)) * RowMultiple);

        /// <summary>Fixes the parts at the first call.</summary>
        public void Prepare(int partRows)
        {
            if (PartRows == 0)
            {
                PartRows = partRows;
                Last = new int[(Rows + PartRows - 1) / PartRows];
                Array.Fill(Last, -1);
            }
        }
    }
}
