// Operations on one flat vector: norm, scaling, sums, and the search for what is not finite.

namespace Bptt.Kernels;

internal static class VectorMath
{
    /// <summary>
    /// The Euclidean norm ‖x‖, BLAS <c>nrm2</c>; of a whole matrix it is the Frobenius norm. Neither overflows nor
    /// underflows where the result itself does not. NaN where an entry is NaN, otherwise +∞ where one is infinite.
    /// </summary>
    public static double Norm(ReadOnlySpan<double> x)
    {
        double largest = MaxAbs(x);
        if (largest == 0.0 || !double.IsFinite(largest))
        {
            return largest;
        }
        // A power of two scales without rounding.
        int exponent = Math.ILogB(largest);
        double sum = 0.0;
        foreach (double value in x)
        {
            double scaled = Math.ScaleB(value, -exponent);
            sum += scaled * scaled;
        }
        return Math.ScaleB(Math.Sqrt(sum), exponent);
    }

    /// <summary>The largest magnitude; 0 for an empty vector, NaN where an entry is NaN.</summary>
    public static double MaxAbs(ReadOnlySpan<double> x)
    {
        double largest = 0.0;
        foreach (double value in x)
        {
            largest = Math.Max(largest, Math.Abs(value)); // propagates NaN
        }
        return largest;
    }

    /// <summary>x ← 2ⁿ x, exact but for results below the normal range.</summary>
    public static void ScaleByPowerOfTwo(int n, Span<double> x)
    {
        foreach (ref double value in x)
        {
            value = Math.ScaleB(value, n);
        }
    }

    /// <summary>x ← α x, BLAS <c>scal</c>.</summary>
    public static void Scale(double alpha, Span<double> x)
    {
        foreach (ref double value in x)
        {
            value *= alpha;
        }
    }

    /// <summary>y ← y + α x, BLAS <c>axpy</c>.</summary>
    public static void AddScaled(double alpha, ReadOnlySpan<double> x, Span<double> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] += alpha * x[i];
        }
    }

    /// <summary>The index of the first entry that is NaN or infinite; −1 where all are finite.</summary>
    public static int FirstNonFinite(ReadOnlySpan<double> x)
    {
        for (int i = 0; i < x.Length; i++)
        {
            if (!double.IsFinite(x[i]))
            {
                return i;
            }
        }
        return -1;
    }
}
