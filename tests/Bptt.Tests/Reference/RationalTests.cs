// Rational numbers checked against the laws of arithmetic and the correctly rounded arithmetic of the processor.

using System.Globalization;
using System.Numerics;
using CsCheck;

namespace Bptt.Tests.Reference;

public class RationalTests
{
    private static readonly Gen<Rational> AnyRational =
        Gen.Select(Gen.Int[-1000, 1000], Gen.Int[1, 60], (n, m) => new Rational(n, m));

    /// <summary>Any bit pattern, subnormal numbers and zeros included.</summary>
    private static readonly Gen<double> AnyFiniteDouble =
        Gen.OneOf(
            Gen.ULong.Select(BitConverter.UInt64BitsToDouble),
            Gen.ULong[0, 1UL << 53].Select(BitConverter.UInt64BitsToDouble),
            Gen.Int[-20, 20].Select(value => value / 8.0))
        .Where(double.IsFinite);

    [Fact]
    public void Sums_and_products_follow_the_laws_of_a_field() =>
        Gen.Select(AnyRational, AnyRational, AnyRational).Sample((a, b, c) =>
        {
            ((a + b) + c).Should().Be(a + (b + c));
            (a + b).Should().Be(b + a);
            ((a * b) * c).Should().Be(a * (b * c));
            (a * b).Should().Be(b * a);
            (a * (b + c)).Should().Be((a * b) + (a * c));
            (a + -a).Should().Be(Rational.AdditiveIdentity);
            (a - b).Should().Be(a + -b);
            (a + Rational.AdditiveIdentity).Should().Be(a);
            (a * Rational.MultiplicativeIdentity).Should().Be(a);
            if (b != 0)
            {
                (a / b * b).Should().Be(a);
            }
        });

    [Fact]
    public void Results_are_in_lowest_terms_with_a_positive_denominator() =>
        Gen.Select(Gen.Int[-1000, 1000], Gen.Int[-60, 60].Where(m => m != 0)).Sample((n, m) =>
        {
            var value = new Rational(n, m);
            (value.Numerator * m).Should().Be(value.Denominator * n);
            value.Denominator.Sign.Should().Be(1);
            BigInteger.GreatestCommonDivisor(value.Numerator, value.Denominator).Should().Be(BigInteger.One);
        });

    [Fact]
    public void The_default_value_is_zero()
    {
        default(Rational).Should().Be(new Rational(0, 1));
        (default(Rational) + new Rational(2, 3)).Should().Be(new Rational(2, 3));
    }

    [Fact]
    public void Equal_numbers_are_equal_however_they_are_written()
    {
        new Rational(6, -4).Should().Be(new Rational(-3, 2));
        new Rational(6, -4).GetHashCode().Should().Be(new Rational(-3, 2).GetHashCode());
        new Rational(6, -4).ToString().Should().Be("-3/2");
        new Rational(6, 3).ToString().Should().Be("2");
    }

    [Fact]
    public void The_order_is_that_of_the_numbers()
    {
        (new Rational(1, 3) < new Rational(34, 100)).Should().BeTrue();
        (new Rational(-1, 3) > new Rational(-34, 100)).Should().BeTrue();
        (new Rational(1, 3) <= new Rational(2, 6)).Should().BeTrue();
        (new Rational(1, 3) >= new Rational(2, 5)).Should().BeFalse();
    }

    [Fact]
    public void Division_by_zero_is_refused()
    {
        Action division = () => _ = new Rational(1, 2) / 0;
        division.Should().Throw<DivideByZeroException>();
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_refused()
    {
        foreach (double value in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
        {
            Action conversion = () => Rational.FromDouble(value);
            conversion.Should().Throw<ArgumentOutOfRangeException>();
        }
    }

    [Fact]
    public void Doubles_convert_exactly()
    {
        Rational.FromDouble(0.75).Should().Be(new Rational(3, 4));
        Rational.FromDouble(-1e22).Should().Be(new Rational(-BigInteger.Pow(10, 22), 1));
        Rational.FromDouble(double.Epsilon).Should().Be(new Rational(1, BigInteger.One << 1074));
        Rational.FromDouble(0.1).Should().NotBe(new Rational(1, 10));
    }

    [Fact]
    public void Every_double_survives_the_way_there_and_back() =>
        AnyFiniteDouble.Sample(value => Rational.FromDouble(value).ToDouble().Should().Be(value), iter: 2000);

    [Fact]
    public void Rounded_results_are_those_of_correctly_rounded_arithmetic() =>
        Gen.Select(AnyFiniteDouble, AnyFiniteDouble).Sample(
            (a, b) =>
            {
                var x = Rational.FromDouble(a);
                var y = Rational.FromDouble(b);
                (x + y).ToDouble().Should().Be(a + b);
                (x - y).ToDouble().Should().Be(a - b);
                (x * y).ToDouble().Should().Be(a * b);
                if (b != 0.0)
                {
                    (x / y).ToDouble().Should().Be(a / b);
                }
            },
            iter: 2000);

    [Fact]
    public void Decimal_fractions_round_as_the_parser_rounds_them() =>
        Gen.Select(Gen.Long, Gen.Int[0, 340]).Sample(
            (digits, exponent) =>
            {
                string text = string.Create(CultureInfo.InvariantCulture, $"{digits}e-{exponent}");
                new Rational(digits, BigInteger.Pow(10, exponent)).ToDouble()
                    .Should().Be(double.Parse(text, CultureInfo.InvariantCulture));
            },
            iter: 2000);

    [Fact]
    public void Ties_round_to_even()
    {
        BigInteger big = BigInteger.One << 53;
        new Rational(big + 1, 1).ToDouble().Should().Be(Math.ScaleB(1.0, 53));
        new Rational(big + 3, 1).ToDouble().Should().Be(Math.ScaleB(1.0, 53) + 4.0);
        new Rational(1, BigInteger.One << 1075).ToDouble().Should().Be(0.0);
        new Rational(3, BigInteger.One << 1075).ToDouble().Should().Be(2.0 * double.Epsilon);
        new Rational(-BigInteger.Pow(10, 400), 1).ToDouble().Should().Be(double.NegativeInfinity);
    }
}
