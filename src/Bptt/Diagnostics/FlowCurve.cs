// The norm of gradients against the number of steps that they have travelled back in time. Knows no loss.

using Bptt.LinearAlgebra;

namespace Bptt.Diagnostics;

internal static class FlowCurve
{
    /// <summary>√(‖(W_hhᵀ)ᵏ F‖²/count) for k = 0, 1, … up to the last lag, or to the first at which it is below
    /// <see cref="KernelSet.FlushThreshold"/> (0 then) or exceeds the largest double (+∞ then). Cost 2h² for each lag
    /// and column of F.</summary>
    /// <param name="kernels">Those of the pass.</param>
    /// <param name="whh">W_hh.</param>
    /// <param name="sources">F.</param>
    /// <param name="count">The sources that F stands for, at least 1.</param>
    /// <param name="lastLag">At least 0.</param>
    public static double[] Follow(
        KernelSet kernels, ScaledMatrix whh, ScaledMatrix sources, int count, int lastLag)
    {
        var curve = new List<double>();
        int h = whh.Rows;
        int columns = sources.Columns;
        double[] current = sources.Values.ToArray();
        double[] next = new double[current.Length];
        long exponent = sources.Exponent;
        for (int lag = 0; lag <= lastLag; lag++)
        {
            double norm = VectorMath.Norm(current) / Math.Sqrt(count);
            double flow = Math.ScaleB(norm, (int)Math.Clamp(exponent, -10_000, 10_000));
            curve.Add(flow < KernelSet.FlushThreshold ? 0.0 : flow);
            if (curve[^1] == 0.0 || double.IsInfinity(flow) || lag == lastLag)
            {
                break;
            }

            kernels.Multiply(
                whh.View.T, new MatrixView(current, h, columns, h), new MatrixSpan(next, h, columns, h));
            KernelSet.FlushTiny(next);
            (current, next) = (next, current);
            exponent += whh.Exponent;
            int shift = VectorMath.Exponent(VectorMath.MaxAbs(current));
            if (Math.Abs(shift) > 100)
            {
                VectorMath.ScaleByPowerOfTwo(-shift, current);
                exponent += shift;
            }
        }
        return [.. curve];
    }
}
