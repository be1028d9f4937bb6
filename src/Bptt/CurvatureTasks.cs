// The derivative of a backward pass in one direction, as tasks on blocks of steps: what each of them computes. What
// they wait for is in BackwardSchedule.cs, since it is what the backward pass's own tasks wait for.
//
//   d  inputs      h  hidden units      q  outputs
//
//   δ_t = ∂L/∂h_t, G_t = ∂L/∂o_t; a dot is the derivative in the direction V:
//
//   δ̇_t = W_hhᵀ δ̇_{t+1} + W_qhᵀ Ġ_t + V_qhᵀ G_t + V_hhᵀ δ_{t+1}        ∂/∂h_0: W_hhᵀ δ̇_1 + V_hhᵀ δ_1
//   Σ Ġ_t h_tᵀ + G_t ḣ_tᵀ      Σ δ̇_t x_tᵀ + δ_t ẋ_tᵀ      Σ δ̇_t h_{t−1}ᵀ + δ_t ḣ_{t−1}ᵀ

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt;

/// <summary>What a product with the Hessian takes from the passes beyond a Gauss–Newton product.</summary>
/// <param name="Direction">V.</param>
/// <param name="StateGradients">D, h×n: the steps, and the step after the last one, where there is one.</param>
/// <param name="OutputGradients">G, q×N, of all steps.</param>
/// <param name="StateDerivatives">Ḣ, h×n: the step before the first one, and then the steps.</param>
internal sealed record HessianOperands(
    PassDirection Direction,
    PackedColumns StateGradients,
    PackedColumns OutputGradients,
    PackedColumns StateDerivatives);

/// <summary>What a product over some steps reads and writes.</summary>
/// <param name="Inputs">X, d×N, of all steps.</param>
/// <param name="States">H, h×n: the step before the first one, and then the steps; as many as of its
/// derivatives.</param>
/// <param name="OutputCurvature">Ġ, q×N, of all steps; written where there is an evaluation.</param>
/// <param name="Evaluation">Where Ġ comes from; null where it is there already.</param>
/// <param name="Hessian">The terms of the Hessian; null for a Gauss–Newton product, which has none of them.</param>
/// <param name="Derivatives">Ḋ, h×n: receives the steps, step 0 where it is among them; the step after the last one, in
/// place, where there is one.</param>
/// <param name="Product">Receives the product's weights.</param>
/// <param name="AddsToProduct">Whether it holds the part of later steps, which is added to.</param>
internal sealed record CurvatureOperands(
    PackedColumns Inputs,
    PackedColumns States,
    PackedColumns OutputCurvature,
    CurvatureEvaluation? Evaluation,
    HessianOperands? Hessian,
    PackedColumns Derivatives,
    ParameterArray Product,
    bool AddsToProduct);

/// <summary>What the tasks of a curvature product over some steps compute.</summary>
internal sealed class CurvatureTasks : ITaskBody
{
    private readonly KernelSet _kernels;
    private readonly ParameterArray _weights;
    private readonly BackwardSchedule _schedule;
    private readonly CurvatureOperands _operands;
    private readonly BatchLayout _layout;
    private readonly int _stepsBefore;
    private readonly int _columnsBefore;
    private readonly int _stateOffset;
    private readonly int _gradientOffset;
    private readonly BlockRecurrence _recurrence;
    private readonly TransitionMatrix _transition;
    private readonly ArraySegment<double>[] _storage;
    private PackedMatrix _wqhTransposed;
    private PackedMatrix _vqhTransposed;
    private PackedMatrix _vhhTransposed;

