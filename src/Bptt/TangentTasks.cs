// The derivative of a forward pass in one direction, as tasks on blocks of steps: what each of them computes. What they
// wait for is in ForwardSchedule.cs, since it is what the forward pass's own tasks wait for.
//
//   d  inputs      h  hidden units      q  outputs
//
//   ḣ_t = W_hh ḣ_{t−1} + V_hx x_t + W_hx ẋ_t + V_hh h_{t−1}      ȯ_t = W_qh ḣ_t + V_qh h_t

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt;

/// <summary>What the tasks of a tangent pass over some steps compute.</summary>
internal sealed class TangentTasks : ITaskBody
{
    private readonly KernelSet _kernels;
    private readonly ParameterArray _weights;
    private readonly PassDirection _direction;
    private readonly ForwardSchedule _schedule;
    private readonly PackedColumns _inputs;
    private readonly PackedColumns _states;
    private readonly PackedColumns _derivatives;
    private readonly PackedColumns? _outputs;
    private readonly int _stepsBefore;
    private readonly int _columnsBefore;
    private readonly int _stateOffset;
    private readonly BlockRecurrence _recurrence;
    private readonly TransitionMatrix _transition;
    private readonly ArraySegment<double>[] _storage;
    private PackedMatrix _vhx;
    private PackedMatrix _vhh;
    private PackedMatrix _whx;
    private PackedMatrix _wqh;
    private PackedMatrix _vqh;

    /// <param name="context">Kernels and memory.</param>
    /// <param name="forward">The forward pass.</param>
    /// <param name="direction">v.</param>
    /// <param name="schedule">The tasks.</param>
    /// <param name="firstStep">The step that the schedule counts as 1.</param>
    /// <param name="states">H, h×n: the step before the first one, and then the steps of the schedule.</param>
    /// <param name="derivatives">Ḣ, likewise; the step before the first one is in place.</param>
    /// <param name="outputs">ȯ, q×N, of all steps; null where only the states are wanted.</param>
    /// <param name="power">W_hh^S; null where the schedule has no chunks.</param>
    public TangentTasks(
        PassContext context,
        ForwardPass forward,
        PassDirection direction,
        ForwardSchedule schedule,
        int firstStep,
        PackedColumns states,
        PackedColumns derivatives,
        PackedColumns? outputs,
        TransitionPower? power)
    {
        _kernels = context.Kernels;
        _weights = forward.Model.Weights;
        _direction = direction;
        _schedule = schedule;
        _inputs = forward.InputColumns;
        _states = states;
        _derivatives = derivatives;
        _outputs = outputs;
        _stepsBefore = firstStep - 1;
        _columnsBefore = _inputs.Layout.BlockOf(firstStep).FirstColumn;
        _stateOffset = derivatives.Layout.BlockOf(firstStep).FirstColumn - _columnsBefore;
        (int d, int h, int q) = (_weights.InputSize, _weights.HiddenSize, _weights.OutputSize);
        _recurrence = new BlockRecurrence(
            _kernels,
            schedule.Plan,
            derivatives,
            TimeDirection.Forward,
            _stateOffset,
            context.Carries(h, schedule.Plan));
        _transition = new TransitionMatrix(
            _kernels, h, schedule.Plan, derivatives.Layout.SequenceCount, power, context.Storage);
        _storage =
        [
            Storage(direction.HasWhx, h, d),
            Storage(direction.HasWhh, h, h),
            Storage(direction.Inputs is not null, h, d),
            Storage(outputs is not null, q, h),
            Storage(outputs is not null && direction.HasWqh, q, h),
        ];

        ArraySegment<double> Storage(bool isNeeded, int rows, int columns) =>
            isNeeded ? context.PackedStorage(rows, columns, PackedFor.Columns) : default;
    }

    /// <summary>Whether the derivatives can be used; where not, only a run step by step gives them.</summary>
    public bool Holds => _recurrence.Holds;

    /// <inheritdoc/>
    public void Run(int task)
    {
        (ForwardStep step, int index, int group) = _schedule.Tasks[task];
        IReadOnlyList<TimeBlock> blocks = _schedule.Plan.Blocks;
        TimeBlock block = blocks[index].Moved(_stepsBefore, _columnsBefore);
        switch (step)
        {
            case ForwardStep.PackWeights:
                PackWeights();
                break;

            case ForwardStep.PackTransition:
                _transition.Pack(_kernels, _weights.Whh, TimeDirection.Forward, _recurrence);
                break;

            case ForwardStep.Inputs:
                Drive(block);
                if (block.IsChunked)
                {
                    _recurrence.Ends(block);
                }
                break;

            case ForwardStep.Recur:
                _recurrence.Recur(block, index > 0 ? blocks[index - 1] : null, group);
                break;

            case ForwardStep.Outputs:
                if (block.IsChunked)
                {
                    _recurrence.Fill(block);
                }
                if (_outputs is not null)
                {
                    MatrixSpan outputs = _outputs.Spaced(block.FirstColumn, block.ColumnCount, 1);
                    _kernels.Multiply(_wqh, Columns(_derivatives, block), outputs);
                    if (_direction.HasWqh)
                    {
                        _kernels.Step(_vqh, Columns(_states, block), outputs, outputs);
                    }
                }
                break;
        }
    }

    private void PackWeights()
    {
        if (_direction.HasWhx)
        {
            _vhx = _kernels.Pack(_direction.Weights.Whx, PackedFor.Columns, _storage[0]);
        }
        if (_direction.HasWhh)
        {
            _vhh = _kernels.Pack(_direction.Weights.Whh, PackedFor.Columns, _storage[1]);
        }
        if (_direction.Inputs is not null)
        {
            _whx = _kernels.Pack(_weights.Whx, PackedFor.Columns, _storage[2]);
        }
        if (_outputs is not null)
        {
            _wqh = _kernels.Pack(_weights.Wqh, PackedFor.Columns, _storage[3]);
            if (_direction.HasWqh)
            {
                _vqh = _kernels.Pack(_direction.Weights.Wqh, PackedFor.Columns, _storage[4]);
            }
        }
    }

    /// <summary>V_hx x_t + W_hx ẋ_t + V_hh h_{t−1}: no step waits for another one.</summary>
    private void Drive(TimeBlock block)
    {
        MatrixSpan drive = Columns(_derivatives, block);
        if (_direction.HasWhx)
        {
            _kernels.Multiply(_vhx, _inputs.Spaced(block.FirstColumn, block.ColumnCount, 1), drive);
        }
        else
        {
            drive.Values.Clear();
        }
        if (_direction.Inputs is PackedColumns inputs)
        {
            _kernels.Step(_whx, inputs.Spaced(block.FirstColumn, block.ColumnCount, 1), drive, drive);
        }
        if (_direction.HasWhh)
        {
            foreach (StepNeighbours.Run run in StepNeighbours.Before(
                _inputs.Layout, _states.Layout, block.FirstStep, block.LastStep))
            {
                MatrixSpan target = _derivatives.Spaced(run.Column + _stateOffset, run.Count, 1);
                _kernels.Step(_vhh, _states.Spaced(run.Neighbour, run.Count, 1), target, target);
            }
        }
    }

    /// <summary>The columns of a block, of states or of their derivatives.</summary>
    private MatrixSpan Columns(PackedColumns states, TimeBlock block) =>
        states.Spaced(block.FirstColumn + _stateOffset, block.ColumnCount, 1);
}
