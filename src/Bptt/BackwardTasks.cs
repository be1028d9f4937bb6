// The backward pass as tasks on blocks of steps: what each of them computes, and what it waits for.
//
//   d  inputs      h  hidden units      q  outputs
//
//   X = [x_1 … x_T]              d×N      G = [∂L/∂o_1 … ∂L/∂o_T]      q×N
//   H = [h_1 … h_T]              h×N      D = [∂L/∂h_1 … ∂L/∂h_T]      h×N        N = ΣT_b

using Bptt.Kernels;
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
        int[] objective = new int[objectiveColumns == 0 ? 0 : (steps.ColumnCount + objectiveColumns - 1) / objectiveColumns];
        Array.Fill(objective, -1);
        var wqh = new GradientParts(BackwardStep.WqhGradient, weights.OutputSize, weights.HiddenSize);
        var whx = new GradientParts(BackwardStep.WhxGradient, weights.HiddenSize, weights.InputSize);
        var whh = new GradientParts(BackwardStep.WhhGradient, weights.HiddenSize, weights.HiddenSize);

        int[] last = [packTransition];
        var span = default(TimeBlock); // the blocks whose gradients are still to be added
        var states = new List<int>();  // the tasks that complete their state gradients
        int filled = -1;
        for (int k = Plan.Blocks.Count - 1; k >= 0; k--)
        {
            TimeBlock block = Plan.Blocks[k];
            int[] waits = [packWeights, block.IsChunked ? packTransition : -1, .. ObjectiveTasks(block, objective)];
            int outputs = Add(BackwardStep.Outputs, k, 0, false, waits);
            int groups = block.IsChunked ? 1 : Plan.GroupsAt(steps.ActiveAt(block.FirstStep));
            int[] recur = new int[groups];
            for (int group = 0; group < groups; group++)
            {
                bool afterChunks = k + 1 < Plan.Blocks.Count && Plan.Blocks[k + 1].IsChunked && !block.IsChunked;
                int before = afterChunks ? filled : group < last.Length ? last[group] : packTransition;
                recur[group] = Add(BackwardStep.Recur, k, group, true, outputs, before);
            }
            if (block.IsChunked)
            {
                for (int i = 1; i < last.Length; i++)
                {
                    Graph.AddWait(recur[0], last[i]);
                }
                filled = Add(BackwardStep.Fill, k, 0, false, recur);
            }
            last = recur;

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
                int task = Add(matrix.Step, Spans.Count - 1, row, Math.Min(matrix.PartRows, matrix.Rows - row), matrix.Last[part], operands);
                matrix.Last[part] = task;
            }
        }
    }

    private int Add(BackwardStep step, int block, int part, bool isCritical, params ReadOnlySpan<int> after)
    {
        Tasks.Add((step, block, part, 0));
        return Graph.Add(isCritical, after);
    }

    private int Add(BackwardStep step, int block, int row, int rows, int before, int[] operands)
    {
        Tasks.Add((step, block, row, rows));
        int task = Graph.Add(false, operands);
        if (before >= 0)
        {
            Graph.AddWait(task, before);
        }
        return task;
    }

    /// <summary>A weight gradient in parts of some rows each: every part is summed over the blocks in one order, by one task
    /// after the other.</summary>
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

/// <summary>What the tasks of a backward pass over some steps compute.</summary>
internal sealed class BackwardTasks : ITaskBody
{
    private readonly KernelSet _kernels;
    private readonly ParameterArray _weights;
    private readonly BackwardSchedule _schedule;
    private readonly BackwardOperands _operands;
    private readonly int _stepsBefore;
    private readonly int _columnsBefore;
    private readonly int _stateOffset;
    private readonly int _gradientOffset;
    private readonly BlockRecurrence _recurrence;
    private readonly TransitionMatrix _transition;
    private readonly ArraySegment<double> _wqhStorage;
    private PackedMatrix _wqhTransposed;

