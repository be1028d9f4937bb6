// The forward pass as tasks on blocks of steps: what each of them computes, and what it waits for.
//
//   d  inputs      h  hidden units      q  outputs

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt;

/// <summary>What a task of the forward pass does.</summary>
internal enum ForwardStep
{
    /// <summary>Packs W_hx and W_qh.</summary>
    PackWeights,

    /// <summary>Packs W_hh, and its power where there are chunks.</summary>
    PackTransition,

    /// <summary>U = W_hx X, and the ends of the chunks.</summary>
    Inputs,

    /// <summary>h_t = u_t + W_hh h_{t−1} from step to step, or from chunk to chunk.</summary>
    Recur,

    /// <summary>All states of the chunks, and O = W_qh H.</summary>
    Outputs,
}

/// <summary>The tasks of a forward pass over some steps, as data.</summary>
internal sealed class ForwardSchedule
{
    private readonly BatchLayout _steps;
    private readonly (int H, int ChunkLength, PlanTuning Tuning) _shape;

    /// <param name="steps">The layout of the steps, counted from 1.</param>
    /// <param name="h">Rows of the states.</param>
    /// <param name="chunkLength">S; 1 for step by step.</param>
    /// <param name="tuning">How large the pieces are.</param>
    public ForwardSchedule(BatchLayout steps, int h, int chunkLength, PlanTuning tuning)
    {
        _steps = steps;
        _shape = (h, chunkLength, tuning);
        Plan = RecurrencePlan.For(steps, h, chunkLength, tuning);
        Graph = new TaskGraph();

        int weights = Add(ForwardStep.PackWeights, block: 0, group: 0, isCritical: true);
        int transition = Add(ForwardStep.PackTransition, block: 0, group: 0, isCritical: true);
        int[] last = [transition]; // the tasks that the next block's recurrence waits for
        int filled = -1;
        for (int k = 0; k < Plan.Blocks.Count; k++)
        {
            TimeBlock block = Plan.Blocks[k];
            int inputs = Add(ForwardStep.Inputs, k, 0, false, weights, block.IsChunked ? transition : -1);
            int groups = block.IsChunked ? 1 : Plan.GroupsAt(steps.ActiveAt(block.FirstStep));
            int[] recur = new int[groups];
            for (int group = 0; group < groups; group++)
            {
                // A chunked block leaves its last state to the task that fills it.
                int before = k > 0 && Plan.Blocks[k - 1].IsChunked && !block.IsChunked ? filled : last[Math.Min(group, last.Length - 1)];
                recur[group] = Add(ForwardStep.Recur, k, group, true, inputs, before);
            }
            if (block.IsChunked && k > 0)
            {
                foreach (int task in last)
                {
                    Graph.AddWait(recur[0], task);
                }
            }
            filled = Add(ForwardStep.Outputs, k, 0, false, recur);
            last = recur;
        }
        Graph.Close();
    }

    public RecurrencePlan Plan { get; }

    public TaskGraph Graph { get; }

    /// <summary>By number.</summary>
    public List<(ForwardStep Step, int Block, int Group)> Tasks { get; } = [];

    /// <summary>Whether it is the schedule for this.</summary>
    public bool IsFor(BatchLayout steps, int h, int chunkLength, PlanTuning tuning) =>
        _shape == (h, chunkLength, tuning) && _steps.HasShapeOf(steps);

    private int Add(ForwardStep step, int block, int group, bool isCritical, params ReadOnlySpan<int> after)
    {
        Tasks.Add((step, block, group));
        return Graph.Add(isCritical, after);
    }
}

/// <summary>The carries of a run in chunks.</summary>
/// <param name="Columns">Memory for them.</param>
/// <param name="AreKnown">Whether they are there from an earlier run; then only the steps between them are computed.</param>
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
    /// <param name="states">H, h×n: the step before the first one, in place, and then the steps of the schedule.</param>
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
                if (_carriesAreKnown && block.IsChunked)
                {
                    break;
                }
                if (block.IsChunked)
                {
                    _recurrence.Carry(block, index > 0 ? blocks[index - 1] : null);
                }
                else
                {
                    _recurrence.Steps(block, group);
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

    private MatrixSpan StatesOf(TimeBlock block) => _states.Spaced(block.FirstColumn + _stateOffset, block.ColumnCount, 1);
}
