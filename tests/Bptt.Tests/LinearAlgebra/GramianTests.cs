// The factor of a Gramian: it satisfies its equation, keeps small directions, and is refused where there is no sum.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class GramianTests
{
    private readonly Examples _examples = new(seed: 2850);

    [Theory]
    [InlineData(1, 1, 0.5)]
    [InlineData(5, 2, 0.99)]
    [InlineData(3, 7, 0.2)]
    public void A_factor_solves_the_Lyapunov_equation(int states, int columns, double radius)
    {
        Matrix<double> a = _examples.Model(1, states, 1, radius).Whh;
        Matrix<double> b = _examples.Matrix(states, columns);

        Matrix<double> factor = Gramian.Factor(a, b);

        factor.ColumnCount.Should().BeLessThanOrEqualTo(states);
        Matrix<double> w = factor.TransposeAndMultiply(factor);
        (a * w * a.Transpose() + b.TransposeAndMultiply(b) - w).InfinityNorm()
            .Should().BeLessThan(1e-13 * w.InfinityNorm());
    }

    [Theory]
    [InlineData(1e-250)]
    [InlineData(1e250)]
    public void It_is_linear_in_the_columns_at_any_size(double size)
    {
        Matrix<double> a = _examples.Model(1, 4, 1, 0.8).Whh;
        Matrix<double> b = _examples.Matrix(4, 2);
        Matrix<double> expected = Gramian.Factor(a, b);
        Matrix<double> actual = Gramian.Factor(a, size * b) / size;

        (actual.TransposeAndMultiply(actual) - expected.TransposeAndMultiply(expected)).InfinityNorm()
            .Should().BeLessThan(1e-13 * expected.InfinityNorm() * expected.InfinityNorm());
    }

    [Fact]
    public void A_direction_that_hardly_anything_reaches_keeps_its_digits()
    {
        // The entry of W itself would be 1e-24 beside 1: its root is 1e-12, to 12 digits and more.
        var a = Matrix<double>.Build.DenseOfDiagonalArray([0.5, 0.5]);
        var b = Matrix<double>.Build.DenseOfDiagonalArray([1.0, 1e-12]);

        Matrix<double> factor = Gramian.Factor(a, b);

        factor.Row(1).L2Norm().Should().BeApproximately(1e-12 / Math.Sqrt(0.75), 1e-26);
    }

    [Fact]
    public void Nothing_reaches_nothing()
    {
        Gramian.Factor(_examples.Matrix(3, 3), Matrix<double>.Build.Dense(3, 2)).FrobeniusNorm().Should().Be(0.0);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1.5)]
    public void A_sum_that_does_not_exist_is_refused(double radius)
    {
        Matrix<double> a = Matrix<double>.Build.DenseDiagonal(2, 2, radius);
        Action act = () => Gramian.Factor(a, _examples.Matrix(2, 1));
        act.Should().Throw<ArithmeticException>().WithMessage("*order 2*does not converge*");
    }
}