    /// <param name="context">Kernels and memory.</param>
    /// <param name="weights">The model.</param>
    /// <param name="schedule">The tasks.</param>
    /// <param name="firstStep">The step that the schedule counts as 1.</param>
    /// <param name="operands">What is read and written.</param>
    /// <param name="power">W_hh^S; null where the schedule has no chunks.</param>
    public CurvatureTasks(
        PassContext context,
        ParameterArray weights,
        BackwardSchedule schedule,
        int firstStep,
        CurvatureOperands operands,
        TransitionPower? power)
    {
        _kernels = context.Kernels;
        _weights = weights;
        _schedule = schedule;
        _operands = operands;
        _layout = operands.OutputCurvature.Layout;
        _stepsBefore = firstStep - 1;
        _columnsBefore = _layout.BlockOf(firstStep).FirstColumn;
        PackedColumns derivatives = operands.Derivatives;
        _gradientOffset = derivatives.Layout.BlockOf(firstStep).FirstColumn - _columnsBefore;
        _stateOffset = operands.States.Layout.BlockOf(firstStep).FirstColumn - _columnsBefore;
        (int h, int q) = (weights.HiddenSize, weights.OutputSize);
        _recurrence = new BlockRecurrence(
            _kernels,
            schedule.Plan,
            derivatives,
            TimeDirection.Backward,
            _gradientOffset,
            context.Carries(h, schedule.Plan));
        _transition = new TransitionMatrix(
            _kernels, h, schedule.Plan, derivatives.Layout.SequenceCount, power, context.Storage);
        PassDirection? direction = operands.Hessian?.Direction;
        _storage =
        [
            context.PackedStorage(h, q, PackedFor.Columns),
            direction is { HasWqh: true } ? context.PackedStorage(h, q, PackedFor.Columns) : default,
            direction is { HasWhh: true } ? context.PackedStorage(h, h, PackedFor.Columns) : default,
        ];
    }

    /// <summary>Whether the product can be used; where not, only a run step by step gives it.</summary>
    public bool Holds => _recurrence.Holds;

    /// <inheritdoc/>
    public void Run(int task)
    {
        (BackwardStep step, int index, int part, int rows) = _schedule.Tasks[task];
        if (step == BackwardStep.Objective)
        {
            _operands.Evaluation!.Evaluate(index);
            return;
        }
        bool isGradient = step is BackwardStep.WqhGradient or BackwardStep.WhxGradient or BackwardStep.WhhGradient;
        bool isFirst = index == 0 && !_operands.AddsToProduct;
        IReadOnlyList<TimeBlock> blocks = isGradient ? _schedule.Spans : _schedule.Plan.Blocks;
        TimeBlock block = blocks[index].Moved(_stepsBefore, _columnsBefore);
        switch (step)
        {
            case BackwardStep.PackWeights:
                PackWeights();
                break;

            case BackwardStep.PackTransition:
                _transition.Pack(_kernels, _weights.Whh, TimeDirection.Backward, _recurrence);
                break;

            case BackwardStep.Outputs:
                Drive(block);
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

            case BackwardStep.WqhGradient:
                AddWqhProduct(block, part, rows, _operands.Product.Wqh.RowRange(part, rows), isFirst);
                break;

            case BackwardStep.WhxGradient:
                AddWhxProduct(block, part, rows, _operands.Product.Whx.RowRange(part, rows), isFirst);
                break;

            case BackwardStep.WhhGradient:
                AddWhhProduct(block, part, rows, _operands.Product.Whh.RowRange(part, rows), isFirst);
                break;

            case BackwardStep.InitialStates:
                _recurrence.InitialStep();
                if (_operands.Hessian is { Direction.HasWhh: true } hessian)
                {
                    MatrixSpan target = _operands.Derivatives.Block(0);
                    _kernels.Step(_vhhTransposed, hessian.StateGradients.Block(1), target, target);
                }
                break;
        }
    }

    private void PackWeights()
    {
        _wqhTransposed = _kernels.Pack(_weights.Wqh.T, PackedFor.Columns, _storage[0]);
        if (_operands.Hessian is { Direction.HasWqh: true } moved)
        {
            _vqhTransposed = _kernels.Pack(moved.Direction.Weights.Wqh.T, PackedFor.Columns, _storage[1]);
        }
        if (_operands.Hessian is { Direction.HasWhh: true } turned)
        {
            _vhhTransposed = _kernels.Pack(turned.Direction.Weights.Whh.T, PackedFor.Columns, _storage[2]);
        }
    }

