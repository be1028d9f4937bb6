// A matrix with an exponent of its own: against MathNet where doubles hold the numbers, and beyond where they do not.

using Bptt.Kernels;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class ScaledMatrixTests
{
    private readonly Examples _examples = new(seed: 2820);

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(3, 5, 400)]
    [InlineData(7, 2, -1000)]
    public void The_largest_entry_is_brought_to_between_one_and_two_without_rounding(
        int rows, int columns, int exponent)
    {
        Matrix<double> given = _examples.Matrix(rows, columns, Math.ScaleB(1.0, exponent));

        ScaledMatrix scaled = Of(given);

        scaled.Values.ToArray().Max(Math.Abs).Should().BeInRange(1.0, 2.0).And.NotBe(2.0);
        scaled.Values.ToArray().Select(m => Math.ScaleB(m, (int)scaled.Exponent))
            .Should().Equal(given.ToColumnMajorArray());
        scaled.ToMantissa().ToColumnMajorArray().Should().Equal(scaled.Values.ToArray());
    }

    [Fact]
    public void Zero_has_the_exponent_zero_and_no_norm()
    {
        ScaledMatrix zero = Of(Matrix<double>.Build.Dense(2, 3));

        (zero.IsZero, zero.Exponent, zero.Norm).Should().Be((true, 0L, 0.0));
        zero.Log2Norm.Should().Be(double.NegativeInfinity);
        ScaledMatrix other = Of(_examples.Matrix(2, 3));
        zero.Plus(other).Should().BeSameAs(other);
        other.Beside(zero).Should().BeSameAs(other);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 3, 7)]
    [InlineData(9, 9, 2)]
    public void Products_are_those_of_their_matrices_by_every_set_of_kernels(int rows, int inner, int columns)
    {
        Matrix<double> a = _examples.Matrix(rows, inner);
        Matrix<double> b = _examples.Matrix(inner, columns);
        foreach (KernelSet kernels in KernelChoice.Supported)
        {
            Difference(Of(a).Times(Of(b), kernels), a * b).Should().BeLessThan(1e-15);
        }
    }

    [Fact]
    public void Products_neither_overflow_nor_vanish()
    {
        ScaledMatrix power = Of(Matrix<double>.Build.DenseDiagonal(3, 3, 1e300));
        for (int i = 0; i < 10; i++)
        {
            power = power.Times(power, KernelChoice.Default);
        }
        power.Log2Norm.Should().BeApproximately(1024 * Math.Log2(1e300), 1e-6);
        power.Norm.Should().Be(double.PositiveInfinity);
    }

    [Fact]
    public void Sums_and_columns_beside_each_other_take_the_larger_exponent()
    {
        Matrix<double> large = _examples.Matrix(3, 2, 1e200);
        Matrix<double> small = _examples.Matrix(3, 2, 1e190);

        Difference(Of(large).Plus(Of(small)), large + small).Should().BeLessThan(1e-15);
        Difference(Of(small).Beside(Of(large)), small.Append(large)).Should().BeLessThan(1e-15);
    }

    [Fact]
    public void A_part_has_its_rows_and_columns_in_the_order_given()
    {
        Matrix<double> given = _examples.Matrix(5, 5);
        int[] rows = [4, 0, 2];

        Difference(Of(given).Part(rows), Selected(rows, [0, 1, 2, 3, 4])).Should().Be(0.0);
        Difference(Of(given).Part(rows, [3, 3, 1, 0]), Selected(rows, [3, 3, 1, 0])).Should().Be(0.0);

        Matrix<double> Selected(int[] fromRows, int[] fromColumns) => Matrix<double>.Build.Dense(
            fromRows.Length, fromColumns.Length, (i, j) => given[fromRows[i], fromColumns[j]]);
    }

    [Theory]
    [InlineData(1, 6)]
    [InlineData(4, 3)]
    [InlineData(5, 5)]
    public void Norms_are_those_of_the_matrix(int rows, int columns)
    {
        Matrix<double> given = _examples.Matrix(rows, columns, 1e-200);
        ScaledMatrix scaled = Of(given);

        scaled.Norm.Should().BeApproximately(1e-200 * (1e200 * given).L2Norm(), 1e-14 * scaled.Norm);
        Math.Pow(2.0, scaled.Log2FrobeniusNorm + 600).Should().BeApproximately(
            (Math.Pow(2.0, 600) * given).FrobeniusNorm(), 1e-10 * Math.Pow(2.0, scaled.Log2FrobeniusNorm + 600));
    }

    [Theory]
    [InlineData(3, 8)]
    [InlineData(6, 6)]
    public void A_compressed_matrix_has_the_same_outer_product_in_no_more_columns_than_rows(int rows, int columns)
    {
        Matrix<double> given = _examples.Matrix(rows, columns);

        ScaledMatrix compressed = Of(given).Compressed();

        compressed.Columns.Should().BeLessThanOrEqualTo(rows);
        Matrix<double> few = Unscaled(compressed);
        (few.TransposeAndMultiply(few) - given.TransposeAndMultiply(given)).InfinityNorm().Should().BeLessThan(1e-14);
    }

    [Fact]
    public void Singular_values_are_compared_with_bounds_at_any_size()
    {
        ScaledMatrix huge = Of(Matrix<double>.Build.DenseDiagonal(2, 2, 1e300));
        double largest = huge.Svd().S[0];

        huge.Ratio(largest, 5e299).Should().BeApproximately(2.0, 1e-15);
        huge.Ratio(largest, 1e-300).Should().Be(double.PositiveInfinity);
        Of(Matrix<double>.Build.DenseDiagonal(2, 2, 1e-300)).Ratio(1.0, 1e300).Should().Be(0.0);
    }

    [Fact]
    public void A_view_may_be_turned_and_carry_an_exponent_of_its_own()
    {
        Matrix<double> given = _examples.Matrix(2, 5);
        var turned = ScaledMatrix.Of(new MatrixView(given.ToColumnMajorArray(), 2, 5, 2).T, exponent: 3);

        Difference(turned, 8.0 * given.Transpose()).Should().Be(0.0);
        Difference(ScaledMatrix.Identity(3), Matrix<double>.Build.DenseIdentity(3)).Should().Be(0.0);
    }

    private static ScaledMatrix Of(Matrix<double> matrix) =>
        ScaledMatrix.Take(matrix.ToColumnMajorArray(), matrix.RowCount);

    private static Matrix<double> Unscaled(ScaledMatrix matrix) =>
        matrix.ToMantissa().Map(m => Math.ScaleB(m, (int)matrix.Exponent));

    private static double Difference(ScaledMatrix actual, Matrix<double> expected) =>
        (Unscaled(actual) - expected).Enumerate().Max(Math.Abs) / expected.Enumerate().Max(Math.Abs);
}
