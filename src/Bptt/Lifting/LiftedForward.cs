// A forward pass that takes S steps at once: the states at the ends of the chunks, and every output. Checks nothing.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>h_{cS} of every chunk, o_1 … o_T, and the tails: the steps beyond the last whole chunk, which are run one
/// by one.</summary>
internal sealed class LiftedForward
{
    private readonly Trajectory _states;
    private readonly PassRun _run;

    private LiftedForward(LiftedWeights weights, PackedColumns inputs, PassContext context)
    {
        Weights = weights;
        Batch = new ChunkedBatch(inputs.Layout, weights.ChunkLength);
        Inputs = Batch.ToChunks(inputs, context);
        BatchLayout chunks = Batch.Chunks;
        int h = weights.Model.HiddenSize;
        _states = new Trajectory(h, chunks, WindowPlan.Single(chunks), TimeDirection.Forward, context.Storage);
        Chunking = Chunking.Of(
            context.Kernels,
            h,
            LiftingCost.ChunksTogether(PassSizes.Of(weights.Model), chunks, weights.ChunkLength),
            context.Storage);
        _run = new PassRun(weights.Sizes, chunks, _states, Chunking, productsOfWeights: 1);
        States = _states.Begin(0);
    }

    public LiftedWeights Weights { get; }

    public ChunkedBatch Batch { get; }

    /// <summary>X, dS×n.</summary>
    public PackedColumns Inputs { get; }

    /// <summary>h_0 and h_{cS} of the chunks, h×(n + 1).</summary>
    public PackedColumns States { get; }

    /// <summary>Whether the recurrence over chunks was run in parallel over time once more.</summary>
    public Chunking Chunking { get; }

    /// <summary>The pass over the tails; null where there are none.</summary>
    public ForwardRecord? Tail { get; private set; }

    /// <summary>The states that are known: at the ends of the chunks, and in the tails.</summary>
    public IKnownStates Known => new ChunkEnds(Batch, States, Tail?.States);

    /// <summary>Runs the pass.</summary>
    /// <param name="weights">The lifted model.</param>
    /// <param name="inputs">X of all steps, d×N.</param>
    /// <param name="initialStates">h_0, h×B in the order of the sequences; empty for zero.</param>
    /// <param name="outputs">Receives O of all steps, q×N.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <returns>Null where a state or an output is not finite: then only steps tell where that begins.</returns>
    public static LiftedForward? Run(
        LiftedWeights weights,
        PackedColumns inputs,
        ReadOnlySpan<double> initialStates,
        PackedColumns outputs,
        PassContext context)
    {
        var pass = new LiftedForward(weights, inputs, context);
        pass.RunChunks(initialStates, outputs, context);
        pass.RunTails(inputs, initialStates, outputs, context);
        bool isFinite = VectorMath.FirstNonFinite(pass.States.All.Values) < 0
            && VectorMath.FirstNonFinite(outputs.All.Values) < 0;
        return isFinite ? pass : null;
    }

    private void RunChunks(ReadOnlySpan<double> initialStates, PackedColumns outputs, PassContext context)
    {
        PackedColumns chunkOutputs = Batch.ChunkColumns(outputs, context);
        _states.WriteStepZero(ChunkedBatch.Select(initialStates, States.Rows, Batch.Chunked));
        _run.Window(
            0,
            States,
            context,
            (window, _, states) => new PassFormulas(
                new LiftedForwardFormulas(window, Weights, Inputs, states, chunkOutputs)));
        Batch.FromChunks(chunkOutputs, outputs, context);
    }

    private void RunTails(
        PackedColumns inputs, ReadOnlySpan<double> initialStates, PackedColumns outputs, PassContext context)
    {
        if (Batch.Tails is not BatchLayout tails)
        {
            return;
        }
        double[] initial = ChunkBorders.BeforeTails(Batch, States, initialStates);
        Tail = ForwardRecord.Run(
            Weights.Model,
            Batch.ToTails(inputs, context),
            initial,
            new ForwardPlan(WindowPlan.Single(tails), ChunkLength: 1, KeepsCarries: false),
            context);
        Batch.FromTails(Tail.Outputs, outputs);
    }
}
