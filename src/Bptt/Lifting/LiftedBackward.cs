// A backward pass that takes S steps at once: the gradients of the three weight matrices, and of the states at the ends
// of the chunks. Checks nothing.

using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>D_c of every chunk, from which any ∂L/∂h_t is computed when it is asked for.</summary>
internal sealed class LiftedBackward : IKnownStates
{
    private readonly LiftedForward _forward;
    private readonly BatchLayout _steps;
    private readonly PackedColumns _outputGradients;
    private readonly ReadOnlyMemory<double> _finalStateGradients;
    private readonly PassContext _reading;
    private readonly BackwardRecord? _tail;
    private readonly Trajectory _chunks;
    private readonly PackedColumns _chunkGradients;

    private LiftedBackward(
        LiftedForward forward,
        PackedColumns outputGradients,
        ReadOnlyMemory<double> finalStateGradients,
        ParameterArray gradients,
        PassContext context)
    {
        _forward = forward;
        _steps = outputGradients.Layout;
        _outputGradients = outputGradients;
        _finalStateGradients = finalStateGradients;
        _reading = context.ForReading();
        BatchLayout layout = Batch.Chunks;
        _chunks = new Trajectory(H, layout, WindowPlan.Single(layout), TimeDirection.Backward, context.Storage);
        var tails = ParameterArray.ShapedLike(Model, context.Storage);
        if (forward.Tail is ForwardRecord tail)
        {
            double[] final = ChunkedBatch.Select(finalStateGradients.Span, H, Batch.Tailed);
            _tail = BackwardRecord.Run(
                tail, Batch.ToTails(outputGradients, context), null, final, BackwardPaths.All, tails, context);
        }
        RunChunks(gradients, context);
        _chunkGradients = _chunks.Read(0, columns => columns);
        if (_tail is not null)
        {
            VectorMath.AddScaled(1.0, tails.Values, gradients.Values);
        }
    }

    private ChunkedBatch Batch => _forward.Batch;

    private ParameterArray Model => _forward.Weights.Model;

    private int H => Model.HiddenSize;

    /// <summary>Runs the pass.</summary>
    /// <param name="record">The forward pass.</param>
    /// <param name="forward">Its chunks; null where it was run in another way.</param>
    /// <param name="outputGradients">G, q×N, complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="gradients">Receives the weight gradients.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <returns>Null where there are no chunks, or a gradient is not finite: then only steps tell where that
    /// begins.</returns>
    public static BackwardRecord? Run(
        ForwardRecord record,
        LiftedForward? forward,
        PackedColumns outputGradients,
        ReadOnlyMemory<double> finalStateGradients,
        ParameterArray gradients,
        PassContext context)
    {
        if (forward is null)
        {
            return null;
        }
        var pass = new LiftedBackward(forward, outputGradients, finalStateGradients, gradients, context);
        bool isFinite = VectorMath.FirstNonFinite(gradients.Values) < 0
            && VectorMath.FirstNonFinite(pass._chunkGradients.All.Values) < 0;
        return isFinite
            ? BackwardRecord.Of(record, outputGradients, finalStateGradients, pass, context)
            : null;
    }

    /// <summary>∂L/∂h_{s+1} of every sequence that runs so far, for the end s of a chunk: step by step over the next
    /// chunk, from its end.</summary>
    public void WriteLeading(int step, MatrixSpan columns)
    {
        int before = step - 1;
        int[] running = [.. Enumerable.Range(0, columns.Columns).Select(_steps.SequenceAt)];
        int[] lengths = Array.ConvertAll(running, b => Math.Min(_steps.Lengths[b] - before, Batch.ChunkLength));
        var layout = new BatchLayout(lengths);
        PackedColumns outputGradients = PassContext.FreshColumns(Model.OutputSize, layout);
        double[] final = new double[H * running.Length];
        for (int i = 0; i < running.Length; i++)
        {
            for (int t = 1; t <= lengths[i]; t++)
            {
                _outputGradients.Column(running[i], before + t).CopyTo(outputGradients.Column(i, t));
            }
            FromBeyond(running[i], before + lengths[i], final.AsSpan(i * H, H));
        }
        PassContext context = _reading.Alone();
        var gradients = new Trajectory(
            H, layout, WindowPlan.Single(layout), TimeDirection.Backward, context.Storage);
        var run = new PassRun(PassSizes.Of(Model), layout, gradients, Chunking.None(), productsOfWeights: 1);
        run.Window(0, gradients.Begin(0), context, (window, _, states) => new PassFormulas(
            new BackwardFormulas(window, Model, BackwardPaths.All, outputGradients, final, states)));
        for (int i = 0; i < running.Length; i++)
        {
            gradients.Column(i, 1).CopyTo(columns.Column(i));
        }
    }

