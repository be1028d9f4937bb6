// s ← A s + u, step by step: the one recurrence of the engine, run forward in time with A = W_hh and backward in
// time with A = W_hhᵀ. Knows no RNN.

using Bptt.Kernels;

namespace Bptt.LinearRecurrence;

/// <summary>Which way a recurrence runs through the steps.</summary>
internal enum TimeDirection
{
    /// <summary>From the first step to the last: s_t ← A s_{t−1} + u_t.</summary>
    Forward,

    /// <summary>From the last step to the first: s_t ← A s_{t+1} + u_t.</summary>
    Backward,
}

/// <summary>
/// A first-order linear recurrence with a constant dense matrix, also called a linear scan. Run one step after the
/// other it costs 2h²·ΣT_b operations, which no other order of evaluation beats, and every step waits for the one
/// before.
/// </summary>
internal static class SequentialRecurrence
{
    /// <summary>
    /// On entry <paramref name="states"/> holds u_t, on return s_t. A step to which no other step leads (the first in
    /// the given direction, of each sequence) stays as it is. Of the others, entries below
    /// <see cref="KernelSet.FlushThreshold"/> in magnitude become zero.
    /// </summary>
    /// <param name="a">A, h×h.</param>
    /// <param name="states">h rows.</param>
    /// <param name="direction">The order of the steps.</param>
    /// <param name="kernels">The arithmetic.</param>
    public static void Run(MatrixView a, PackedColumns states, TimeDirection direction, KernelSet kernels)
    {
        MatrixSpan s = states.All;
        ReadOnlySpan<BatchLayout.Segment> segments = states.Layout.Segments;
        int previousColumn = 0;
        int previousActive = 0;
        for (int i = 0; i < segments.Length; i++)
        {
            BatchLayout.Segment segment = segments[direction == TimeDirection.Forward ? i : segments.Length - 1 - i];
            for (int j = 0; j < segment.StepCount; j++)
            {
                int block = direction == TimeDirection.Forward ? j : segment.StepCount - 1 - j;
                int column = segment.FirstColumn + block * segment.Active;
                // Forward, sequences have ended since the previous step; backward, sequences join in.
                int carried = Math.Min(segment.Active, previousActive);
                if (carried > 0)
                {
                    MatrixSpan target = s.ColumnRange(column, carried);
                    kernels.MultiplyAdd(a, s.ColumnRange(previousColumn, carried), target);
                    KernelSet.FlushTiny(target.Values);
                }
                previousColumn = column;
                previousActive = segment.Active;
            }
        }
    }
}
