// Views of columns and transposes over flat storage.

namespace Bptt.Tests.Kernels;

public class MatrixViewTests
{
    [Fact]
    public void Views_of_columns_and_transposes_read_the_right_entries()
    {
        double[] values = [1, 2, 0, 3, 4, 0, 5, 6, 0]; // 2×3, leading dimension 3
        var matrix = new MatrixSpan(values, 2, 3, 3);

        Entries(matrix).Should().Equal(1, 2, 3, 4, 5, 6);
        Entries(matrix.T).Should().Equal(1, 3, 5, 2, 4, 6);
        Entries(matrix.ColumnRange(1, 2)).Should().Equal(3, 4, 5, 6);
        Entries(matrix.ColumnRange(1, 2).T).Should().Equal(3, 5, 4, 6);
        Entries(matrix.T.ColumnRange(1, 1)).Should().Equal(2, 4, 6);
        matrix.Column(2).ToArray().Should().Equal(5, 6);
        matrix.ColumnRange(3, 0).Columns.Should().Be(0);
    }

    [Fact]
    public void A_view_transposed_twice_is_the_view()
    {
        var view = new MatrixView([1, 2, 0, 3, 4, 0, 5, 6], 2, 3, 3);
        MatrixView again = view.T.T;
        (again.Rows, again.Columns, again.LeadingDimension, again.IsTransposed).Should().Be((2, 3, 3, false));
        (view.T.Rows, view.T.Columns, view.T.RowStride, view.T.ColumnStride).Should().Be((3, 2, 3, 1));
        Entries(again).Should().Equal(Entries(view));
    }

    /// <summary>The entries column by column, as read.</summary>
    private static double[] Entries(MatrixView view)
    {
        double[] entries = new double[view.Rows * view.Columns];
        for (int j = 0; j < view.Columns; j++)
        {
            for (int i = 0; i < view.Rows; i++)
            {
                entries[j * view.Rows + i] = view.Values[i * view.RowStride + j * view.ColumnStride];
            }
        }
        return entries;
    }
}
