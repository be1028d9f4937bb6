// Operations on one flat vector: norm, scaling, sums, and the search for what is not finite.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bptt.Kernels;

namespace Bptt.LinearAlgebra;

internal static class VectorMath
{
    /// <summary>
    /// The Euclidean norm ‖x‖, BLAS <c>nrm2</c>; of a whole matrix it is the Frobenius norm. Neither overflows nor
    /// underflows where the result itself does not. NaN where an entry is NaN, otherwise +∞ where one is infinite.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Norm(ReadOnlySpan<double> x)
    {
        double largest = MaxAbs(x);
        if (largest == 0.0 || !double.IsFinite(largest))
        {
            return largest;
        }
        // A power of two scales without rounding; by halves, since one alone may be out of range.
        int exponent = Math.ILogB(largest);
        double half = Math.ScaleB(1.0, -exponent / 2);
        double other = Math.ScaleB(1.0, -exponent - -exponent / 2);
        ReadOnlySpan<Vector<double>> vectors = MemoryMarshal.Cast<double, Vector<double>>(x);
        (Vector<double> a, Vector<double> b) = (Vector<double>.Zero, Vector<double>.Zero); // chains that do not wait
        int i = 0;
        for (; i + 2 <= vectors.Length; i += 2)
        {
            Vector<double> first = vectors[i] * half * other;
            Vector<double> second = vectors[i + 1] * half * other;
            a += first * first;
            b += second * second;
        }
        if (i < vectors.Length)
        {
            Vector<double> last = vectors[i] * half * other;
            a += last * last;
        }
        double sum = Vector.Sum(a + b);
        for (i = vectors.Length * Vector<double>.Count; i < x.Length; i++)
        {
            double scaled = x[i] * half * other;
            sum += scaled * scaled;
        }
        return Math.ScaleB(Math.Sqrt(sum), exponent);
    }

    /// <summary>√(Σ x_i²/n), what is typical of the entries; NaN for an empty vector.</summary>
    public static double RootMeanSquare(ReadOnlySpan<double> x) => Norm(x) / Math.Sqrt(x.Length);

