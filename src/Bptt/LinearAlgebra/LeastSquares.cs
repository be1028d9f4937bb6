// Least squares where columns may depend on each other: of all best solutions the shortest. Knows no model.

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.LinearAlgebra;

internal static class LeastSquares
{
    /// <summary>Relative to the largest, a singular value below this is rounding.</summary>
    private const double Rounding = 1e-11;

    /// <summary>Below it substitution and the SVD give the same but for rounding.</summary>
    private const double SafeCondition = 1e8;

    /// <summary>The shortest X that minimises ‖A X − B‖, by the SVD of A.</summary>
    public static Matrix<double> Shortest(Matrix<double> a, Matrix<double> b)
    {
        Svd<double> svd = Decompositions.Svd(a);
        int rank = svd.S.Count(s => s > Rounding * svd.S[0]);
        if (rank == 0)
        {
            return Matrix<double>.Build.Dense(a.ColumnCount, b.ColumnCount);
        }
        Matrix<double> components = svd.U.SubMatrix(0, a.RowCount, 0, rank).TransposeThisAndMultiply(b);
        Matrix<double> scaled = Matrix<double>.Build.DenseOfDiagonalVector(1.0 / svd.S.SubVector(0, rank)) * components;
        return svd.VT.SubMatrix(0, rank, 0, a.ColumnCount).TransposeThisAndMultiply(scaled);
    }

    /// <summary>The same for an upper triangle, by substitution where its condition is far from that of one whose
    /// columns depend on each other.</summary>
    public static Matrix<double> ShortestOfTriangle(Matrix<double> r, Matrix<double> b)
    {
        double[] rows = r.ToRowMajorArray();
        int n = r.ColumnCount;
        if (n == 0 || !(Condition(rows, n) < SafeCondition))
        {
            return Shortest(r, b);
        }
        var solution = Matrix<double>.Build.Dense(n, b.ColumnCount);
        for (int k = 0; k < b.ColumnCount; k++)
        {
            double[] x = b.Column(k).ToArray();
            Solve(rows, x);
            solution.SetColumn(k, x);
        }
        return solution;
    }

    /// <summary>About ‖R‖₁ ‖R⁻¹‖₁, from below and rarely by more than a factor of 3 (Hager 1984; Higham 1988), n² for
    /// each of a few rounds; infinite where R has a zero on its diagonal.</summary>
    private static double Condition(double[] rows, int n)
    {
        double[] sums = new double[n];
        double inverse = 0.0;
        for (int i = 0; i < n; i++)
        {
            for (int j = i; j < n; j++)
            {
                sums[j] += Math.Abs(rows[i * n + j]);
            }
            inverse = Math.Max(inverse, 1.0 / Math.Abs(rows[i * n + i]));
        }
        double[] x = new double[n];
        Array.Fill(x, 1.0 / n);
        int last = -1;
        for (int round = 0; round < 5; round++)
        {
            Solve(rows, x);
            inverse = Math.Max(inverse, x.Sum(Math.Abs));
            double[] z = Array.ConvertAll(x, v => v < 0.0 ? -1.0 : 1.0);
            SolveTransposed(rows, z);
            int most = 0;
            for (int j = 1; j < n; j++)
            {
                most = Math.Abs(z[j]) > Math.Abs(z[most]) ? j : most;
            }
            if (most == last || !double.IsFinite(inverse))
            {
                break;
            }
            last = most;
            Array.Clear(x);
            x[most] = 1.0;
        }
        return sums.Max() * inverse;
    }

    /// <summary>x ← R⁻¹ x.</summary>
    private static void Solve(double[] rows, double[] x)
    {
        int n = x.Length;
        for (int i = n - 1; i >= 0; i--)
        {
            ReadOnlySpan<double> row = rows.AsSpan(i * n, n);
            x[i] = (x[i] - VectorMath.Dot(row[(i + 1)..], x.AsSpan(i + 1))) / row[i];
        }
    }

    /// <summary>x ← R⁻ᵀ x.</summary>
    private static void SolveTransposed(double[] rows, double[] x)
    {
        int n = x.Length;
        for (int i = 0; i < n; i++)
        {
            ReadOnlySpan<double> row = rows.AsSpan(i * n, n);
            x[i] /= row[i];
            VectorMath.AddScaled(-x[i], row[(i + 1)..], x.AsSpan(i + 1));
        }
    }
}
