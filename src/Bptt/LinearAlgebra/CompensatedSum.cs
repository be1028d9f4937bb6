// Running sums that lose no digits to their length.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bptt.LinearAlgebra;

/// <summary>
/// Compensated summation (Neumaier 1974, an improved Kahan sum): the error does not grow with the number of terms.
/// Where a term or the sum is not finite, the plain sum is the result.
/// </summary>
internal struct CompensatedSum
{
    private double _sum;
    private double _compensation;

    public void Add(double term)
    {
        double sum = _sum + term;
        _compensation += Math.Abs(_sum) >= Math.Abs(term) ? (_sum - sum) + term : (term - sum) + _sum;
        _sum = sum;
    }

    public readonly double Value => double.IsFinite(_sum) ? _sum + _compensation : _sum;
}

/// <summary>As many sums side by side as a register holds (two-sum, Knuth 1969: exact in either order of
/// magnitude).</summary>
internal struct CompensatedVectorSum
{
    private Vector<double> _sum;
    private Vector<double> _compensation;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Vector<double> term)
    {
        Vector<double> sum = _sum + term;
        Vector<double> added = sum - _sum;
        _compensation += (_sum - (sum - added)) + (term - added);
        _sum = sum;
    }

    /// <summary>The sum of all, to go on with.</summary>
    public readonly CompensatedSum Total
    {
        get
        {
            var total = default(CompensatedSum);
            for (int i = 0; i < Vector<double>.Count; i++)
            {
                total.Add(_sum[i]);
            }
            double compensation = Vector.Sum(_compensation);
            if (double.IsFinite(compensation))
            {
                total.Add(compensation);
            }
            return total;
        }
    }
}
