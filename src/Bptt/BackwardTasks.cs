// The backward pass as tasks on blocks of steps: what each of them computes. What they wait for is in
// BackwardSchedule.cs.
//
//   d  inputs      h  hidden units      q  outputs
//
//   X = [x_1 … x_T]              d×N      G = [∂L/∂o_1 … ∂L/∂o_T]      q×N
//   H = [h_1 … h_T]              h×N      D = [∂L/∂h_1 … ∂L/∂h_T]      h×N        N = ΣT_b

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt;

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
            context.Carries(weights.HiddenSize, schedule.Plan))
        {
            IsCut = operands.Truncation is { Kind: not TruncationKind.Lags } cuts ? cuts.CutsAfter : null,
        };
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
        if (!isGradient && _operands.Truncation is { Kind: TruncationKind.Lags })
        {
            return; // the state gradients are there
        }
        bool isFirst = index == 0 && !_operands.AddsToWeightGradients;
        IReadOnlyList<TimeBlock> blocks = isGradient ? _schedule.Spans : _schedule.Plan.Blocks;
        TimeBlock block = blocks[index].Moved(_stepsBefore, _columnsBefore);
        switch (step)
        {
            case BackwardStep.PackWeights:
                _wqhTransposed = _kernels.Pack(_weights.Wqh.T, PackedFor.Columns, _wqhStorage);
                break;

            case BackwardStep.PackTransition:
                _transition.Pack(_kernels, CarriedWhh(), TimeDirection.Backward, _recurrence);
                break;

            case BackwardStep.Outputs:
                _kernels.Multiply(_wqhTransposed, OutputGradientsOf(block), StateGradientsOf(block));
                FinalStates.Add(
                    _operands.FinalStateGradients,
                    _operands.OutputGradients.Layout,
                    block.FirstStep,
                    block.LastStep,
                    _operands.StateGradients);
                if (block.IsChunked)
                {
                    _recurrence.Ends(block);
                }
                break;

            case BackwardStep.Recur:
                _recurrence.Recur(block, index + 1 < blocks.Count ? blocks[index + 1] : null, part);
                break;

            case BackwardStep.Fill:
                _recurrence.Fill(block);
                break;

            case BackwardStep.WqhGradient when _operands.WeightGradients is not null:
                AddProduct(
                    OutputGradientsOf(block).RowRange(part, rows),
                    StatesOf(block),
                    _operands.WeightGradients.Wqh.RowRange(part, rows),
                    isFirst);
                break;

            case BackwardStep.WhxGradient when _operands.WeightGradients is not null:
                AddProduct(
                    StateGradientsOf(block).RowRange(part, rows),
                    _operands.Inputs.Spaced(block.FirstColumn, block.ColumnCount, 1),
                    _operands.WeightGradients.Whx.RowRange(part, rows),
                    isFirst);
                break;

            case BackwardStep.WhhGradient when _operands.WeightGradients is not null:
                AddWhhGradient(
                    block,
                    part,
                    rows,
                    _operands.WeightGradients.Whh.RowRange(part, rows),
                    isFirst);
                break;

            case BackwardStep.InitialStates when CarryFactor == 1.0:
                _recurrence.InitialStep();
                break;

            case BackwardStep.InitialStates: // the way to h_0 is not scaled
                MatrixSpan initial = _operands.StateGradients.Block(0);
                _kernels.Multiply(_weights.Whh.T, _operands.StateGradients.Block(1), initial);
                KernelSet.FlushTiny(initial.Values);
                break;
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

    /// <summary>∂L/∂W_hh += Σ ∂L/∂h_t h_{t−1}ᵀ: D against H one step earlier.</summary>
    private void AddWhhGradient(TimeBlock block, int row, int rows, MatrixSpan gradient, bool isFirst)
    {
        PackedColumns states = _operands.States!;
        PackedColumns gradients = _operands.StateGradients;
        foreach (StepNeighbours.Run run in StepNeighbours.Before(
            _operands.OutputGradients.Layout, states.Layout, block.FirstStep, block.LastStep))
        {
            AddProduct(
                gradients.Spaced(run.Column + _gradientOffset, run.Count, 1).RowRange(row, rows),
                states.Spaced(run.Neighbour, run.Count, 1),
                gradient,
                isFirst);
            isFirst = false;
        }
    }

    private double CarryFactor => _operands.Truncation?.CarryFactor ?? 1.0;

    /// <summary>What a state gradient is multiplied by from step to step, transposed: W_hh, scaled where the truncation
    /// says so.</summary>
    private MatrixView CarriedWhh()
    {
        MatrixSpan whh = _weights.Whh;
        if (CarryFactor == 1.0)
        {
            return whh;
        }
        double[] scaled = whh.Values.ToArray();
        VectorMath.Scale(CarryFactor, scaled);
        return new MatrixView(scaled, whh.Rows, whh.Columns, whh.Rows);
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
/// <param name="States">H, h×n: the step before the first one, and then the steps; null where only the state gradients
/// are wanted.</param>
/// <param name="OutputGradients">G, q×N, of all steps; written where there is an objective.</param>
/// <param name="Objective">Where G comes from; null where it is there already.</param>
/// <param name="FinalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
/// <param name="Truncation">How far gradients travel back; null for all the way. Where it counts lags, the state
/// gradients are in place.</param>
/// <param name="StateGradients">D, h×n: the steps, step 0 where it is among them, and the step after the last one, in
/// place, where there is one.</param>
/// <param name="WeightGradients">They are written; null where only the state gradients are wanted.</param>
/// <param name="AddsToWeightGradients">Whether they hold the part of later steps, which is added to.</param>
internal sealed record BackwardOperands(
    PackedColumns Inputs,
    PackedColumns? States,
    PackedColumns OutputGradients,
    IOutputTask? Objective,
    ReadOnlyMemory<double> FinalStateGradients,
    Truncation? Truncation,
    PackedColumns StateGradients,
    ParameterArray? WeightGradients,
    bool AddsToWeightGradients);
