// A running sum that loses no digits to its length.

namespace Bptt.Kernels;

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
