// How the steps of a batch become chunks of S steps, and what is left at the ends. Copies columns, computes nothing.
//
//   S  steps of a chunk      n_b = ⌊T_b/S⌋  chunks of sequence b      the tail of b: its steps n_b·S + 1 … T_b

using System.Numerics;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>The chunks of all sequences that have one, and the tails of those that have one. Of one sequence the
/// columns of a chunk lie one behind the other and are a column of the lifted pass as they are; of several they are
/// copied.</summary>
internal sealed class ChunkedBatch
{
    private readonly int[] _placesInChunks; // by sequence; −1 for none
    private readonly int[] _placesInTails;

    /// <param name="steps">The layout of steps 1 … T.</param>
    /// <param name="chunkLength">S; at least one sequence is as long.</param>
    public ChunkedBatch(BatchLayout steps, int chunkLength)
    {
        Steps = steps;
        ChunkLength = chunkLength;
        int[] all = [.. Enumerable.Range(0, steps.SequenceCount)];
        Chunked = Array.FindAll(all, b => ChunksOf(b) > 0);
        Tailed = Array.FindAll(all, b => steps.Lengths[b] % chunkLength > 0);
        _placesInChunks = Places(Chunked);
        _placesInTails = Places(Tailed);
        Chunks = new BatchLayout(Array.ConvertAll(Chunked, ChunksOf));
        Tails = Tailed.Length == 0
            ? null
            : new BatchLayout(Array.ConvertAll(Tailed, b => steps.Lengths[b] % chunkLength));
    }

    /// <summary>Steps 1 … T of every sequence.</summary>
    public BatchLayout Steps { get; }

    /// <summary>S.</summary>
    public int ChunkLength { get; }

    /// <summary>The sequences with a chunk, in the order of <see cref="Chunks"/>.</summary>
    public int[] Chunked { get; }

    /// <summary>The sequences with a tail, in the order of <see cref="Tails"/>.</summary>
    public int[] Tailed { get; }

    /// <summary>A step for each chunk.</summary>
    public BatchLayout Chunks { get; }

    /// <summary>The steps of the tails, each from 1; null where there are none.</summary>
    public BatchLayout? Tails { get; }

    /// <summary>The place of a sequence in <see cref="Chunked"/>; −1 where it has no chunk.</summary>
    public int InChunks(int sequence) => _placesInChunks[sequence];

    /// <summary>The place of a sequence in <see cref="Tailed"/>; −1 where it has no tail.</summary>
    public int InTails(int sequence) => _placesInTails[sequence];

    /// <summary>n_b.</summary>
    public int ChunksOf(int sequence) => Steps.Lengths[sequence] / ChunkLength;

    /// <summary>Memory for the columns of the chunks: that of the steps itself where they lie there.</summary>
    public PackedColumns<TReal> ChunkColumns<TReal>(PackedColumns<TReal> columns, PassContext<TReal> context)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal> => Steps.SequenceCount == 1
        ? columns.Regrouped(columns.Rows * ChunkLength, Chunks)
        : context.Columns(columns.Rows * ChunkLength, Chunks);

    /// <summary>The columns of the chunks, in memory of their own where they do not lie there.</summary>
    public PackedColumns<TReal> ToChunks<TReal>(PackedColumns<TReal> columns, PassContext<TReal> context)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        PackedColumns<TReal> chunks = ChunkColumns(columns, context);
        EachStepOfChunks(columns, chunks, context, (step, place) => step.CopyTo(place));
        return chunks;
    }

    /// <summary>Copies chunks to the places of their steps, unless they lie there.</summary>
    public void FromChunks<TReal>(
        PackedColumns<TReal> chunks, PackedColumns<TReal> columns, PassContext<TReal> context)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal> =>
        EachStepOfChunks(columns, chunks, context, (step, place) => place.CopyTo(step));

    /// <summary>The columns of the tails, copied.</summary>
    public PackedColumns<TReal> ToTails<TReal>(PackedColumns<TReal> columns, PassContext<TReal> context)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        PackedColumns<TReal> tails = context.Columns(columns.Rows, Tails!);
        EachStepOfTails(columns, tails, (step, place) => step.CopyTo(place));
        return tails;
    }

    /// <summary>Copies the columns of the tails to the places of their steps.</summary>
    public void FromTails<TReal>(PackedColumns<TReal> tails, PackedColumns<TReal> columns)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal> =>
        EachStepOfTails(columns, tails, (step, place) => place.CopyTo(step));

    /// <summary>The columns of some sequences of a matrix with one column for each.</summary>
    /// <param name="columns">In the order of the sequences; empty for nothing.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="sequences">Which.</param>
    /// <returns>Empty for nothing.</returns>
    public static TReal[] Select<TReal>(ReadOnlySpan<TReal> columns, int rows, int[] sequences)
    {
        var selected = new TReal[columns.IsEmpty ? 0 : rows * sequences.Length];
        for (int i = 0; i < sequences.Length && !columns.IsEmpty; i++)
        {
            columns.Slice(sequences[i] * rows, rows).CopyTo(selected.AsSpan(i * rows));
        }
        return selected;
    }

    private void EachStepOfChunks<TReal>(
        PackedColumns<TReal> columns, PackedColumns<TReal> chunks, PassContext<TReal> context, StepCopy<TReal> copy)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        if (Steps.SequenceCount > 1)
        {
            context.Each(Chunked.Length, OfSequence, columns.All.Values.Length);
        }

        void OfSequence(int i)
        {
            for (int step = 1; step <= chunks.Layout.Lengths[i] * ChunkLength; step++)
            {
                (int chunk, int place) = Math.DivRem(step - 1, ChunkLength);
                copy(
                    columns.Column(Chunked[i], step),
                    chunks.Column(i, chunk + 1).Slice(place * columns.Rows, columns.Rows));
            }
        }
    }

    private void EachStepOfTails<TReal>(
        PackedColumns<TReal> columns, PackedColumns<TReal> tails, StepCopy<TReal> copy)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        for (int i = 0; i < Tailed.Length; i++)
        {
            for (int step = 1; step <= Tails!.Lengths[i]; step++)
            {
                copy(columns.Column(Tailed[i], ChunksOf(Tailed[i]) * ChunkLength + step), tails.Column(i, step));
            }
        }
    }

    private int[] Places(int[] sequences)
    {
        int[] places = new int[Steps.SequenceCount];
        Array.Fill(places, -1);
        for (int i = 0; i < sequences.Length; i++)
        {
            places[sequences[i]] = i;
        }
        return places;
    }

    /// <summary>Copies a column of a step to or from its place in a chunk or a tail.</summary>
    private delegate void StepCopy<TReal>(Span<TReal> step, Span<TReal> place);
}
