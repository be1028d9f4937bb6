// Operations on one flat vector, at every length around the width of a register.

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
    public void The_root_mean_square_is_the_size_of_entries_that_are_alike()
    {
        for (int n = 1; n < 40; n++)
        {
            double[] x = [.. Enumerable.Range(0, n).Select(i => i % 2 == 0 ? -3e-200 : 3e-200)];
            VectorMath.RootMeanSquare(x).Should().BeApproximately(3e-200, 1e-214, "n = {0}", n);
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
    public void The_first_non_finite_entry_is_found_wherever_it_is()
    {
        VectorMath.FirstNonFinite<double>([]).Should().Be(-1);
        for (int n = 1; n < 40; n++)
        {
            double[] x = Numbers(n);
            VectorMath.FirstNonFinite(x).Should().Be(-1, "n = {0}", n);
            for (int i = n - 1; i >= 0; i--)
            {
                x[i] = i % 3 == 0 ? double.NaN : i % 3 == 1 ? double.NegativeInfinity : double.PositiveInfinity;
                VectorMath.FirstNonFinite(x).Should().Be(i, "n = {0}", n);
            }
        }
    }

    [Fact]
    public void The_largest_magnitude_and_the_largest_distance_are_found_wherever_they_are()
    {
        VectorMath.MaxAbs<double>([]).Should().Be(0.0);
        VectorMath.MaxDistance<double>([], []).Should().Be(0.0);
        for (int n = 1; n < 40; n++)
        {
            for (int i = 0; i < n; i++)
            {
                double[] x = Numbers(n);
                double[] y = Numbers(n);
                x[i] = -1000.0;
                VectorMath.MaxAbs(x).Should().Be(1000.0, "n = {0}, i = {1}", n, i);
                VectorMath.MaxDistance(x, y).Should().Be(1000.0 + y[i], "n = {0}, i = {1}", n, i);
                x[i] = double.NaN;
                VectorMath.MaxAbs(x).Should().Be(double.NaN, "n = {0}, i = {1}", n, i);
                VectorMath.MaxDistance(x, y).Should().Be(double.NaN, "n = {0}, i = {1}", n, i);
            }
        }
    }

    [Fact]
    public void Scaling_and_adding_touch_every_entry_and_no_other()
    {
        for (int n = 0; n < 40; n++)
        {
            double[] x = Numbers(n + 2);
            double[] y = [.. Numbers(n + 2).Reverse()];
            double[] given = [.. y];

            VectorMath.AddScaled(-2.0, x.AsSpan(1, n), y.AsSpan(1, n));
            y.Should().Equal(given.Select((value, i) => i > 0 && i <= n ? value - 2.0 * x[i] : value), "n = {0}", n);

            given = [.. y];
            VectorMath.Scale(3.0, y.AsSpan(1, n));
            y.Should().Equal(given.Select((value, i) => i > 0 && i <= n ? 3.0 * value : value), "n = {0}", n);

            given = [.. y];
            VectorMath.ScaleByPowerOfTwo(-3, y.AsSpan(1, n));
            y.Should().Equal(given.Select((value, i) => i > 0 && i <= n ? value / 8.0 : value), "n = {0}", n);
        }
    }

    [Fact]
    public void A_scaled_difference_tells_the_squared_distance_to_the_last_bit()
    {
        for (int n = 0; n < 40; n++)
        {
            double[] x = [.. Numbers(n).Select(i => i / 3.0)];
            double[] y = [.. Numbers(n).Reverse().Select(i => i / 7.0)];
            double[] z = new double[n];

            double square = VectorMath.ScaledDifference(0.5, x, y, z);

            z.Should().Equal(x.Zip(y, (a, b) => 0.5 * (a - b)), "n = {0}", n);
            square.Should().Be(VectorMath.SquaredDistance(x, y), "n = {0}", n);
            square.Should().BeApproximately(x.Zip(y, (a, b) => (a - b) * (a - b)).Sum(), 1e-15 * square);
        }
    }

    [Theory]
    [InlineData(0.0, 0)]
    [InlineData(1.0, 0)]
    [InlineData(-1.999, 0)]
    [InlineData(0.75, -1)]
    [InlineData(double.MaxValue, 1023)]
    [InlineData(double.Epsilon, -1074)]
    public void An_exponent_leaves_a_number_from_one_to_below_two(double x, int exponent) =>
        VectorMath.Exponent(x).Should().Be(exponent);

    [Theory]
    [InlineData(new[] { 3.0, 4.0 }, 4.0)]
    [InlineData(new[] { 0.3 }, 0.25)]
    public void The_power_of_two_near_a_norm_is_within_a_factor_of_two(double[] x, double expected) =>
        VectorMath.PowerOfTwoNear(x).Should().Be(expected);

    [Theory]
    [InlineData(0.0)]
    [InlineData(1e-320)]
    [InlineData(1e308)]
    public void The_power_of_two_near_any_norm_has_an_inverse(double x) =>
        (1.0 / VectorMath.PowerOfTwoNear([x])).Should().BeInRange(double.Epsilon, double.MaxValue);

    /// <summary>Small whole numbers, none of them alike in magnitude.</summary>
    private static double[] Numbers(int count) =>
        [.. Enumerable.Range(1, count).Select(i => i % 2 == 0 ? -i : (double)i)];
}
