// Norms, sums and the search for what is not finite.

using Bptt.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class VectorMathTests
{
    [Theory]
    [InlineData(new double[0], 0.0)]
    [InlineData(new[] { 0.0, -0.0 }, 0.0)]
    [InlineData(new[] { -3.0, 4.0 }, 5.0)]
    [InlineData(new[] { 3e-200, 4e-200 }, 5e-200)]
    [InlineData(new[] { 3e200, 4e200 }, 5e200)]
    [InlineData(new[] { 3e-320, 4e-320 }, 5e-320)]
    [InlineData(new[] { 1.0, double.NaN, double.PositiveInfinity }, double.NaN)]
    [InlineData(new[] { 1.0, double.NegativeInfinity }, double.PositiveInfinity)]
    public void Norms_are_right_at_every_size(double[] x, double norm)
    {
        double actual = VectorMath.Norm(x);
        if (double.IsFinite(norm))
        {
            actual.Should().BeApproximately(norm, 1e-15 * norm);
        }
        else
        {
            actual.Should().Be(norm);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(-1000)]
    [InlineData(-1060)]
    public void Norms_of_long_vectors_are_right_at_every_scale(int exponent)
    {
        for (int n = 1; n < 75; n++)
        {
            // 1² + 2² + … + n² is a whole number; scaled by a power of two nothing is rounded.
            double[] x = [.. Enumerable.Range(1, n).Select(i => Math.ScaleB(i % 2 == 0 ? -i : i, exponent))];
            double expected = Math.ScaleB(Math.Sqrt(n * (n + 1.0) * (2.0 * n + 1.0) / 6.0), exponent);
            VectorMath.Norm(x).Should().Be(expected, "n = {0}", n);
        }
    }

    [Fact]
    public void Inner_products_are_right_at_every_size()
    {
        for (int n = 0; n < 75; n++)
        {
            double[] x = [.. Enumerable.Range(1, n).Select(i => (double)i)];
            double[] y = [.. Enumerable.Range(1, n).Select(i => i % 2 == 0 ? -2.0 : 3.0)];
            VectorMath.Dot(x, y)
                .Should().Be(x.Zip(y, (a, b) => a * b).Sum(), "every sum of whole numbers is exact, n = {0}", n);
        }
    }

    [Fact]
    public void The_first_non_finite_entry_is_found()
    {
        VectorMath.FirstNonFinite([1, 2, 3]).Should().Be(-1);
        VectorMath.FirstNonFinite([1, double.NegativeInfinity, double.NaN]).Should().Be(1);
    }

    [Fact]
    public void A_compensated_sum_keeps_what_a_plain_sum_loses()
    {
        var sum = default(CompensatedSum);
        foreach (double term in new[] { 1.0, 1e100, 1.0, -1e100 })
        {
            sum.Add(term);
        }
        sum.Value.Should().Be(2.0);
    }

    [Theory]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData(double.NaN, double.NaN)]
    public void A_compensated_sum_of_something_not_finite_is_the_plain_sum(double term, double expected)
    {
        var sum = default(CompensatedSum);
        sum.Add(1.0);
        sum.Add(term);
        sum.Add(1.0);
        sum.Value.Should().Be(expected);
    }
}
