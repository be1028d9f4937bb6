// The derivative of a lifted forward pass in a direction: the outputs, and the states at the ends of the chunks. Checks
// nothing.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>ḣ_{cS} of every chunk and ȯ_1 … ȯ_T, of the direction run last.</summary>
internal sealed class LiftedTangent : ITangentRun
{
    private readonly PassContext _context;
    private readonly Trajectory _chunks;
    private readonly PassRun _run;

    /// <param name="forward">The chunks of the forward pass.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public LiftedTangent(LiftedForward forward, PassContext context)
    {
        Forward = forward;
        _context = context;
        BatchLayout layout = forward.Batch.Chunks;
        LiftedWeights weights = forward.Weights;
        _chunks = new Trajectory(
            weights.Model.HiddenSize, layout, WindowPlan.Single(layout), TimeDirection.Forward, context.Storage);
        _run = new PassRun(weights.Values.Sizes, layout, _chunks, forward.Chunking.ForAnother(), productsOfWeights: 2);
        States = _chunks.Begin(0);
        Tail = forward.Tail is ForwardRecord tail ? new TangentRecord(tail, context) : null;
    }

    /// <summary>The chunks of the forward pass.</summary>
    public LiftedForward Forward { get; }

    /// <summary>ḣ_0 and those at the ends of the chunks, h×(n + 1).</summary>
    public PackedColumns States { get; }

    /// <summary>Those of the tails; null where there are none.</summary>
    public TangentRecord? Tail { get; }

    /// <summary>The direction, as the chunks see it; null before one was run.</summary>
    public LiftedDirection? Direction { get; private set; }

    /// <summary>The direction, as the tails see it.</summary>
    public FlatDirection? TailDirection { get; private set; }

    private ChunkedBatch Batch => Forward.Batch;

    /// <inheritdoc/>
    public IKnownStates? Run(FlatDirection direction, PackedColumns outputs)
    {
        Direction = new LiftedDirection(
            Forward.Weights.Derivative(direction, _context),
            direction.Inputs is PackedColumns inputs ? Batch.ToChunks(inputs, _context) : null);
        _chunks.WriteStepZero(ChunkedBatch.Select(direction.InitialStates, States.Rows, Batch.Chunked));
        PackedColumns chunkOutputs = Batch.ChunkColumns(outputs, _context);
        _run.Window(0, States, _context, (window, _, derivatives) => new PassFormulas(new LiftedTangentFormulas(
            window, Forward.Weights, Direction, Forward.Inputs, Forward.States, derivatives, chunkOutputs)));
        Batch.FromChunks(chunkOutputs, outputs, _context);
        RunTails(direction, outputs);
        bool isFinite = VectorMath.FirstNonFinite(States.All.Values) < 0
            && VectorMath.FirstNonFinite(outputs.All.Values) < 0;
        return isFinite ? new ChunkEnds(Batch, States, Tail?.States) : null;
    }

    private void RunTails(FlatDirection direction, PackedColumns outputs)
    {
        if (Tail is null)
        {
            return;
        }
        TailDirection = direction.With(
            direction.Inputs is PackedColumns inputs ? Batch.ToTails(inputs, _context) : null,
            ChunkBorders.BeforeTails(Batch, States, direction.InitialStates));
        Tail.Run(TailDirection);
        Batch.FromTails(Tail.Outputs, outputs);
    }
}
