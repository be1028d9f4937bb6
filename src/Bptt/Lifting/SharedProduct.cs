// Products of matrices whose columns several threads share.

using System.Numerics;
using Bptt.Kernels;

namespace Bptt.Lifting;

/// <summary>A matrix in an array: what a view is, for code that hands it from thread to thread.</summary>
/// <param name="Values">The storage, from the first entry on.</param>
/// <param name="Rows">As stored.</param>
/// <param name="Columns">As stored.</param>
/// <param name="LeadingDimension">Distance in storage from one column to the next.</param>
/// <param name="IsTransposed">Whether it is read the other way round.</param>
internal readonly record struct StoredMatrix<TReal>(
    ArraySegment<TReal> Values, int Rows, int Columns, int LeadingDimension, bool IsTransposed = false)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>The transpose, to read.</summary>
    public StoredMatrix<TReal> T => this with { IsTransposed = !IsTransposed };

    /// <summary>To read.</summary>
    public MatrixView<TReal> View => IsTransposed ? ((MatrixView<TReal>)Span).T : Span;

    /// <summary>To write, as stored.</summary>
    public MatrixSpan<TReal> Span =>
        new(Values.AsSpan(0, LeadingDimension * (Columns - 1) + Rows), Rows, Columns, LeadingDimension);

    /// <summary>Copies the entries, as stored.</summary>
    public void CopyTo(StoredMatrix<TReal> target) => Span.CopyTo(target.Span);

    /// <summary>Some rows, as stored.</summary>
    public StoredMatrix<TReal> RowRange(int first, int count) => this with { Values = Values[first..], Rows = count };

    /// <summary>Some columns, as stored.</summary>
    public StoredMatrix<TReal> ColumnRange(int first, int count) =>
        this with { Values = Values[(first * LeadingDimension)..], Columns = count };
}

/// <summary>C = A B and C += A B, in strips of columns. The strips depend on the shapes alone, so that the bits do not
/// depend on the number of threads.</summary>
internal static class SharedProduct
{
    private const int StripColumns = 64;

    /// <summary>C = A B.</summary>
    public static void Multiply(PassContext context, StoredMatrix a, StoredMatrix b, StoredMatrix c)
    {
        if (c.Columns <= StripColumns)
        {
            context.Kernels.Multiply(a.View, b.View, c.Span);
            return;
        }
        InStrips(context, a, b, c, adds: false);
    }

    /// <summary>C += A B.</summary>
    public static void MultiplyAdd(PassContext context, StoredMatrix a, StoredMatrix b, StoredMatrix c)
    {
        if (c.Columns <= StripColumns)
        {
            context.Kernels.MultiplyAdd(a.View, b.View, c.Span);
            return;
        }
        InStrips(context, a, b, c, adds: true);
    }

    private static void InStrips(PassContext context, StoredMatrix a, StoredMatrix b, StoredMatrix c, bool adds)
    {
        KernelSet kernels = context.Kernels;
        int inner = a.IsTransposed ? a.Rows : a.Columns;
        int strips = (c.Columns + StripColumns - 1) / StripColumns;
        int mark = context.Mark();
        PackedMatrix packed = kernels.Pack(
            a.View, PackedFor.Columns, context.PackedStorage(c.Rows, inner, PackedFor.Columns));
        ArraySegment<double> copies = context.Storage(b.IsTransposed ? (long)inner * c.Columns : 0);
        context.Each(strips, Strip, 2.0 * c.Rows * inner * c.Columns);
        context.Release(mark);

        void Strip(int part)
        {
            int first = part * StripColumns;
            int count = Math.Min(StripColumns, c.Columns - first);
            MatrixView right = b.View.ColumnRange(first, count);
            if (b.IsTransposed)
            {
                // Entries of a column side by side, which the inner loops read fastest.
                var copy = new MatrixSpan(copies.AsSpan(first * inner, inner * count), inner, count, inner);
                Copy(right, copy);
                right = copy;
            }
            MatrixSpan target = c.Span.ColumnRange(first, count);
            if (adds)
            {
                kernels.Step(packed, right, target, target);
            }
            else
            {
                kernels.Multiply(packed, right, target);
            }
        }
    }

    private static void Copy(MatrixView from, MatrixSpan to)
    {
        for (int j = 0; j < to.Columns; j++)
        {
            Span<double> column = to.Column(j);
            for (int i = 0; i < column.Length; i++)
            {
                column[i] = from.Values[i * from.RowStride + j * from.ColumnStride];
            }
        }
    }
}
