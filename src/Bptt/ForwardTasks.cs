// The forward pass as tasks on blocks of steps: what each of them computes. What they wait for is in
// ForwardSchedule.cs.
//
//   d  inputs      h  hidden units      q  outputs

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt;

/// <summary>The carries of a run in chunks.</summary>
/// <param name="Columns">Memory for them.</param>
/// <param name="AreKnown">Whether they are there from an earlier run; then only the steps between them are
/// computed.</param>
internal readonly record struct Carries(PackedColumns Columns, bool AreKnown);

/// <summary>What the tasks of a forward pass over some steps compute.</summary>
internal sealed class ForwardTasks : ITaskBody
{
    private readonly KernelSet _kernels;
    private readonly ParameterArray _weights;
    private readonly ForwardSchedule _schedule;
    private readonly PackedColumns _inputs;
    private readonly PackedColumns _states;
    private readonly PackedColumns? _outputs;
    private readonly int _stepsBefore;
    private readonly int _columnsBefore;
    private readonly int _stateOffset;
    private readonly bool _carriesAreKnown;
    private readonly BlockRecurrence _recurrence;
    private readonly TransitionMatrix _transition;
    private readonly ArraySegment<double> _whxStorage;
    private readonly ArraySegment<double> _wqhStorage;
    private PackedMatrix _whx;
    private PackedMatrix _wqh;

    /// <param name="context">Kernels and memory.</param>
    /// <param name="weights">The model.</param>
    /// <param name="schedule">The tasks.</param>
    /// <param name="firstStep">The step that the schedule counts as 1.</param>
    /// <param name="inputs">X, d×N, of all steps.</param>
    /// <param name="states">H, h×n: the step before the first one, in place, and then the steps of the
    /// schedule.</param>
    /// <param name="outputs">O, q×N, of all steps; null where only the states are wanted.</param>
    /// <param name="power">W_hh^S; null where the schedule has no chunks.</param>
    /// <param name="carries">The carries of the chunks.</param>
    public ForwardTasks(
        PassContext context,
        ParameterArray weights,
        ForwardSchedule schedule,
        int firstStep,
        PackedColumns inputs,
        PackedColumns states,
        PackedColumns? outputs,
        TransitionPower? power,
        Carries carries)
    {
        _kernels = context.Kernels;
        _weights = weights;
        _schedule = schedule;
        _inputs = inputs;
        _states = states;
        _outputs = outputs;
        _stepsBefore = firstStep - 1;
        _columnsBefore = inputs.Layout.BlockOf(firstStep).FirstColumn;
        _stateOffset = states.Layout.BlockOf(firstStep).FirstColumn - _columnsBefore;
        _recurrence = new BlockRecurrence(
            _kernels, schedule.Plan, states, TimeDirection.Forward, _stateOffset, carries.Columns);
        _carriesAreKnown = carries.AreKnown;
        _transition = new TransitionMatrix(
            _kernels, weights.HiddenSize, schedule.Plan, states.Layout.SequenceCount, power, context.Storage);
        _whxStorage = context.PackedStorage(weights.HiddenSize, weights.InputSize, PackedFor.Columns);
        _wqhStorage = context.PackedStorage(weights.OutputSize, weights.HiddenSize, PackedFor.Columns);
    }

    /// <summary>Whether the states can be used; where not, only a run step by step gives them.</summary>
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
                _whx = _kernels.Pack(_weights.Whx, PackedFor.Columns, _whxStorage);
                if (_outputs is not null)
                {
                    _wqh = _kernels.Pack(_weights.Wqh, PackedFor.Columns, _wqhStorage);
                }
                break;

            case ForwardStep.PackTransition:
                _transition.Pack(_kernels, _weights.Whh, TimeDirection.Forward, _recurrence);
                break;

            case ForwardStep.Inputs:
                _kernels.Multiply(_whx, _inputs.Spaced(block.FirstColumn, block.ColumnCount, 1), StatesOf(block));
                if (block.IsChunked && !_carriesAreKnown)
                {
                    _recurrence.Ends(block);
                }
                break;

            case ForwardStep.Recur:
                if (!block.IsChunked || !_carriesAreKnown)
                {
                    _recurrence.Recur(block, index > 0 ? blocks[index - 1] : null, group);
                }
                break;

            case ForwardStep.Outputs:
                if (block.IsChunked)
                {
                    _recurrence.Fill(block);
                }
                if (_outputs is not null)
                {
                    _kernels.Multiply(_wqh, StatesOf(block), _outputs.Spaced(block.FirstColumn, block.ColumnCount, 1));
                }
                break;
        }
    }

    private MatrixSpan StatesOf(TimeBlock block) =>
        _states.Spaced(block.FirstColumn + _stateOffset, block.ColumnCount, 1);
}
