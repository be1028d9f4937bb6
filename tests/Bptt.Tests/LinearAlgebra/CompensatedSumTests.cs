// Sums that lose no digits to their length, one number at a time and a register at a time.

using System.Numerics;
using Bptt.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class CompensatedSumTests
{
    [Fact]
    public void It_keeps_what_a_plain_sum_loses()
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
    public void Of_something_not_finite_it_is_the_plain_sum(double term, double expected)
    {
        var sum = default(CompensatedSum);
        sum.Add(1.0);
        sum.Add(term);
        sum.Add(1.0);
        sum.Value.Should().Be(expected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1001)]
    public void Its_error_does_not_grow_with_the_number_of_terms(int count)
    {
        var random = new Random(count);
        var sum = default(CompensatedSum);
        long exact = 0; // in units of 2⁻⁵³
        for (int i = 0; i < count; i++)
        {
            long units = random.NextInt64(1L << 53);
            exact += units;
            sum.Add(Math.ScaleB(units, -53));
        }
        double expected = Math.ScaleB(exact, -53);
        sum.Value.Should().BeApproximately(expected, MachineEpsilon.OfDouble * expected);
    }

    [Fact]
    public void A_register_of_sums_keeps_what_each_plain_sum_loses()
    {
        var sum = default(CompensatedVectorSum);
        foreach (double term in new[] { 1.0, 1e100, 1.0, -1e100 })
        {
            sum.Add(new Vector<double>(term));
        }
        sum.Total.Value.Should().Be(2.0 * Vector<double>.Count);
    }

    [Fact]
    public void A_register_of_sums_goes_on_one_by_one()
    {
        var lanes = default(CompensatedVectorSum);
        lanes.Add(new Vector<double>(1e16));
        lanes.Add(Vector<double>.One);
        CompensatedSum sum = lanes.Total;
        sum.Add(-1e16 * Vector<double>.Count);
        sum.Value.Should().Be(Vector<double>.Count);
    }

    [Fact]
    public void A_register_of_sums_does_not_hide_what_is_not_finite()
    {
        var sum = default(CompensatedVectorSum);
        sum.Add(new Vector<double>(double.MaxValue));
        sum.Add(new Vector<double>(double.MaxValue));
        sum.Total.Value.Should().Be(double.PositiveInfinity);
    }
}