    /// <summary>The largest magnitude; 0 for an empty vector, NaN where an entry is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static TReal MaxAbs<TReal>(ReadOnlySpan<TReal> x)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ReadOnlySpan<Vector<TReal>> vectors = MemoryMarshal.Cast<TReal, Vector<TReal>>(x);
        Vector<TReal> largest = Vector<TReal>.Zero;
        foreach (Vector<TReal> vector in vectors)
        {
            largest = Vector.Max(largest, Vector.Abs(vector)); // propagates NaN
        }
        TReal result = LargestOf(largest);
        for (int i = vectors.Length * Vector<TReal>.Count; i < x.Length; i++)
        {
            result = TReal.Max(result, TReal.Abs(x[i]));
        }
        return result;
    }

    /// <summary>The largest |x_i − y_i|; 0 for empty vectors, NaN where a difference is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static TReal MaxDistance<TReal>(ReadOnlySpan<TReal> x, ReadOnlySpan<TReal> y)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ReadOnlySpan<Vector<TReal>> xs = MemoryMarshal.Cast<TReal, Vector<TReal>>(x);
        ReadOnlySpan<Vector<TReal>> ys = MemoryMarshal.Cast<TReal, Vector<TReal>>(y);
        Vector<TReal> largest = Vector<TReal>.Zero;
        for (int i = 0; i < xs.Length; i++)
        {
            largest = Vector.Max(largest, Vector.Abs(xs[i] - ys[i]));
        }
        TReal result = LargestOf(largest);
        for (int i = xs.Length * Vector<TReal>.Count; i < x.Length; i++)
        {
            result = TReal.Max(result, TReal.Abs(x[i] - y[i]));
        }
        return result;
    }

    /// <summary>z ← α (x − y).</summary>
    /// <returns>‖x − y‖².</returns>
    public static double ScaledDifference(
        double alpha, ReadOnlySpan<double> x, ReadOnlySpan<double> y, Span<double> z) => Difference<N1>(alpha, x, y, z);

    /// <summary>‖x − y‖², the same to the last bit as from <see cref="ScaledDifference"/>.</summary>
    public static double SquaredDistance(ReadOnlySpan<double> x, ReadOnlySpan<double> y) =>
        Difference<N0>(1.0, x, y, default);

    /// <summary>‖x − y‖², and z ← α (x − y) where <typeparamref name="TWrites"/> is 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Difference<TWrites>(
        double alpha, ReadOnlySpan<double> x, ReadOnlySpan<double> y, Span<double> z)
        where TWrites : struct, IConstant
    {
        ReadOnlySpan<Vector<double>> xs = MemoryMarshal.Cast<double, Vector<double>>(x);
        ReadOnlySpan<Vector<double>> ys = MemoryMarshal.Cast<double, Vector<double>>(y);
        Span<Vector<double>> zs = MemoryMarshal.Cast<double, Vector<double>>(z);
        var squares = default(CompensatedVectorSum);
        for (int i = 0; i < xs.Length; i++)
        {
            Vector<double> difference = xs[i] - ys[i];
            squares.Add(difference * difference);
            if (TWrites.Value == 1)
            {
                zs[i] = alpha * difference;
            }
        }
        CompensatedSum total = squares.Total;
        for (int i = xs.Length * Vector<double>.Count; i < x.Length; i++)
        {
            double difference = x[i] - y[i];
            total.Add(difference * difference);
            if (TWrites.Value == 1)
            {
                z[i] = alpha * difference;
            }
        }
        return total.Value;
    }

    /// <summary>e of x = m·2ᵉ with 1 ≤ |m| &lt; 2; 0 for 0.</summary>
    public static int Exponent(double x) => x == 0.0 ? 0 : Math.ILogB(x);

    /// <summary>A power of two near ‖x‖, to divide by without rounding, so that squares neither overflow nor
    /// vanish.</summary>
    public static double PowerOfTwoNear(ReadOnlySpan<double> x) =>
        Math.ScaleB(1.0, Math.Clamp(Math.ILogB(Norm(x)), -1000, 1000));

    /// <summary>x ← 2ⁿ x, exact but for results below the normal range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScaleByPowerOfTwo(int n, Span<double> x)
    {
        foreach (ref double value in x)
        {
            value = Math.ScaleB(value, n);
        }
    }

    /// <summary>x ← α x, BLAS <c>scal</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale<TReal>(TReal alpha, Span<TReal> x)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        Span<Vector<TReal>> vectors = MemoryMarshal.Cast<TReal, Vector<TReal>>(x);
        foreach (ref Vector<TReal> vector in vectors)
        {
            vector *= alpha;
        }
        foreach (ref TReal value in x[(vectors.Length * Vector<TReal>.Count)..])
        {
            value *= alpha;
        }
    }

    /// <summary>y ← y + α x, BLAS <c>axpy</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled<TReal>(TReal alpha, ReadOnlySpan<TReal> x, Span<TReal> y)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ReadOnlySpan<Vector<TReal>> xs = MemoryMarshal.Cast<TReal, Vector<TReal>>(x);
        Span<Vector<TReal>> ys = MemoryMarshal.Cast<TReal, Vector<TReal>>(y);
        for (int i = 0; i < xs.Length; i++)
        {
            ys[i] += alpha * xs[i];
        }
        for (int i = xs.Length * Vector<TReal>.Count; i < x.Length; i++)
        {
            y[i] += alpha * x[i];
        }
    }

    /// <summary>Σ x_i y_i, BLAS <c>dot</c>. The error is within n/32 + 32 units in the last place of Σ |x_i
    /// y_i|.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        ReadOnlySpan<Vector<double>> xs = MemoryMarshal.Cast<double, Vector<double>>(x);
        ReadOnlySpan<Vector<double>> ys = MemoryMarshal.Cast<double, Vector<double>>(y);
        (Vector<double> a, Vector<double> b, Vector<double> c, Vector<double> d) =
            // chains that do not wait
            (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        int i = 0;
        for (; i + 4 <= xs.Length; i += 4)
        {
            a += xs[i] * ys[i];
            b += xs[i + 1] * ys[i + 1];
            c += xs[i + 2] * ys[i + 2];
            d += xs[i + 3] * ys[i + 3];
        }
        for (; i < xs.Length; i++)
        {
            a += xs[i] * ys[i];
        }
        double sum = Vector.Sum((a + b) + (c + d));
        for (i = xs.Length * Vector<double>.Count; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }
        return sum;
    }

    /// <summary>The index of the first entry that is NaN or infinite; −1 where all are finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int FirstNonFinite<TReal>(ReadOnlySpan<TReal> x)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        // 0·x is 0 where x is finite and NaN where not, and NaN stays in a sum.
        ReadOnlySpan<Vector<TReal>> vectors = MemoryMarshal.Cast<TReal, Vector<TReal>>(x);
        Vector<TReal> zeros = Vector<TReal>.Zero;
        foreach (Vector<TReal> vector in vectors)
        {
            zeros += vector * TReal.Zero;
        }
        int first = TReal.IsNaN(Vector.Sum(zeros)) ? 0 : vectors.Length * Vector<TReal>.Count;
        for (int i = first; i < x.Length; i++)
        {
            if (!TReal.IsFinite(x[i]))
            {
                return i;
            }
        }
        return -1;
    }

    private static TReal LargestOf<TReal>(Vector<TReal> vector)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        TReal largest = TReal.Zero;
        for (int i = 0; i < Vector<TReal>.Count; i++)
        {
            largest = TReal.Max(largest, vector[i]);
        }
        return largest;
    }

    /// <summary>‖x‖ of numbers of any precision, summed in double.</summary>
    public static double NormOf<TReal>(ReadOnlySpan<TReal> x)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        if (typeof(TReal) == typeof(double))
        {
            return Norm(MemoryMarshal.Cast<TReal, double>(x));
        }
        double sum = 0.0; // no square of a float overflows or vanishes in double
        foreach (TReal value in x)
        {
            double wide = double.CreateTruncating(value);
            sum += wide * wide;
        }
        return Math.Sqrt(sum);
    }

    /// <summary>y ← x, in another precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> x, Span<TTo> y)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
    {
        if (typeof(TFrom) == typeof(TTo))
        {
            MemoryMarshal.Cast<TFrom, TTo>(x).CopyTo(y);
            return;
        }
        int i = 0;
        if (typeof(TFrom) == typeof(double) && typeof(TTo) == typeof(float))
        {
            ReadOnlySpan<Vector<double>> from = MemoryMarshal.Cast<TFrom, Vector<double>>(x);
            Span<Vector<float>> to = MemoryMarshal.Cast<TTo, Vector<float>>(y);
            for (int v = 0; v + 2 <= from.Length; v += 2)
            {
                to[v / 2] = Vector.Narrow(from[v], from[v + 1]);
            }
            i = from.Length / 2 * Vector<float>.Count;
        }
        if (typeof(TFrom) == typeof(float) && typeof(TTo) == typeof(double))
        {
            ReadOnlySpan<Vector<float>> from = MemoryMarshal.Cast<TFrom, Vector<float>>(x);
            Span<Vector<double>> to = MemoryMarshal.Cast<TTo, Vector<double>>(y);
            for (int v = 0; v < from.Length; v++)
            {
                Vector.Widen(from[v], out to[2 * v], out to[2 * v + 1]);
            }
            i = from.Length * Vector<float>.Count;
        }
        for (; i < x.Length; i++)
        {
            y[i] = TTo.CreateTruncating(x[i]);
        }
    }

    /// <summary>y ← y + x, where x may be of lower precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add<TReal>(ReadOnlySpan<TReal> x, Span<double> y)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        int i = 0;
        if (typeof(TReal) == typeof(float))
        {
            ReadOnlySpan<Vector<float>> from = MemoryMarshal.Cast<TReal, Vector<float>>(x);
            Span<Vector<double>> to = MemoryMarshal.Cast<double, Vector<double>>(y);
            for (int v = 0; v < from.Length; v++)
            {
                Vector.Widen(from[v], out Vector<double> low, out Vector<double> high);
                to[2 * v] += low;
                to[2 * v + 1] += high;
            }
            i = from.Length * Vector<float>.Count;
        }
        for (; i < x.Length; i++)
        {
            y[i] += double.CreateTruncating(x[i]);
        }
    }
}
