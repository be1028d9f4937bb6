// A forward pass that takes S steps at once: the states at the ends of the chunks, and every output. Checks nothing.

using System.Numerics;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>h_{cS} of every chunk, o_1 … o_T, and the tails: the steps beyond the last whole chunk, which are run one
/// by one.</summary>
internal sealed class LiftedForward<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly Trajectory<TReal> _states;
    private readonly PassRun<TReal> _run;

    private LiftedForward(
        LiftedWeights weights, LiftedModel<TReal> model, PackedColumns<TReal> inputs, PassContext<TReal> context)
    {
        Weights = weights;
        Model = model;
        Batch = new ChunkedBatch(inputs.Layout, model.ChunkLength);
        Inputs = Batch.ToChunks(inputs, context);
        BatchLayout chunks = Batch.Chunks;
        int h = model.Model.HiddenSize;
        _states = new Trajectory<TReal>(h, chunks, WindowPlan.Single(chunks), TimeDirection.Forward, context.Storage);
        Chunking = Chunking<TReal>.Of(
            context.Kernels,
            h,
            LiftingCost.ChunksTogether(PassSizes.Of(model.Model), chunks, model.ChunkLength),
            context.Storage);
        _run = new PassRun<TReal>(model.Sizes, chunks, _states, Chunking, productsOfWeights: 1);
        States = _states.Begin(0);
    }

    /// <summary>The lifted model, with what it was made of.</summary>
    public LiftedWeights Weights { get; }

    /// <summary>The same, in the numbers of the pass.</summary>
    public LiftedModel<TReal> Model { get; }

    public ChunkedBatch Batch { get; }

    /// <summary>X, dS×n.</summary>
    public PackedColumns<TReal> Inputs { get; }

    /// <summary>h_0 and h_{cS} of the chunks, h×(n + 1).</summary>
    public PackedColumns<TReal> States { get; }

    /// <summary>Whether the recurrence over chunks was run in parallel over time once more.</summary>
    public Chunking<TReal> Chunking { get; }

    /// <summary>The pass over the tails; null where there are none.</summary>
    public ForwardRecord<TReal>? Tail { get; private set; }

    /// <summary>The states that are known: at the ends of the chunks, and in the tails.</summary>
    public IKnownStates<TReal> Known => new ChunkEnds<TReal>(Batch, States, Tail?.States);

    /// <summary>Runs the pass.</summary>
    /// <param name="weights">The lifted model.</param>
    /// <param name="model">The same, in the numbers of the pass.</param>
    /// <param name="inputs">X of all steps, d×N.</param>
    /// <param name="initialStates">h_0, h×B in the order of the sequences; empty for zero.</param>
    /// <param name="outputs">Receives O of all steps, q×N.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <returns>Null where a state or an output is not finite: then only steps tell where that begins.</returns>
    public static LiftedForward<TReal>? Run(
        LiftedWeights weights,
        LiftedModel<TReal> model,
        PackedColumns<TReal> inputs,
        ReadOnlySpan<TReal> initialStates,
        PackedColumns<TReal> outputs,
        PassContext<TReal> context)
    {
        var pass = new LiftedForward<TReal>(weights, model, inputs, context);
        pass.RunChunks(initialStates, outputs, context);
        pass.RunTails(inputs, initialStates, outputs, context);
        bool isFinite = VectorMath.FirstNonFinite(pass.States.All.Values) < 0
            && VectorMath.FirstNonFinite(outputs.All.Values) < 0;
        return isFinite ? pass : null;
    }

    private void RunChunks(ReadOnlySpan<TReal> initialStates, PackedColumns<TReal> outputs, PassContext<TReal> context)
    {
        PackedColumns<TReal> chunkOutputs = Batch.ChunkColumns(outputs, context);
        _states.WriteStepZero(ChunkedBatch.Select(initialStates, States.Rows, Batch.Chunked));
        _run.Window(
            0,
            States,
            context,
            (window, _, states) => new PassFormulas<TReal>(
                new LiftedForwardFormulas<TReal>(window, Model, Inputs, states, chunkOutputs)));
        Batch.FromChunks(chunkOutputs, outputs, context);
    }

    private void RunTails(
        PackedColumns<TReal> inputs,
        ReadOnlySpan<TReal> initialStates,
        PackedColumns<TReal> outputs,
        PassContext<TReal> context)
    {
        if (Batch.Tails is not BatchLayout tails)
        {
            return;
        }
        TReal[] initial = ChunkBorders.BeforeTails(Batch, States, initialStates);
        Tail = ForwardRecord<TReal>.Run(
            Model.Model,
            Batch.ToTails(inputs, context),
            initial,
            new ForwardPlan(WindowPlan.Single(tails), ChunkLength: 1, KeepsCarries: false),
            context);
        Batch.FromTails(Tail.Outputs, outputs);
    }
}
