// MathNet's decompositions of any finite matrix. Knows no RNN.

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.LinearAlgebra;

internal static class Decompositions
{
    /// <summary>A = U Σ Vᵀ of the matrix over a power of two: where a number overflows on the way, MathNet's iteration
    /// may never end. Entries below 1e-290 of the largest are taken for zero. Cost about 20n³.</summary>
    /// <exception cref="ArithmeticException">An entry or a singular value is not finite, or the iteration does not
    /// converge.</exception>
    public static Svd<double> Svd(Matrix<double> a)
    {
        double[] values = a.ToColumnMajorArray();
        if (VectorMath.FirstNonFinite(values) >= 0)
        {
            throw new ArithmeticException(
                $"The singular values of a {a.RowCount}×{a.ColumnCount} matrix: expected finite numbers, got NaN or "
                + "infinity.");
        }
        var scaled = ScaledMatrix.Take(values, a.RowCount);
        Svd<double> svd = scaled.Svd();
        svd.S.Map(value => Math.ScaleB(value, (int)scaled.Exponent), svd.S, Zeros.AllowSkip);
        return double.IsFinite(svd.S[0]) ? svd : throw new ArithmeticException(
            $"The singular values of a {a.RowCount}×{a.ColumnCount} matrix: the largest exceeds the range of numbers.");
    }
}
