// Packed time-major columns: a layout and the values that lie in it. Knows no RNN.

using System.Numerics;
using Bptt.Kernels;

namespace Bptt.LinearRecurrence;

/// <summary>One column of <see cref="Rows"/> numbers for each step of each sequence.</summary>
internal sealed class PackedColumns<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly ArraySegment<TReal> _values;

    /// <param name="rows">Numbers in a column.</param>
    /// <param name="layout">Which column is whose.</param>
    /// <param name="values">Storage, at least rows × columns long; what lies beyond is not touched.</param>
    public PackedColumns(int rows, BatchLayout layout, ArraySegment<TReal> values)
    {
        Rows = rows;
        Layout = layout;
        _values = values[..(rows * layout.ColumnCount)];
    }

    public int Rows { get; }

    public BatchLayout Layout { get; }

    /// <summary>Every column.</summary>
    public MatrixSpan<TReal> All => new(_values, Rows, Layout.ColumnCount, Rows);

    /// <summary>The same numbers as columns of another length.</summary>
    /// <param name="rows">Numbers in a column.</param>
    /// <param name="layout">No more columns than there are numbers for.</param>
    public PackedColumns<TReal> Regrouped(int rows, BatchLayout layout) => new(rows, layout, _values);

    /// <summary>The column of step <paramref name="step"/> of sequence <paramref name="sequence"/>.</summary>
    public Span<TReal> Column(int sequence, int step) => All.Column(Layout.Column(sequence, step));

    /// <summary>The columns of one step, longest sequence first.</summary>
    public MatrixSpan<TReal> Block(int step)
    {
        BatchLayout.Block block = Layout.BlockOf(step);
        return All.ColumnRange(block.FirstColumn, block.Active);
    }

    /// <summary>Columns <paramref name="first"/>, <paramref name="first"/> + <paramref name="spacing"/>, …, as a matrix
    /// of <paramref name="count"/> columns.</summary>
    public MatrixSpan<TReal> Spaced(int first, int count, int spacing) =>
        new(_values.AsSpan(first * Rows, ((count - 1) * spacing + 1) * Rows), Rows, count, spacing * Rows);

    /// <summary>The columns of some steps of one sequence, side by side.</summary>
    public TReal[] SequencePart(int sequence, int firstStep, int count)
    {
        var columns = new TReal[Rows * count];
        for (int i = 0; i < count; i++)
        {
            Column(sequence, firstStep + i).CopyTo(columns.AsSpan(i * Rows));
        }
        return columns;
    }

    /// <summary>Writes the columns of one sequence side by side.</summary>
    public void CopySequenceTo(int sequence, Span<TReal> columns)
    {
        for (int step = Layout.FirstStep; step <= Layout.Lengths[sequence]; step++)
        {
            Column(sequence, step).CopyTo(columns);
            columns = columns[Rows..];
        }
    }

    /// <summary>Reads the columns of one sequence from where they lie side by side.</summary>
    public void CopySequenceFrom(int sequence, ReadOnlySpan<TReal> columns)
    {
        for (int step = Layout.FirstStep; step <= Layout.Lengths[sequence]; step++)
        {
            columns[..Rows].CopyTo(Column(sequence, step));
            columns = columns[Rows..];
        }
    }
}
