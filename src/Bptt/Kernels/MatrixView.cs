// Flat column-major storage seen as a matrix: sizes, a leading dimension, and whether it is read transposed.
// Owns nothing, allocates nothing and knows no RNN.

using System.Diagnostics;
using System.Numerics;

namespace Bptt.Kernels;

/// <summary>
/// A matrix to read. Entry (i, j) lies at <c>i + j·LeadingDimension</c>, or the other way round where the
/// view is transposed.
/// </summary>
internal readonly ref struct MatrixView<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public MatrixView(ReadOnlySpan<TReal> values, int rows, int columns, int leadingDimension)
        : this(values, rows, columns, leadingDimension, isTransposed: false)
    {
        Debug.Assert(leadingDimension >= rows, "Columns overlap.");
        Debug.Assert(
            columns == 0 || values.Length >= (long)leadingDimension * (columns - 1) + rows, "Storage is too short.");
    }

    private MatrixView(ReadOnlySpan<TReal> values, int rows, int columns, int leadingDimension, bool isTransposed)
    {
        Values = values;
        Rows = rows;
        Columns = columns;
        LeadingDimension = leadingDimension;
        IsTransposed = isTransposed;
    }

    /// <summary>The storage, from the first entry on.</summary>
    public ReadOnlySpan<TReal> Values { get; }

    /// <summary>Rows, as read.</summary>
    public int Rows { get; }

    /// <summary>Columns, as read.</summary>
    public int Columns { get; }

    /// <summary>Distance in storage from one stored column to the next.</summary>
    public int LeadingDimension { get; }

    /// <summary>Whether stored columns are read as rows.</summary>
    public bool IsTransposed { get; }

    /// <summary>Distance in storage from one row, as read, to the next.</summary>
    public int RowStride => IsTransposed ? LeadingDimension : 1;

    /// <summary>Distance in storage from one column, as read, to the next.</summary>
    public int ColumnStride => IsTransposed ? 1 : LeadingDimension;

    /// <summary>The transpose: the same storage, read the other way round.</summary>
    public MatrixView<TReal> T => new(Values, Columns, Rows, LeadingDimension, !IsTransposed);

    /// <summary>Columns <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1, as
    /// read.</summary>
    public MatrixView<TReal> ColumnRange(int first, int count) =>
        new(count == 0 ? default : Values[(first * ColumnStride)..], Rows, count, LeadingDimension, IsTransposed);
}

/// <summary>A matrix to write, column-major and never transposed.</summary>
internal readonly ref struct MatrixSpan<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public MatrixSpan(Span<TReal> values, int rows, int columns, int leadingDimension)
    {
        Debug.Assert(leadingDimension >= rows, "Columns overlap.");
        Debug.Assert(
            columns == 0 || values.Length >= (long)leadingDimension * (columns - 1) + rows, "Storage is too short.");
        Values = values;
        Rows = rows;
        Columns = columns;
        LeadingDimension = leadingDimension;
    }

    /// <summary>The storage, from the first entry on.</summary>
    public Span<TReal> Values { get; }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>Distance in storage from one column to the next.</summary>
    public int LeadingDimension { get; }

    /// <summary>The same matrix to read, transposed.</summary>
    public MatrixView<TReal> T => ((MatrixView<TReal>)this).T;

    /// <summary>The entries of column <paramref name="index"/>.</summary>
    public Span<TReal> Column(int index) => Values.Slice(index * LeadingDimension, Rows);

    /// <summary>Rows <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1.</summary>
    public MatrixSpan<TReal> RowRange(int first, int count) =>
        new(
            Columns == 0 ? default : Values.Slice(first, (Columns - 1) * LeadingDimension + count),
            count,
            Columns,
            LeadingDimension);

    /// <summary>Columns <paramref name="first"/> … <paramref name="first"/> + <paramref name="count"/> − 1.</summary>
    public MatrixSpan<TReal> ColumnRange(int first, int count) =>
        new(
            count == 0 ? default : Values.Slice(first * LeadingDimension, (count - 1) * LeadingDimension + Rows),
            Rows,
            count,
            LeadingDimension);

    /// <summary>Copies the entries to a matrix of the same shape.</summary>
    public void CopyTo(MatrixSpan<TReal> target)
    {
        for (int column = 0; column < Columns; column++)
        {
            Column(column).CopyTo(target.Column(column));
        }
    }

    public static implicit operator MatrixView<TReal>(MatrixSpan<TReal> matrix) =>
        new(matrix.Values, matrix.Rows, matrix.Columns, matrix.LeadingDimension);
}
