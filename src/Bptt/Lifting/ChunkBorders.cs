// What goes over the borders between chunks and tails, and at the start of the sequences. Copies columns, computes
// nothing.

using System.Numerics;
using Bptt.LinearRecurrence;

namespace Bptt.Lifting;

/// <summary>States forward in time, gradients backward, one column for each sequence.</summary>
internal static class ChunkBorders
{
    /// <summary>The states before the tails, h×(sequences with a tail).</summary>
    /// <param name="batch">Chunks and tails.</param>
    /// <param name="states">The states at the ends of the chunks, h×(n + 1).</param>
    /// <param name="initialStates">h_0 of every sequence, h×B; empty for zero.</param>
    public static TReal[] BeforeTails<TReal>(
        ChunkedBatch batch, PackedColumns<TReal> states, ReadOnlySpan<TReal> initialStates)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        int h = states.Rows;
        var before = new TReal[h * batch.Tailed.Length];
        for (int i = 0; i < batch.Tailed.Length; i++)
        {
            int sequence = batch.Tailed[i];
            Span<TReal> state = before.AsSpan(i * h, h);
            if (batch.ChunksOf(sequence) > 0)
            {
                states.Column(batch.InChunks(sequence), batch.ChunksOf(sequence)).CopyTo(state);
            }
            else if (!initialStates.IsEmpty)
            {
                initialStates.Slice(sequence * h, h).CopyTo(state);
            }
        }
        return before;
    }

    /// <summary>The state gradients after the chunks, h×(sequences with chunks): what comes from the tail, or from
    /// beyond the last step.</summary>
    /// <param name="batch">Chunks and tails.</param>
    /// <param name="rows">h.</param>
    /// <param name="tails">The gradients of the states before the tails, h×(sequences with a tail); null where there
    /// are none.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    public static TReal[] AfterChunks<TReal>(
        ChunkedBatch batch, int rows, TReal[]? tails, ReadOnlySpan<TReal> finalStateGradients)
    {
        var after = new TReal[rows * batch.Chunked.Length];
        for (int i = 0; i < batch.Chunked.Length; i++)
        {
            int sequence = batch.Chunked[i];
            Span<TReal> gradient = after.AsSpan(i * rows, rows);
            int tail = batch.InTails(sequence);
            if (tail >= 0)
            {
                tails.AsSpan(tail * rows, rows).CopyTo(gradient);
            }
            else if (!finalStateGradients.IsEmpty)
            {
                finalStateGradients.Slice(sequence * rows, rows).CopyTo(gradient);
            }
        }
        return after;
    }

    /// <summary>The gradients of h_0, h×B.</summary>
    /// <param name="batch">Chunks and tails.</param>
    /// <param name="gradients">D_0 … D_n, h×(n + 1).</param>
    /// <param name="tails">The gradients of the states before the tails, h×(sequences with a tail); null where there
    /// are none.</param>
    public static TReal[] AtStart<TReal>(ChunkedBatch batch, PackedColumns<TReal> gradients, TReal[]? tails)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        int h = gradients.Rows;
        var start = new TReal[h * batch.Steps.SequenceCount];
        for (int b = 0; b < batch.Steps.SequenceCount; b++)
        {
            ReadOnlySpan<TReal> gradient = batch.ChunksOf(b) > 0
                ? gradients.Column(batch.InChunks(b), 0)
                : tails.AsSpan(batch.InTails(b) * h, h);
            gradient.CopyTo(start.AsSpan(b * h, h));
        }
        return start;
    }
}
