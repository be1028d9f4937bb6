// What comes from beyond the last step of each sequence, added in where the sequence ends.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

internal static class FinalStates<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>(2): adds e_b to the column of step T_b of the sequences that end within some steps.</summary>
    /// <param name="gradients">e, h×B; empty for nothing.</param>
    /// <param name="layout">The layout of all steps.</param>
    /// <param name="firstStep">The first of the steps.</param>
    /// <param name="lastStep">The last one.</param>
    /// <param name="columns">Holds a column for each of the steps.</param>
    public static void Add(
        ReadOnlyMemory<TReal> gradients, BatchLayout layout, int firstStep, int lastStep, PackedColumns<TReal> columns)
    {
        if (gradients.IsEmpty)
        {
            return;
        }
        int h = columns.Rows;
        ReadOnlySpan<BatchLayout.Segment> segments = layout.Segments;
        for (int i = layout.SegmentOf(firstStep); i < segments.Length; i++)
        {
            int step = segments[i].FirstStep + segments[i].StepCount - 1;
            if (step > lastStep)
            {
                return;
            }
            int goOn = i + 1 < segments.Length ? segments[i + 1].Active : 0;
            MatrixSpan<TReal> last = columns.Block(step);
            for (int slot = goOn; slot < segments[i].Active; slot++)
            {
                VectorMath.AddScaled(
                    TReal.One, gradients.Span.Slice(layout.SequenceAt(slot) * h, h), last.Column(slot));
            }
        }
    }
}
