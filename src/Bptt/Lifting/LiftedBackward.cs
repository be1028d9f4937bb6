// A backward pass that takes S steps at once: the gradients of the three weight matrices, and of the states at the ends
// of the chunks. Checks nothing.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>D_c of every chunk, from which any ∂L/∂h_t is computed when it is asked for.</summary>
internal sealed class LiftedBackward<TReal> : IKnownStates<TReal>, IInputGradients<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly LiftedForward<TReal> _forward;
    private readonly PackedColumns<TReal> _outputGradients;
    private readonly ReadOnlyMemory<TReal> _finalStateGradients;
    private readonly PassContext<TReal> _reading;
    private readonly Trajectory<TReal> _chunks;

    private LiftedBackward(
        LiftedForward<TReal> forward,
        PackedColumns<TReal> outputGradients,
        ReadOnlyMemory<TReal> finalStateGradients,
        ParameterArray? gradients,
        PassContext<TReal> context,
        PassContext doubles)
    {
        _forward = forward;
        _outputGradients = outputGradients;
        _finalStateGradients = finalStateGradients;
        _reading = context.ForReading();
        BatchLayout layout = Batch.Chunks;
        _chunks = new Trajectory<TReal>(H, layout, WindowPlan.Single(layout), TimeDirection.Backward, context.Storage);
        OutputGradients = Batch.ToChunks(outputGradients, context);
        ParameterArray? tails = gradients is null ? null : ParameterArray.ShapedLike(Model, doubles.Storage);
        if (forward.Tail is ForwardRecord<TReal> tail)
        {
            TReal[] final = ChunkedBatch.Select(finalStateGradients.Span, H, Batch.Tailed);
            Tail = BackwardRecord<TReal>.Run(
                tail, Batch.ToTails(outputGradients, context), null, final, BackwardPaths.All, tails, context);
        }
        RunChunks(gradients, context, doubles);
        StateGradients = _chunks.Read(0, columns => columns);
        if (Tail is not null && gradients is not null)
        {
            VectorMath.AddScaled(1.0, tails!.Values, gradients.Values);
        }
    }

    /// <summary>G, qS×n.</summary>
    public PackedColumns<TReal> OutputGradients { get; }

    /// <summary>D_0 … D_n, h×(n + 1).</summary>
    public PackedColumns<TReal> StateGradients { get; }

    /// <summary>The pass over the tails; null where there are none.</summary>
    public BackwardRecord<TReal>? Tail { get; }

    private TReal[]? BeforeTails => Tail?.StateGradients.StepOfEach(_ => 0);

    private ChunkedBatch Batch => _forward.Batch;

    private ParameterArray<TReal> Model => _forward.Model.Model;

    private int H => Model.HiddenSize;

    /// <summary>Runs the pass.</summary>
    /// <param name="forward">The chunks of the forward pass; null where it was run in another way.</param>
    /// <param name="outputGradients">G, q×N, complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="gradients">Receives the weight gradients; null where they are not wanted.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <param name="doubles">The same for what is summed in double: itself, or one beside it.</param>
    /// <returns>Null where there are no chunks, or a gradient is not finite: then only steps tell where that
    /// begins.</returns>
    public static LiftedBackward<TReal>? Run(
        LiftedForward<TReal>? forward,
        PackedColumns<TReal> outputGradients,
        ReadOnlyMemory<TReal> finalStateGradients,
        ParameterArray? gradients,
        PassContext<TReal> context,
        PassContext doubles)
    {
        if (forward is null)
        {
            return null;
        }
        var pass = new LiftedBackward<TReal>(
            forward, outputGradients, finalStateGradients, gradients, context, doubles);
        bool isFinite = (gradients is null || VectorMath.FirstNonFinite(gradients.Values) < 0)
            && VectorMath.FirstNonFinite(pass.StateGradients.All.Values) < 0;
        if (!isFinite)
        {
            context.FallBacks.Add("several steps at once, backward in time: step by step");
        }
        return isFinite ? pass : null;
    }

    /// <summary>∂L/∂h_0 of every sequence, side by side.</summary>
    public TReal[] InitialStates() => ChunkBorders.AtStart(Batch, StateGradients, BeforeTails);

    /// <inheritdoc/>
    public void WriteInputGradients(int sequence, Span<TReal> gradients)
    {
        int d = Model.InputSize;
        int chunks = Batch.ChunksOf(sequence);
        int place = Batch.InChunks(sequence);
        int written = chunks * Batch.ChunkLength * d;
        if (chunks > 0)
        {
            LiftedInputGradients.Write(
                _forward.Model,
                StateGradients.SequencePart(place, 1, chunks),
                OutputGradients.SequencePart(place, 1, chunks),
                gradients[..written],
                _reading.Alone());
        }
        if (written < gradients.Length)
        {
            // ∂L/∂x_t = W_hxᵀ ∂L/∂h_t
            int steps = gradients.Length / d - chunks * Batch.ChunkLength;
            TReal[] columns = Tail!.StateGradients.Read(
                0, held => held.SequencePart(Batch.InTails(sequence), 1, steps));
            _reading.Kernels.Multiply(
                Model.Whx.T,
                new MatrixView<TReal>(columns, H, steps, H),
                new MatrixSpan<TReal>(gradients[written..], d, steps, d));
        }
    }

    /// <inheritdoc/>
    public void WriteInputGradients(PackedColumns<TReal> gradients)
    {
        for (int b = 0; b < Batch.Steps.SequenceCount; b++)
        {
            var ofSequence = new TReal[Batch.Steps.Lengths[b] * gradients.Rows];
            WriteInputGradients(b, ofSequence);
            gradients.CopySequenceFrom(b, ofSequence);
        }
    }

    /// <summary>The gradients of the lifted weights, computed again.</summary>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <param name="doubles">The same for the sums.</param>
    public DoublingTerms Sums(PassContext<TReal> context, PassContext doubles)
    {
        var sums = new LiftedSums<TReal>(_forward.Weights, context, doubles);
        var run = new PassRun<TReal>(
            _forward.Model.Sizes, Batch.Chunks, _chunks, Chunking<TReal>.None(), productsOfWeights: 1);
        run.All(context, (window, _, states) => new PassFormulas<TReal>(
            Recurrence: null, GradientFormulas(window, states, sums), Totals: sums.Sums.Totals));
        sums.SumDiagonals();
        return sums.Terms;
    }

    /// <summary>∂L/∂h_{s+1} of every sequence that runs so far, for the end s of a chunk: step by step over the next
    /// chunk, from its end.</summary>
    public void WriteLeading(int step, MatrixSpan<TReal> columns)
    {
        int before = step - 1;
        int[] running = [.. Enumerable.Range(0, columns.Columns).Select(Batch.Steps.SequenceAt)];
        int[] lengths = Array.ConvertAll(running, b => Math.Min(Batch.Steps.Lengths[b] - before, Batch.ChunkLength));
        var layout = new BatchLayout(lengths);
        PackedColumns<TReal> outputGradients = PassContext<TReal>.FreshColumns(Model.OutputSize, layout);
        var final = new TReal[H * running.Length];
        for (int i = 0; i < running.Length; i++)
        {
            for (int t = 1; t <= lengths[i]; t++)
            {
                _outputGradients.Column(running[i], before + t).CopyTo(outputGradients.Column(i, t));
            }
            FromBeyond(running[i], before + lengths[i], final.AsSpan(i * H, H));
        }
        PassContext<TReal> context = _reading.Alone();
        var gradients = new Trajectory<TReal>(
            H, layout, WindowPlan.Single(layout), TimeDirection.Backward, context.Storage);
        var run = new PassRun<TReal>(
            PassSizes.Of(Model), layout, gradients, Chunking<TReal>.None(), productsOfWeights: 1);
        run.Window(0, gradients.Begin(0), context, (window, _, states) => new PassFormulas<TReal>(
            new BackwardFormulas<TReal>(window, Model, BackwardPaths.All, outputGradients, final, states)));
        for (int i = 0; i < running.Length; i++)
        {
            gradients.Column(i, 1).CopyTo(columns.Column(i));
        }
    }

    /// <inheritdoc/>
    public bool TryRead(int sequence, int step, Span<TReal> column)
    {
        int chunks = Batch.ChunksOf(sequence);
        int inTail = step - chunks * Batch.ChunkLength;
        if (step == 0 && chunks > 0)
        {
            StateGradients.Column(Batch.InChunks(sequence), 0).CopyTo(column);
            return true;
        }
        if (inTail > 0 || chunks == 0)
        {
            Tail!.StateGradients.Column(Batch.InTails(sequence), inTail).CopyTo(column);
            return true;
        }
        return false;
    }

    /// <summary>What comes to the state of a step, the end of a chunk or of the sequence, from beyond it.</summary>
    private void FromBeyond(int sequence, int step, Span<TReal> gradient)
    {
        if (step % Batch.ChunkLength == 0)
        {
            StateGradients.Column(Batch.InChunks(sequence), step / Batch.ChunkLength).CopyTo(gradient);
        }
        else if (!_finalStateGradients.IsEmpty)
        {
            _finalStateGradients.Span.Slice(sequence * H, H).CopyTo(gradient);
        }
    }

    private void RunChunks(ParameterArray? gradients, PassContext<TReal> context, PassContext doubles)
    {
        TReal[] final = ChunkBorders.AfterChunks(Batch, H, BeforeTails, _finalStateGradients.Span);
        int mark = context.Mark();
        int markOfDoubles = doubles.Mark();
        var run = new PassRun<TReal>(
            _forward.Model.Sizes, Batch.Chunks, _chunks, _forward.Chunking.ForAnother(), productsOfWeights: 2);
        if (gradients is null)
        {
            run.All(context, (window, _, states) => new PassFormulas<TReal>(
                new LiftedBackwardFormulas<TReal>(window, _forward.Model, OutputGradients, final, states)));
            return;
        }
        var sums = new LiftedSums<TReal>(_forward.Weights, context, doubles);
        run.All(context, (window, _, states) => new PassFormulas<TReal>(
            new LiftedBackwardFormulas<TReal>(window, _forward.Model, OutputGradients, final, states),
            GradientFormulas(window, states, sums),
            Totals: sums.Sums.Totals));
        sums.SumDiagonals();
        _forward.Weights.Back(sums.Terms, doubles);
        sums.Terms.Model.Values.CopyTo(gradients.Values);
        doubles.Release(markOfDoubles);
        context.Release(mark);
    }

    private LiftedGradientFormulas<TReal> GradientFormulas(
        PassWindow<TReal> window, PackedColumns<TReal> states, LiftedSums<TReal> sums) =>
        new(window, Model, new LiftedOperands<TReal>(_forward.Inputs, _forward.States, OutputGradients, states), sums);
}
