// Least squares where columns may depend on each other: of all best solutions the shortest. Knows no model.

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.LinearAlgebra;

internal static class LeastSquares
{
    /// <summary>Relative to the largest, a singular value below this is rounding.</summary>
    private const double Rounding = 1e-11;

    /// <summary>The shortest X that minimises ‖A X − B‖, by the SVD of A.</summary>
    public static Matrix<double> Shortest(Matrix<double> a, Matrix<double> b)
    {
        Svd<double> svd = a.Svd();
        int rank = svd.S.Count(s => s > Rounding * svd.S[0]);
        if (rank == 0)
        {
            return Matrix<double>.Build.Dense(a.ColumnCount, b.ColumnCount);
        }
        Matrix<double> components = svd.U.SubMatrix(0, a.RowCount, 0, rank).TransposeThisAndMultiply(b);
        Matrix<double> scaled = Matrix<double>.Build.DenseOfDiagonalVector(1.0 / svd.S.SubVector(0, rank)) * components;
        return svd.VT.SubMatrix(0, rank, 0, a.ColumnCount).TransposeThisAndMultiply(scaled);
    }
}
