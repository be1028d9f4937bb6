// Exact rational numbers: no rounding anywhere, so that two formulas can be compared with "equal". Slow on purpose.

using System.Globalization;
using System.Numerics;

namespace Bptt.Tests.Reference;

/// <summary>Numerator / Denominator in lowest terms, with a denominator above 0. The default value is 0.</summary>
internal readonly struct Rational :
    IEquatable<Rational>,
    IComparable<Rational>,
    IComparisonOperators<Rational, Rational, bool>,
    IAdditionOperators<Rational, Rational, Rational>,
    ISubtractionOperators<Rational, Rational, Rational>,
    IMultiplyOperators<Rational, Rational, Rational>,
    IDivisionOperators<Rational, Rational, Rational>,
    IUnaryNegationOperators<Rational, Rational>,
    IAdditiveIdentity<Rational, Rational>,
    IMultiplicativeIdentity<Rational, Rational>
{
    private const int MantissaBits = 53;
    private const int SmallestExponent = -1074; // of a double: its last bit is never worth less than 2^-1074

    // Less one, so that the default value of the struct is 0/1.
    private readonly BigInteger _denominatorLessOne;

    public Rational(BigInteger numerator, BigInteger denominator)
    {
        if (denominator.IsZero)
        {
            throw new DivideByZeroException();
        }
        BigInteger divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        Numerator = numerator / divisor;
        _denominatorLessOne = (denominator / divisor) - BigInteger.One;
    }

    public static Rational AdditiveIdentity => new(0, 1);

    public static Rational MultiplicativeIdentity => new(1, 1);

    public BigInteger Numerator { get; }

    public BigInteger Denominator => _denominatorLessOne + BigInteger.One;

    /// <summary>The very number that the double stands for.</summary>
    public static Rational FromDouble(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "A finite number is expected.");
        }
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponentField = (int)(bits >> 52) & 0x7FF;
        long fraction = bits & 0xF_FFFF_FFFF_FFFF;
        BigInteger mantissa = exponentField == 0 ? fraction : fraction | (1L << 52);
        int exponent = Math.Max(exponentField, 1) + SmallestExponent - 1;

        BigInteger signed = bits < 0 ? -mantissa : mantissa;
        return exponent >= 0 ? new(signed << exponent, 1) : new(signed, BigInteger.One << -exponent);
    }

    /// <summary>The nearest double, ties to even; infinite beyond the range of double, subnormal below it.</summary>
    public double ToDouble()
    {
        if (Numerator.IsZero)
        {
            return 0.0;
        }

        // 2^exponent <= |value| < 2^(exponent + 1)
        var magnitude = BigInteger.Abs(Numerator);
        int exponent = (int)(magnitude.GetBitLength() - Denominator.GetBitLength());
        if (Shifted(magnitude, -exponent) < Shifted(Denominator, exponent))
        {
            exponent--;
        }

        // |value| = (integer + remainder / divisor) · 2^lastBit
        int lastBit = Math.Max(exponent - (MantissaBits - 1), SmallestExponent);
        BigInteger divisor = Shifted(Denominator, lastBit);
        var integer = BigInteger.DivRem(Shifted(magnitude, -lastBit), divisor, out BigInteger remainder);
        int half = (2 * remainder).CompareTo(divisor);
        if (half > 0 || (half == 0 && !integer.IsEven))
        {
            integer += BigInteger.One;
        }
        return Numerator.Sign * Math.ScaleB((double)integer, lastBit);
    }

    public bool Equals(Rational other) => Numerator == other.Numerator && Denominator == other.Denominator;

    public override bool Equals(object? obj) => obj is Rational other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Numerator, Denominator);

    public int CompareTo(Rational other) =>
        (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);

    public override string ToString() => Denominator.IsOne
        ? Numerator.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Numerator}/{Denominator}");

    public static implicit operator Rational(int value) => new(value, 1);

    public static Rational operator +(Rational left, Rational right) =>
        new((left.Numerator * right.Denominator) + (right.Numerator * left.Denominator),
            left.Denominator * right.Denominator);

    public static Rational operator -(Rational left, Rational right) => left + -right;

    public static Rational operator -(Rational value) => new(-value.Numerator, value.Denominator);

    public static Rational operator *(Rational left, Rational right) =>
        new(left.Numerator * right.Numerator, left.Denominator * right.Denominator);

    public static Rational operator /(Rational left, Rational right) =>
        new(left.Numerator * right.Denominator, left.Denominator * right.Numerator);

    public static bool operator ==(Rational left, Rational right) => left.Equals(right);

    public static bool operator !=(Rational left, Rational right) => !left.Equals(right);

    public static bool operator <(Rational left, Rational right) => left.CompareTo(right) < 0;

    public static bool operator >(Rational left, Rational right) => left.CompareTo(right) > 0;

    public static bool operator <=(Rational left, Rational right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Rational left, Rational right) => left.CompareTo(right) >= 0;

    /// <summary>value · 2^count where count is above 0, and value itself otherwise.</summary>
    private static BigInteger Shifted(BigInteger value, int count) => count > 0 ? value << count : value;
}