    /// <param name="context">Kernels and memory.</param>
    /// <param name="weights">The model.</param>
    /// <param name="schedule">The tasks.</param>
    /// <param name="firstStep">The step that the schedule counts as 1.</param>
    /// <param name="operands">What is read and written.</param>
    /// <param name="power">W_hh^S; null where the schedule has no chunks.</param>
    public BackwardTasks(
        PassContext context,
        ParameterArray weights,
        BackwardSchedule schedule,
        int firstStep,
        BackwardOperands operands,
        TransitionPower? power)
    {
        _kernels = context.Kernels;
        _weights = weights;
        _schedule = schedule;
        _operands = operands;
        _stepsBefore = firstStep - 1;
        _columnsBefore = operands.OutputGradients.Layout.BlockOf(firstStep).FirstColumn;
        PackedColumns gradients = operands.StateGradients;
        _gradientOffset = gradients.Layout.BlockOf(firstStep).FirstColumn - _columnsBefore;
        _stateOffset = (operands.States?.Layout.BlockOf(firstStep).FirstColumn ?? 0) - _columnsBefore;
        _recurrence = new BlockRecurrence(
            _kernels,
            schedule.Plan,
            gradients,
            TimeDirection.Backward,
            _gradientOffset,
            context.Carries(weights.HiddenSize, schedule.Plan));
        _transition = new TransitionMatrix(
            _kernels, weights.HiddenSize, schedule.Plan, gradients.Layout.SequenceCount, power, context.Storage);
        _wqhStorage = context.PackedStorage(weights.HiddenSize, weights.OutputSize, PackedFor.Columns);
    }

    /// <summary>Whether the gradients can be used; where not, only a run step by step gives them.</summary>
    public bool Holds => _recurrence.Holds;

    /// <inheritdoc/>
    public void Run(int task)
    {
        (BackwardStep step, int index, int part, int rows) = _schedule.Tasks[task];
        if (step == BackwardStep.Objective)
        {
            _operands.Objective!.Evaluate(index);
            return;
        }
        bool isGradient = step is BackwardStep.WqhGradient or BackwardStep.WhxGradient or BackwardStep.WhhGradient;
        IReadOnlyList<TimeBlock> blocks = isGradient ? _schedule.Spans : _schedule.Plan.Blocks;
        TimeBlock block = blocks[index].Moved(_stepsBefore, _columnsBefore);
        switch (step)
        {
            case BackwardStep.PackWeights:
                _wqhTransposed = _kernels.Pack(_weights.Wqh.T, PackedFor.Columns, _wqhStorage);
                break;

            case BackwardStep.PackTransition:
                _transition.Pack(_kernels, _weights.Whh, TimeDirection.Backward, _recurrence);
                break;

            case BackwardStep.Outputs:
                _kernels.Multiply(_wqhTransposed, OutputGradientsOf(block), StateGradientsOf(block));
                AddFinalStateGradients(block);
                if (block.IsChunked)
                {
                    _recurrence.Ends(block);
                }
                break;

            case BackwardStep.Recur:
                if (block.IsChunked)
                {
                    _recurrence.Carry(block, index + 1 < blocks.Count ? blocks[index + 1] : null);
                }
                else
                {
                    _recurrence.Steps(block, part);
                }
                break;

            case BackwardStep.Fill:
                _recurrence.Fill(block);
                break;

            case BackwardStep.WqhGradient when _operands.WeightGradients is not null:
                AddProduct(
                    OutputGradientsOf(block).RowRange(part, rows),
                    StatesOf(block),
                    _operands.WeightGradients.Wqh.RowRange(part, rows),
                    isFirst: index == 0 && !_operands.AddsToWeightGradients);
                break;

            case BackwardStep.WhxGradient when _operands.WeightGradients is not null:
                AddProduct(
                    StateGradientsOf(block).RowRange(part, rows),
                    _operands.Inputs.Spaced(block.FirstColumn, block.ColumnCount, 1),
                    _operands.WeightGradients.Whx.RowRange(part, rows),
                    isFirst: index == 0 && !_operands.AddsToWeightGradients);
                break;

            case BackwardStep.WhhGradient when _operands.WeightGradients is not null:
                AddWhhGradient(
                    block,
                    part,
                    rows,
                    _operands.WeightGradients.Whh.RowRange(part, rows),
                    isFirst: index == 0 && !_operands.AddsToWeightGradients);
                break;

            case BackwardStep.InitialStates:
                _recurrence.InitialStep();
                break;
        }
    }

