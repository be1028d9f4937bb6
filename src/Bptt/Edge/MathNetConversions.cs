// Between MathNet's matrices and vectors and the flat column-major spans that the engine works on.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Edge;

internal static class MathNetConversions
{
    /// <summary>The entries column after column: without a copy where the storage is dense.</summary>
    public static ReadOnlySpan<double> ColumnMajor(this Matrix<double> matrix) =>
        matrix.AsColumnMajorArray() ?? matrix.ToColumnMajorArray();

    /// <summary>The matrix to read: without a copy where the storage is dense.</summary>
    public static MatrixView View(this Matrix<double> matrix) =>
        new(matrix.ColumnMajor(), matrix.RowCount, matrix.ColumnCount, matrix.RowCount);

    /// <summary>The entries: without a copy where the storage is dense.</summary>
    public static ReadOnlySpan<double> Entries(this Vector<double> vector) => vector.AsArray() ?? vector.ToArray();

    /// <summary>A fresh dense matrix with the entries of a view.</summary>
    public static Matrix<double> ToMatrix(this MatrixSpan view)
    {
        double[] entries = new double[view.Rows * view.Columns];
        for (int j = 0; j < view.Columns; j++)
        {
            view.Column(j).CopyTo(entries.AsSpan(j * view.Rows, view.Rows));
        }
        return Matrix<double>.Build.Dense(view.Rows, view.Columns, entries);
    }

    /// <summary>A matrix of columns that lie side by side in an array, which it takes over.</summary>
    public static Matrix<double> ToColumns(this double[] entries, int rows) =>
        Matrix<double>.Build.Dense(rows, entries.Length / rows, entries);

    /// <summary>A fresh dense vector.</summary>
    public static Vector<double> ToVector(this Span<double> entries) => Vector<double>.Build.Dense(entries.ToArray());

    /// <summary>Some of the columns, as a fresh matrix.</summary>
    public static Matrix<double> SelectColumns(this Matrix<double> matrix, int[] columns) =>
        Matrix<double>.Build.Dense(matrix.RowCount, columns.Length, (i, j) => matrix[i, columns[j]]);

    /// <summary>The Euclidean norm of each column.</summary>
    public static double[] ColumnNorms(this Matrix<double> matrix) =>
        [.. matrix.EnumerateColumns().Select(column => VectorMath.Norm(column.Entries()))];

    /// <summary>All steps of one sequence as a fresh matrix, a column each.</summary>
    public static Matrix<double> ToMatrix(this PackedColumns packed, int sequence)
    {
        int columns = packed.Layout.Lengths[sequence] + 1 - packed.Layout.FirstStep;
        double[] entries = new double[packed.Rows * columns];
        packed.CopySequenceTo(sequence, entries);
        return Matrix<double>.Build.Dense(packed.Rows, columns, entries);
    }
}
