// The kernels against MathNet's products, at odd sizes, with strides, and with canaries around what they may write.

using Bptt.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Kernels;

public class KernelTests
{
    private const double Canary = 12345.678;

    public static TheoryData<int, int, int, bool, bool> Products
    {
        get
        {
            var data = new TheoryData<int, int, int, bool, bool>();
            foreach ((int m, int n, int k) in new[]
            {
                (1, 1, 1), (1, 5, 3), (4, 1, 7), (3, 2, 1), (8, 8, 8), (7, 9, 5), (17, 3, 13), (5, 4, 0), (5, 0, 4), (25, 17, 33),
            })
            {
                foreach (bool transposeA in new[] { false, true })
                {
                    foreach (bool transposeB in new[] { false, true })
                    {
                        data.Add(m, n, k, transposeA, transposeB);
                    }
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Products))]
    public void Products_agree_with_MathNet_and_write_nothing_else(int m, int n, int k, bool transposeA, bool transposeB)
    {
        var examples = new Examples(seed: 100 * m + 10 * n + k);
        (double[] a, int lda) = Stored(examples, transposeA ? k : m, transposeA ? m : k);
        (double[] b, int ldb) = Stored(examples, transposeB ? n : k, transposeB ? k : n);
        (double[] c, int ldc) = Stored(examples, m, n);
        MatrixView viewA = View(a, m, k, lda, transposeA);
        MatrixView viewB = View(b, k, n, ldb, transposeB);
        double[,] product = Product(viewA, viewB);

        foreach (bool accumulate in new[] { false, true })
        {
            double[] written = (double[])c.Clone();
            var target = new MatrixSpan(written, m, n, ldc);
            if (accumulate)
            {
                KernelChoice.Default.MultiplyAdd(viewA, viewB, target);
            }
            else
            {
                KernelChoice.Default.Multiply(viewA, viewB, target);
            }

            for (int index = 0; index < written.Length; index++)
            {
                int i = index % ldc;
                int j = index / ldc;
                if (i >= m || j >= n)
                {
                    written[index].Should().Be(Canary, "nothing outside C is written");
                    continue;
                }
                double expected = product[i, j] + (accumulate ? c[index] : 0.0);
                written[index].Should().BeApproximately(expected, 1e-14 * (k + 1));
            }
        }
    }

    [Fact]
    public void A_product_overwrites_even_NaN_and_carries_NaN_through_products_with_zero()
    {
        double[] c = [double.NaN];
        KernelChoice.Default.Multiply(
            new MatrixView([0.0, 2.0], 1, 2, 1), new MatrixView([3.0, 4.0], 2, 1, 2), new MatrixSpan(c, 1, 1, 1));
        c[0].Should().Be(8.0);

        KernelChoice.Default.Multiply(
            new MatrixView([0.0, 2.0], 1, 2, 1), new MatrixView([double.NaN, 4.0], 2, 1, 2), new MatrixSpan(c, 1, 1, 1));
        c[0].Should().Be(double.NaN);
    }

    [Fact]
    public void Flushing_clears_what_is_tiny_and_keeps_the_rest()
    {
        double[] values = [1e-291, -1e-291, 1e-290, -1.0, double.NaN, double.NegativeInfinity];
        KernelSet.FlushTiny(values);
        values.Should().Equal(0.0, 0.0, 1e-290, -1.0, double.NaN, double.NegativeInfinity);
    }

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

    private static (double[] Values, int LeadingDimension) Stored(Examples examples, int rows, int columns)
    {
        int leadingDimension = rows + 2;
        double[] values = new double[leadingDimension * (columns + 1)];
        Array.Fill(values, Canary);
        Matrix<double> entries = columns == 0 || rows == 0
            ? Matrix<double>.Build.Dense(rows, columns)
            : examples.Matrix(rows, columns);
        for (int j = 0; j < columns; j++)
        {
            entries.Column(j).ToArray().CopyTo(values.AsSpan(j * leadingDimension));
        }
        return (values, leadingDimension);
    }

    private static MatrixView View(double[] values, int rows, int columns, int leadingDimension, bool transposed) =>
        transposed
            ? new MatrixView(values, columns, rows, leadingDimension).T
            : new MatrixView(values, rows, columns, leadingDimension);

    private static double[,] Product(MatrixView a, MatrixView b)
    {
        if (a.Rows == 0 || b.Columns == 0 || a.Columns == 0)
        {
            return new double[a.Rows, b.Columns];
        }
        return (Dense(a) * Dense(b)).ToArray();
    }

    private static Matrix<double> Dense(MatrixView view) =>
        Matrix<double>.Build.DenseOfColumnMajor(view.Rows, view.Columns, Entries(view));

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
