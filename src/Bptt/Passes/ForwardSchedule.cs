// The tasks of a forward pass over blocks of steps, and what each of them waits for: data only. What they compute is in
// ForwardTasks.cs.

using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt.Passes;

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

    /// <summary>The schedule that the workspace has from the pass before, where it fits, or a fresh one.</summary>
    /// <inheritdoc cref="ForwardSchedule(BatchLayout, int, int, PlanTuning)"/>
    public static ForwardSchedule For(PassContext context, BatchLayout steps, int h, int chunkLength) => context.Plan(
        plan => plan.IsFor(steps, h, chunkLength, context.Tuning),
        () => new ForwardSchedule(steps, h, chunkLength, context.Tuning));

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
        var waits = new RecurrenceWaits(transition);
        for (int k = 0; k < Plan.Blocks.Count; k++)
        {
            TimeBlock block = Plan.Blocks[k];
            int inputs = Add(ForwardStep.Inputs, k, 0, false, weights, block.IsChunked ? transition : -1);
            int[] recur = new int[Plan.GroupsOf(block, steps)];
            for (int group = 0; group < recur.Length; group++)
            {
                recur[group] = Add(ForwardStep.Recur, k, group, true, [inputs, .. waits.For(block, group)]);
            }
            int outputs = Add(ForwardStep.Outputs, k, 0, false, recur);
            waits.Follow(block, recur, outputs);
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
