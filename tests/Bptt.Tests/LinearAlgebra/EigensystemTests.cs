// Eigenvalues and the condition of their vectors: where they are known, and by what they satisfy where they are not.

using System.Numerics;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class EigensystemTests
{
    private readonly Examples _examples = new(seed: 2840);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(13)]
    public void Eigenvalues_have_the_sums_of_powers_of_the_matrix_and_come_in_pairs(int size)
    {
        Matrix<double> a = _examples.Matrix(size, size);
        ScaledMatrix scaled = Scaled(a);

        Complex[] values = Array.ConvertAll(Eigensystem.Of(scaled).Values, v => v * Math.Pow(2.0, scaled.Exponent));

        values.Should().HaveCount(size);
        Matrix<double> power = a;
        for (int k = 1; k <= 4; k++, power *= a)
        {
            Complex sum = values.Aggregate(Complex.Zero, (total, value) => total + Complex.Pow(value, k));
            (sum - power.Trace()).Magnitude.Should().BeLessThan(1e-12 * Math.Pow(a.L2Norm(), k) * size, "k = {0}", k);
        }
        for (int i = 0; i < size; i++)
        {
            if (values[i].Imaginary != 0.0)
            {
                values[i].Imaginary.Should().BePositive();
                values[++i].Should().Be(Complex.Conjugate(values[i - 1]));
            }
        }
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(-1000)]
    public void Neither_large_nor_small_matrices_lose_their_eigenvalues(int exponent)
    {
        Matrix<double> a = _examples.Matrix(5, 5);
        Eigensystem.Of(Scaled(Math.ScaleB(1.0, exponent) * a)).Values.Should().Equal(Eigensystem.Of(Scaled(a)).Values);
    }

    [Fact]
    public void Orthogonal_eigenvectors_have_condition_one()
    {
        Matrix<double> symmetric = _examples.Matrix(6, 6);
        symmetric += symmetric.Transpose();
        Eigensystem.Of(Scaled(symmetric)).Condition().Should().BeApproximately(1.0, 1e-12);
    }

    [Fact]
    public void The_condition_is_that_of_unit_vectors()
    {
        // Of [[1, c], [0, 2]] the vectors are (1, 0) and (c, 1)/√(1 + c²), at an angle of cosine c/√(1 + c²).
        const double c = 100.0;
        double cosine = c / Math.Sqrt(1.0 + c * c);
        Eigensystem.Of(Scaled(Matrix<double>.Build.DenseOfRowArrays([1, c], [0, 2]))).Condition()
            .Should().BeApproximately(Math.Sqrt((1.0 + cosine) / (1.0 - cosine)), 1e-8);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_Jordan_block_has_no_condition_and_equal_eigenvalues_alone_do(int size)
    {
        var jordan = Matrix<double>.Build.Dense(size, size, (i, j) => i == j ? 0.5 : j == i + 1 ? 1.0 : 0.0);
        Eigensystem.Of(Scaled(jordan)).Condition().Should().Be(double.PositiveInfinity);
        Eigensystem.Of(Scaled(Matrix<double>.Build.DenseDiagonal(size, size, 0.5))).Condition().Should().Be(1.0);
    }

    [Fact]
    public void A_Jordan_block_that_rounding_tears_apart_has_no_condition()
    {
        Matrix<double> turn = _examples.Matrix(4, 4).QR().Q;
        Matrix<double> jordan = Matrix<double>.Build.DenseOfRowArrays([0.5, 1], [0, 0.5])
            .DiagonalStack(Matrix<double>.Build.DenseOfDiagonalArray([0.1, 2]));

        Eigensystem.Of(Scaled(turn * jordan * turn.Transpose())).Condition().Should().Be(double.PositiveInfinity);
    }

    [Fact]
    public void A_triangular_matrix_has_its_diagonal_exactly_in_any_order_of_its_units()
    {
        int[] order = [3, 0, 4, 1, 2];
        Matrix<double> upper = _examples.Matrix(5, 5).UpperTriangle();
        var turned = Matrix<double>.Build.Dense(5, 5, (i, j) => upper[order[i], order[j]]);
        ScaledMatrix scaled = Scaled(turned);

        Eigensystem.Of(scaled).Values.Select(v => Math.ScaleB(v.Real, (int)scaled.Exponent))
            .Should().BeEquivalentTo(upper.Diagonal());
    }

    private static ScaledMatrix Scaled(Matrix<double> a) => ScaledMatrix.Take(a.ToColumnMajorArray(), a.RowCount);
}