    /// <summary>(2), with what comes from beyond the last step of the sequences that end in a block.</summary>
    private void AddFinalStateGradients(TimeBlock block)
    {
        if (_operands.FinalStateGradients.IsEmpty)
        {
            return;
        }
        BatchLayout layout = _operands.OutputGradients.Layout;
        ReadOnlySpan<BatchLayout.Segment> segments = layout.Segments;
        for (int i = layout.SegmentOf(block.FirstStep); i < segments.Length; i++)
        {
            int step = segments[i].FirstStep + segments[i].StepCount - 1;
            if (step > block.LastStep)
            {
                return;
            }
            int goOn = i + 1 < segments.Length ? segments[i + 1].Active : 0;
            MatrixSpan last = _operands.StateGradients.Block(step);
            for (int slot = goOn; slot < segments[i].Active; slot++)
            {
                int h = last.Rows;
                VectorMath.AddScaled(
                    1.0, _operands.FinalStateGradients.Span.Slice(layout.SequenceAt(slot) * h, h), last.Column(slot));
            }
        }
    }

    /// <summary>C += A Bᵀ; C = A Bᵀ for the first term.</summary>
    private void AddProduct(MatrixSpan a, MatrixSpan b, MatrixSpan c, bool isFirst)
    {
        if (isFirst)
        {
            _kernels.Multiply(a, b.T, c);
        }
        else
        {
            _kernels.MultiplyAdd(a, b.T, c);
        }
    }

    /// <summary>∂L/∂W_hh += Σ ∂L/∂h_t h_{t−1}ᵀ: D against H one step earlier. Where sequences have ended between two steps
    /// the earlier block is wider, and only its first columns go on.</summary>
    private void AddWhhGradient(TimeBlock block, int row, int rows, MatrixSpan gradient, bool isFirst)
    {
        PackedColumns states = _operands.States!;
        PackedColumns gradients = _operands.StateGradients;
        BatchLayout layout = _operands.OutputGradients.Layout;
        for (int step = block.FirstStep; step <= block.LastStep;)
        {
            BatchLayout.Segment segment = layout.Segments[layout.SegmentOf(step)];
            int last = Math.Min(block.LastStep, segment.FirstStep + segment.StepCount - 1);
            int active = segment.Active;
            int column = segment.FirstColumn + (step - segment.FirstStep) * active;

            MatrixSpan before = states.Block(step - 1);
            int apart = before.Columns == active ? 0 : active; // columns of a step that does not lie beside the one before
            if (apart > 0)
            {
                AddProduct(
                    gradients.Spaced(column + _gradientOffset, apart, 1).RowRange(row, rows),
                    before.ColumnRange(0, apart),
                    gradient,
                    isFirst);
                isFirst = false;
            }
            int together = (last - step + 1) * active - apart;
            if (together > 0)
            {
                AddProduct(
                    gradients.Spaced(column + apart + _gradientOffset, together, 1).RowRange(row, rows),
                    states.Spaced(column + apart + _stateOffset - active, together, 1),
                    gradient,
                    isFirst);
                isFirst = false;
            }
            step = last + 1;
        }
    }

    private MatrixSpan OutputGradientsOf(TimeBlock block) =>
        _operands.OutputGradients.Spaced(block.FirstColumn, block.ColumnCount, 1);

    private MatrixSpan StateGradientsOf(TimeBlock block) =>
        _operands.StateGradients.Spaced(block.FirstColumn + _gradientOffset, block.ColumnCount, 1);

    private MatrixSpan StatesOf(TimeBlock block) =>
        _operands.States!.Spaced(block.FirstColumn + _stateOffset, block.ColumnCount, 1);
}

/// <summary>What a backward pass over some steps reads and writes.</summary>
/// <param name="Inputs">X, d×N, of all steps.</param>
/// <param name="States">H, h×n: the step before the first one, and then the steps; null where only the state gradients are
/// wanted.</param>
/// <param name="OutputGradients">G, q×N, of all steps; written where there is an objective.</param>
/// <param name="Objective">Where G comes from; null where it is there already.</param>
/// <param name="FinalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
/// <param name="StateGradients">D, h×n: the steps, step 0 where it is among them, and the step after the last one, in place,
/// where there is one.</param>
/// <param name="WeightGradients">They are written; null where only the state gradients are wanted.</param>
/// <param name="AddsToWeightGradients">Whether they hold the part of later steps, which is added to.</param>
internal sealed record BackwardOperands(
    PackedColumns Inputs,
    PackedColumns? States,
    PackedColumns OutputGradients,
    ObjectiveEvaluation? Objective,
    ReadOnlyMemory<double> FinalStateGradients,
    PackedColumns StateGradients,
    ParameterArray? WeightGradients,
    bool AddsToWeightGradients);
