// The Gramian of a stable linear system, Σ Aᵏ B Bᵀ (Aᵀ)ᵏ over all k, as a factor. Knows no model.
//
//   n  states      m  columns

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.LinearAlgebra;

/// <summary>W = Σ_k Aᵏ B Bᵀ (Aᵀ)ᵏ, the solution of the discrete Lyapunov equation W = A W Aᵀ + B Bᵀ.</summary>
internal static class Gramian
{
    /// <summary>The terms are doubled at most this often. A radius below 1 in double precision needs about
    /// 60.</summary>
    private const int MaxDoublings = 80;

    /// <summary>
    /// L with W = L Lᵀ, n×m with m ≤ n or as B has. By the squared iteration of Smith (1968) on the factor, [L, A^(2ᵏ)
    /// L] compressed by a QR factorisation: W itself, whose small eigenvalues drown in rounding, is never formed.
    /// </summary>
    /// <param name="a">A, n×n, of a spectral radius below 1: otherwise the sum does not exist.</param>
    /// <param name="b">B, n×m.</param>
    /// <exception cref="ArithmeticException">The sum overflows, does not exist, or rounding keeps it from
    /// converging.</exception>
    public static Matrix<double> Factor(Matrix<double> a, Matrix<double> b)
    {
        // L is linear in B: at a size near 1 no sum of squares leaves the range of doubles.
        double largest = VectorMath.MaxAbs(b.ToColumnMajorArray());
        if (largest == 0.0)
        {
            return b;
        }
        int exponent = VectorMath.Exponent(largest);
        return Scaled(Sum(a, Scaled(b, -exponent)), exponent);
    }

    private static Matrix<double> Sum(Matrix<double> a, Matrix<double> b)
    {
        Matrix<double> factor = b;
        Matrix<double> power = a;
        for (int doubling = 0; doubling < MaxDoublings; doubling++)
        {
            Matrix<double> later = power * factor;
            double size = later.FrobeniusNorm();
            if (!double.IsFinite(size))
            {
                break;
            }
            // Far from normal, a power can be small on what is there and large on what follows.
            if (size == 0.0
                || (size <= MachineEpsilon.OfDouble * factor.FrobeniusNorm() && power.FrobeniusNorm() < 0.5))
            {
                return factor;
            }
            factor = Compressed(factor.Append(later));
            power *= power;
        }
        throw new ArithmeticException(
            $"The Gramian of a system of order {a.RowCount}: the sum does not converge.");
    }

    /// <summary>M·2ᵉ, fresh.</summary>
    private static Matrix<double> Scaled(Matrix<double> matrix, int exponent)
    {
        var scaled = Matrix<double>.Build.DenseOfMatrix(matrix);
        VectorMath.ScaleByPowerOfTwo(exponent, scaled.AsColumnMajorArray());
        return scaled;
    }

    /// <summary>A factor of the same product with at most n columns.</summary>
    private static Matrix<double> Compressed(Matrix<double> factor)
    {
        int n = factor.RowCount;
        return factor.ColumnCount <= n
            ? factor
            : Matrix<double>.Build.Dense(n, n, TriangularFactor.OuterFactorOf(factor.ToColumnMajorArray(), n));
    }
}
