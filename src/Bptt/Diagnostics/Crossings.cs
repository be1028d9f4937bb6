// From which step on the response to one input, or the gradient of one loss, overflows, and from which on it is so
// small that passes set it to zero. Knows no RNN.

using System.Numerics;
using Bptt.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>Steps at which Aᵏ B overflows, and from which it is below the flush threshold for good.</summary>
/// <param name="Overflow">Null for never.</param>
/// <param name="Vanish">Null for never.</param>
internal sealed record Crossings(long? Overflow, long? Vanish)
{
    private const double Log2Largest = 1024.0;

    private static readonly double Log2Flush = Math.Log2(KernelSet.FlushThreshold);

    /// <summary>Both, k counted from a given number.</summary>
    public static Crossings Of(ScaledMatrix a, ScaledMatrix b, KernelSet kernels, long countedFrom)
    {
        // What B does not reach has no part in the response, but would hide it among powers that grow beyond it.
        int[] reached = BlockOrder.Reached(a, b);
        if (reached.Length == 0)
        {
            return new Crossings(null, countedFrom);
        }
        ScaledMatrix part = a.Part(reached, reached);
        var eigensystem = Eigensystem.Of(part);
        double log2Radius = Math.Log2(eigensystem.Values.Max(Complex.Abs)) + part.Exponent;
        var powers = new MatrixPowers(part, kernels, isDefective: double.IsInfinity(eigensystem.Condition()));
        var search = new ResponseSearch(powers, b.Part(reached), log2Radius);
        long? overflow = search.FirstAbove(Log2Largest);
        long? last = log2Radius < -ResponseSearch.RoundingOfRadius ? search.LastFrom(Log2Flush) : null;
        return new Crossings(overflow + countedFrom, last + 1 + countedFrom);
    }
}
