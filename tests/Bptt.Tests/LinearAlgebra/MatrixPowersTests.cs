// Powers by repeated squaring: against products one by one, and the bounds of those between.

using Bptt.Kernels;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class MatrixPowersTests
{
    private readonly Examples _examples = new(seed: 2830);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    public void Every_power_is_the_product_of_as_many(int size)
    {
        Matrix<double> a = _examples.Matrix(size, size);
        MatrixPowers powers = Of(a);
        var expected = Matrix<double>.Build.DenseIdentity(size);
        for (int k = 0; k < 40; k++)
        {
            Matrix<double> actual = Unscaled(powers.Power(k));
            (actual - expected).FrobeniusNorm().Should().BeLessThan(1e-12 * expected.FrobeniusNorm(), "k = {0}", k);
            expected *= a;
        }
    }

    [Fact]
    public void A_power_far_beyond_the_range_of_doubles_has_its_norm()
    {
        MatrixPowers powers = Of(Matrix<double>.Build.DenseDiagonal(5, 5, 3.0));

        powers.Power(1_000_000).Log2Norm.Should().BeApproximately(1_000_000 * Math.Log2(3.0), 1e-3);
        powers.Log2Norm(20).Should().BeApproximately((1 << 20) * Math.Log2(3.0), 1e-3);
    }

    [Fact]
    public void No_power_is_larger_than_its_bound()
    {
        Matrix<double> a = Matrix<double>.Build.DenseOfRowArrays([0.9, 30, 0], [0, 0.8, 20], [0, 0, 0.7]);
        MatrixPowers powers = Of(a);
        var power = Matrix<double>.Build.DenseIdentity(3);
        for (int k = 0; k < 64; k++, power *= a)
        {
            for (int level = 0; level < 8; level++)
            {
                if (k < 1 << level)
                {
                    Math.Log2(power.L2Norm()).Should().BeLessThan(powers.Log2BoundBelow(level) + 1e-10, "k = {0}", k);
                }
            }
        }
    }

    [Fact]
    public void A_contraction_is_told_from_what_still_grows()
    {
        MatrixPowers powers = Of(Matrix<double>.Build.DenseOfRowArrays([0.5, 10], [0, 0.5]));

        powers.IsContraction(0).Should().BeFalse();
        powers.IsContraction(5).Should().BeTrue();
        Of(Matrix<double>.Build.DenseIdentity(4)).IsContraction(9).Should().BeTrue();
        Of(Matrix<double>.Build.DenseDiagonal(2, 2, 1.0 + 1e-9)).IsContraction(9).Should().BeFalse();
    }

    [Fact]
    public void Squares_of_what_is_defective_or_loses_digits_do_not_count_as_accurate()
    {
        Of(_examples.Matrix(6, 6)).IsAccurate(6).Should().BeTrue();
        var jordan = Matrix<double>.Build.DenseOfRowArrays([0.9, 1], [0, 0.9]);
        new MatrixPowers(Scaled(jordan), KernelChoice.Default, isDefective: true).IsAccurate(3).Should().BeFalse();

        // A transient of 1e8 that is gone after two steps, but for 1e-3: the square is rounding.
        var fading = Matrix<double>.Build.DenseOfRowArrays([1e-3, 1e8], [0, -1e-3]);
        Of(fading).IsAccurate(1).Should().BeFalse();

        // What differs by more than 60 decades is lost when it is squared.
        Of(Matrix<double>.Build.DenseOfDiagonalArray([1.0, 1e-70])).IsAccurate(1).Should().BeFalse();
    }

    private static MatrixPowers Of(Matrix<double> a) => new(Scaled(a), KernelChoice.Default);

    private static ScaledMatrix Scaled(Matrix<double> a) => ScaledMatrix.Take(a.ToColumnMajorArray(), a.RowCount);

    private static Matrix<double> Unscaled(ScaledMatrix matrix) =>
        matrix.ToMantissa().Map(m => Math.ScaleB(m, (int)matrix.Exponent));
}