    /// <inheritdoc/>
    public bool TryRead(int sequence, int step, Span<double> column)
    {
        int chunks = Batch.ChunksOf(sequence);
        int inTail = step - chunks * Batch.ChunkLength;
        if (step == 0 && chunks > 0)
        {
            _chunkGradients.Column(Batch.InChunks(sequence), 0).CopyTo(column);
            return true;
        }
        if (inTail > 0 || chunks == 0)
        {
            _tail!.StateGradients.Column(Batch.InTails(sequence), inTail).CopyTo(column);
            return true;
        }
        return false;
    }

    /// <summary>What comes to the state of a step, the end of a chunk or of the sequence, from beyond it.</summary>
    private void FromBeyond(int sequence, int step, Span<double> gradient)
    {
        if (step % Batch.ChunkLength == 0)
        {
            _chunkGradients.Column(Batch.InChunks(sequence), step / Batch.ChunkLength).CopyTo(gradient);
        }
        else if (!_finalStateGradients.IsEmpty)
        {
            _finalStateGradients.Span.Slice(sequence * H, H).CopyTo(gradient);
        }
    }

    private void RunChunks(ParameterArray gradients, PassContext context)
    {
        LiftedWeights weights = _forward.Weights;
        PassSizes sizes = weights.Sizes;
        PackedColumns outputGradients = Batch.ChunkColumns(_outputGradients, context);
        Batch.ToChunks(_outputGradients, outputGradients);
        double[] final = FinalGradientsOfChunks();
        int mark = context.Mark();
        var lifted = ParameterArray.ShapedLike(weights.Lifted, context.Storage);
        ArraySegment<double> direct = context.Storage((long)sizes.Inputs * sizes.Outputs);
        var run = new PassRun(sizes, Batch.Chunks, _chunks, _forward.Chunking.ForAnother(), productsOfWeights: 2);
        run.All(context, (window, _, states) => new PassFormulas(
            new LiftedBackwardFormulas(window, weights, outputGradients, final, states),
            new LiftedGradientFormulas(
                window, Model, _forward.Inputs, _forward.States, outputGradients, states, lifted, direct)));

        ArraySegment<double> sums = context.Storage((long)Model.OutputSize * sizes.Inputs);
        var response = new MatrixSpan(sums, Model.OutputSize, sizes.Inputs, Model.OutputSize);
        LiftedGradientFormulas.SumDiagonals(direct, Model, Batch.ChunkLength, response);
        weights.Back(lifted, response, gradients, context);
        context.Release(mark);
    }

    /// <summary>D_n of every sequence with chunks: what comes from its tail, or from beyond its last step.</summary>
    private double[] FinalGradientsOfChunks()
    {
        double[] final = new double[H * Batch.Chunked.Length];
        for (int i = 0; i < Batch.Chunked.Length; i++)
        {
            int sequence = Batch.Chunked[i];
            Span<double> gradient = final.AsSpan(i * H, H);
            int tail = Batch.InTails(sequence);
            if (tail >= 0)
            {
                _tail!.StateGradients.Column(tail, 0).CopyTo(gradient);
            }
            else if (!_finalStateGradients.IsEmpty)
            {
                _finalStateGradients.Span.Slice(sequence * H, H).CopyTo(gradient);
            }
        }
        return final;
    }
}
