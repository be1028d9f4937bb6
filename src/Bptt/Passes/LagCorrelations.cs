// Sums of products of output gradients with states a fixed number of steps earlier: what both the truncation to k lags
// and the split of a gradient by lags come down to.
//
//   h  hidden units      q  outputs      T_b  steps of sequence b

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>C_n = Σ_b Σ_{t=0..T_b−n} ∂L/∂o_{t+n} h_tᵀ, q×h, for several n at once.</summary>
internal static class LagCorrelations<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>The sums for n = first, first + 1, …. Cost 2qh·ΣT_b operations for each; within a memory budget the
    /// windows of the states are read once for all of them.</summary>
    /// <param name="forward">The pass whose h_t are taken.</param>
    /// <param name="outputGradients">G, q×N.</param>
    /// <param name="first">The first n, at least 1.</param>
    /// <param name="count">How many.</param>
    /// <returns>By n: q×h, column-major.</returns>
    public static TReal[][] Of(ForwardRecord<TReal> forward, PackedColumns<TReal> outputGradients, int first, int count)
    {
        int h = forward.Weights.HiddenSize;
        int q = outputGradients.Rows;
        TReal[][] sums = [.. Enumerable.Range(0, count).Select(_ => new TReal[q * h])];
        var threads = new ParallelOptions { MaxDegreeOfParallelism = forward.Context.MaxDegreeOfParallelism };
        Trajectory<TReal> states = forward.States;
        foreach (int window in states.WindowsFromHeld())
        {
            int begin = window == 0 ? 0 : states.Windows.FirstStep(window);
            int end = states.Windows.LastStep(window);
            states.Read(window, held =>
            {
                // Each sum is one thread's, and its terms are added in one order.
                Parallel.For(0, count, threads, i => Add(
                    forward.Context.Kernels, held, begin, end, outputGradients, first + i, sums[i]));
            });
        }
        return sums;
    }

    private static void Add(
        KernelSet<TReal> kernels,
        PackedColumns<TReal> states,
        int begin,
        int end,
        PackedColumns<TReal> outputGradients,
        int shift,
        TReal[] sum)
    {
        BatchLayout steps = outputGradients.Layout;
        int q = outputGradients.Rows;
        int h = states.Rows;
        for (int t = begin; t <= end;)
        {
            int active = steps.ActiveAt((int)Math.Min((long)t + shift, int.MaxValue));
            if (active == 0)
            {
                return; // every sequence has ended by then
            }
            int last = t;
            if (states.Layout.ActiveAt(t) == active)
            {
                // As long as nothing ends, the columns of successive steps stand side by side.
                while (last < end
                    && steps.ActiveAt(last + 1 + shift) == active
                    && states.Layout.ActiveAt(last + 1) == active)
                {
                    last++;
                }
            }
            int columns = (last - t + 1) * active;
            kernels.MultiplyAdd(
                outputGradients.Spaced(steps.BlockOf(t + shift).FirstColumn, columns, 1),
                states.Spaced(states.Layout.BlockOf(t).FirstColumn, columns, 1).T,
                new MatrixSpan<TReal>(sum, q, h, q));
            t = last + 1;
        }
    }
}