    /// <summary>W_qhᵀ Ġ_t + V_qhᵀ G_t + V_hhᵀ δ_{t+1}: no step waits for another one.</summary>
    private void Drive(TimeBlock block)
    {
        MatrixSpan drive = _operands.Derivatives.Spaced(block.FirstColumn + _gradientOffset, block.ColumnCount, 1);
        _kernels.Multiply(_wqhTransposed, OutputsOf(_operands.OutputCurvature, block), drive);
        if (_operands.Hessian is not HessianOperands hessian)
        {
            return;
        }
        if (hessian.Direction.HasWqh)
        {
            _kernels.Step(_vqhTransposed, OutputsOf(hessian.OutputGradients, block), drive, drive);
        }
        if (hessian.Direction.HasWhh)
        {
            foreach (StepNeighbours.Run run in StepNeighbours.After(
                _layout, hessian.StateGradients.Layout, block.FirstStep, block.LastStep))
            {
                MatrixSpan target = _operands.Derivatives.Spaced(run.Column + _gradientOffset, run.Count, 1);
                _kernels.Step(
                    _vhhTransposed, hessian.StateGradients.Spaced(run.Neighbour, run.Count, 1), target, target);
            }
        }
    }

    private void AddWqhProduct(TimeBlock block, int row, int rows, MatrixSpan product, bool isFirst)
    {
        AddProduct(
            OutputsOf(_operands.OutputCurvature, block).RowRange(row, rows),
            StatesOf(_operands.States, block),
            product,
            isFirst);
        if (_operands.Hessian is HessianOperands hessian)
        {
            AddProduct(
                OutputsOf(hessian.OutputGradients, block).RowRange(row, rows),
                StatesOf(hessian.StateDerivatives, block),
                product,
                isFirst: false);
        }
    }

    private void AddWhxProduct(TimeBlock block, int row, int rows, MatrixSpan product, bool isFirst)
    {
        AddProduct(
            GradientsOf(_operands.Derivatives, block).RowRange(row, rows),
            OutputsOf(_operands.Inputs, block),
            product,
            isFirst);
        if (_operands.Hessian is { Direction.Inputs: PackedColumns moved } hessian)
        {
            AddProduct(
                GradientsOf(hessian.StateGradients, block).RowRange(row, rows),
                OutputsOf(moved, block),
                product,
                isFirst: false);
        }
    }

    private void AddWhhProduct(TimeBlock block, int row, int rows, MatrixSpan product, bool isFirst)
    {
        foreach (StepNeighbours.Run run in StepNeighbours.Before(
            _layout, _operands.States.Layout, block.FirstStep, block.LastStep))
        {
            AddProduct(
                _operands.Derivatives.Spaced(run.Column + _gradientOffset, run.Count, 1).RowRange(row, rows),
                _operands.States.Spaced(run.Neighbour, run.Count, 1),
                product,
                isFirst);
            isFirst = false;
            if (_operands.Hessian is HessianOperands hessian)
            {
                AddProduct(
                    hessian.StateGradients.Spaced(run.Column + _gradientOffset, run.Count, 1).RowRange(row, rows),
                    hessian.StateDerivatives.Spaced(run.Neighbour, run.Count, 1),
                    product,
                    isFirst: false);
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

    /// <summary>The columns of a block where there are columns for all steps and none for step 0.</summary>
    private static MatrixSpan OutputsOf(PackedColumns columns, TimeBlock block) =>
        columns.Spaced(block.FirstColumn, block.ColumnCount, 1);

    private MatrixSpan StatesOf(PackedColumns states, TimeBlock block) =>
        states.Spaced(block.FirstColumn + _stateOffset, block.ColumnCount, 1);

    private MatrixSpan GradientsOf(PackedColumns gradients, TimeBlock block) =>
        gradients.Spaced(block.FirstColumn + _gradientOffset, block.ColumnCount, 1);
}
