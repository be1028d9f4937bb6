// Least squares over more rows than are kept: the triangle of their QR factorisation so far. Knows no model.
//
//   m  columns

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.LinearAlgebra;

/// <summary>R of the QR factorisation of all rows added (Golub and Van Loan, <i>Matrix Computations</i>, section 5.3),
/// some at a time: m² numbers are kept, and normal equations, which would square the condition, are not
/// formed.</summary>
internal sealed class RowCompression
{
    /// <summary>Relative to the largest, a singular value below this is rounding.</summary>
    private const double Rounding = 1e-11;

    private readonly int _columns;
    private readonly double[] _rows; // row after row: the triangle, then what came since
    private readonly int _capacity;
    private int _count;

    public RowCompression(int columns)
    {
        _columns = columns;
        _capacity = Math.Max(4 * columns, columns + 64);
        _rows = new double[_capacity * columns];
    }

    /// <summary>Memory for one more row, to be written at once; zero at first.</summary>
    public Span<double> Add()
    {
        if (_count == _capacity)
        {
            Compress();
        }
        Span<double> row = _rows.AsSpan(_count++ * _columns, _columns);
        row.Clear();
        return row;
    }

    /// <summary>R, m×m upper triangular, fresh.</summary>
    public Matrix<double> Triangle()
    {
        Compress();
        return Matrix<double>.Build.DenseOfRowMajor(_columns, _columns, _rows.AsSpan(0, _columns * _columns).ToArray());
    }

    /// <summary>The shortest X that minimises ‖A X − B‖, with A the first columns of a triangle and B the
    /// rest.</summary>
    /// <param name="triangle">R of [A B].</param>
    /// <param name="unknowns">The columns of A.</param>
    public static Matrix<double> Solve(Matrix<double> triangle, int unknowns) => Shortest(
        triangle.SubMatrix(0, unknowns, 0, unknowns),
        triangle.SubMatrix(0, unknowns, unknowns, triangle.ColumnCount - unknowns));

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

    private void Compress()
    {
        // Rows of zeros change no triangle, and a QR factorisation wants at least as many rows as columns.
        int rows = Math.Max(_count, _columns);
        Array.Clear(_rows, _count * _columns, (rows - _count) * _columns);
        Matrix<double> all = Matrix<double>.Build.DenseOfRowMajor(
            rows, _columns, _rows.AsSpan(0, rows * _columns).ToArray());
        all.QR(QRMethod.Thin).R.ToRowMajorArray().CopyTo(_rows, 0);
        _count = _columns;
    }
}
