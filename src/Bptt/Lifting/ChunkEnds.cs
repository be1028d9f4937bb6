// The states of a lifted pass that are known without computing any: at the ends of the chunks, and in the tails.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Lifting;

/// <summary>States forward in time.</summary>
/// <param name="batch">Chunks and tails.</param>
/// <param name="states">h_0 and the states at the ends of the chunks, h×(n + 1).</param>
/// <param name="tails">Those of the tails, all kept; null where there are none.</param>
internal sealed class ChunkEnds<TReal>(ChunkedBatch batch, PackedColumns<TReal> states, Trajectory<TReal>? tails)
    : IKnownStates<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <inheritdoc/>
    public void WriteLeading(int step, MatrixSpan<TReal> columns)
    {
        for (int slot = 0; slot < columns.Columns; slot++)
        {
            TryRead(batch.Steps.SequenceAt(slot), step, columns.Column(slot));
        }
    }

    /// <inheritdoc/>
    public bool TryRead(int sequence, int step, Span<TReal> column)
    {
        int last = batch.ChunksOf(sequence) * batch.ChunkLength; // of its chunks
        if (step <= last && step % batch.ChunkLength == 0 && last > 0)
        {
            states.Column(batch.InChunks(sequence), step / batch.ChunkLength).CopyTo(column);
            return true;
        }
        if (step < last)
        {
            return false;
        }
        tails!.Column(batch.InTails(sequence), step - last).CopyTo(column);
        return true;
    }
}
