// How far the powers of W_hh grow beyond what their eigenvalues ask for: where they do, a chunk hides the growth, and
// with it the rounding that it magnifies.

using Bptt.Kernels;
using Bptt.LinearAlgebra;

namespace Bptt.Lifting;

/// <summary>
/// The largest ‖W_hh^m‖₂ / max(1, ρ^m) over m = 1, 2, 4 … S, where ρ is the spectral radius; for a normal matrix 1. A
/// lifted pass is about as exact as one step by step where this is small, since powers in between are then no larger
/// than what is carried from chunk to chunk: cf. the transient growth of Trefethen and Embree, <i>Spectra and
/// Pseudospectra</i> (2005), chapter 16.
/// </summary>
internal static class TransitionGrowth
{
    /// <summary>The growth that a lifted pass is taken with: found by trial over many families of matrices, no
    /// theorem.</summary>
    public const double Allowed = 32.0;

    private const int Iterations = 3;
    private const int GrowthSteps = 64;
    private const int StepsTogether = 8;

    /// <summary>Units in the last place by which a power may be off where it does not matter for long: see
    /// <see cref="NeedsExactPowers"/>.</summary>
    private const double AllowedError = 4.0;

    /// <summary>About the spectral radius of A: the mean growth of a fixed vector over the last half of some steps.
    /// Cost 2h² a step.</summary>
    /// <param name="context">Kernels and memory.</param>
    /// <param name="a">A, h×h.</param>
    /// <param name="steps">How many, about.</param>
    /// <returns>0 where the vector vanishes, infinite where it overflows.</returns>
    public static double RadiusOf(PassContext context, MatrixView a, int steps)
    {
        int h = a.Rows;
        int mark = context.Mark();
        Span<double> states = context.Storage((long)h * (StepsTogether + 1));
        states.Clear();
        Start(states[..h]);
        PackedMatrix packed = context.Kernels.Pack(
            a, PackedFor.OneColumn, context.PackedStorage(h, h, PackedFor.OneColumn));
        int groups = Math.Max(2, steps / StepsTogether);
        double logarithm = 0.0;
        for (int group = 0; group < groups && double.IsFinite(logarithm); group++)
        {
            Span<double> last = states[(h * StepsTogether)..];
            VectorMath.Scale(1.0 / VectorMath.Norm(states[..h]), states[..h]);
            states[h..].Clear();
            context.Kernels.Advance(packed, states, new StepRun(0, 1, 1, 1, StepsTogether));
            double growth = Math.Log(VectorMath.Norm(last));
            logarithm = group < groups / 2 && double.IsFinite(growth) ? 0.0 : logarithm + growth;
            last.CopyTo(states);
        }
        context.Release(mark);
        return double.IsNaN(logarithm)
            ? double.PositiveInfinity
            : Math.Exp(logarithm / ((groups - groups / 2) * StepsTogether));
    }

    /// <summary>Whether plain squaring is not enough: W_hh^m comes out wrong by about m units in the last place of ρ^m,
    /// and W_hh^S acts again in every chunk, on states that are forgotten as fast as ρ^S decays.</summary>
    /// <param name="radius">ρ.</param>
    /// <param name="steps">S, the largest m.</param>
    public static bool NeedsExactPowers(double radius, int steps)
    {
        for (int m = 2; m < steps; m *= 2)
        {
            if (!(m * Math.Pow(radius, m) <= AllowedError))
            {
                return true;
            }
        }
        double carried = Math.Pow(radius, steps);
        return !(steps * carried <= AllowedError * (1.0 - carried));
    }

    /// <summary>The largest level at which the growth is allowed and the power is neither too large nor too
    /// small.</summary>
    /// <param name="context">Kernels and memory.</param>
    /// <param name="powers">W_hh^m for m = 1, 2, 4 …</param>
    /// <param name="smallestNorm">A smaller power is too small.</param>
    /// <returns>log₂ S; 0 where no chunk can be taken.</returns>
    public static int LargestLevel(PassContext context, LiftedPowers powers, double smallestNorm)
    {
        double[] sizes =
            [.. Enumerable.Range(0, powers.Levels + 1).Select(k => VectorMath.Norm(powers[k].Span.Values))];
        int top = powers.Levels;
        while (top > 0 && !(sizes[top] >= smallestNorm && double.IsFinite(sizes[top])))
        {
            top--;
        }
        double? radius = null;
        int largest = 0;
        for (int k = 0; k <= top && IsAllowed(k); k++)
        {
            largest = k;
        }
        return largest;

        // ‖A‖₂ is no larger than the root of the sum of all squares.
        bool IsAllowed(int k) => sizes[k] <= Allowed
            || Norm(context.Kernels, powers[k].View) <= Allowed * Math.Max(1.0, Math.Pow(radius ??= Radius(), 1 << k));

        // ‖W_hh^m‖^(1/m) is far above ρ where powers grow before they decay: ρ is seen far behind that.
        double Radius() => RadiusOf(context, powers[top].View, GrowthSteps) is var lasting && double.IsFinite(lasting)
            ? Math.Pow(lasting, Math.ScaleB(1.0, -top))
            : 0.0;
    }

    /// <summary>‖A‖₂ from below, by a few steps of the power method on AᵀA from a fixed start.</summary>
    private static double Norm(KernelSet kernels, MatrixView a)
    {
        int h = a.Rows;
        double[] x = new double[h];
        double[] y = new double[h];
        Start(x);
        double norm = 0.0;
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            double length = VectorMath.Norm(x);
            if (!(length > 0.0) || !double.IsFinite(length))
            {
                return length;
            }
            VectorMath.Scale(1.0 / length, x);
            kernels.Multiply(a, new MatrixView(x, h, 1, h), new MatrixSpan(y, h, 1, h));
            norm = VectorMath.Norm(y);
            kernels.Multiply(a.T, new MatrixView(y, h, 1, h), new MatrixSpan(x, h, 1, h));
        }
        return norm;
    }

    /// <summary>A vector near no symmetry that a matrix is likely to have.</summary>
    private static void Start(Span<double> x)
    {
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = 1.0 + 0.5 * Math.Cos(1.0 + (double)i * i);
        }
    }
}
