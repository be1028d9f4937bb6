// Numbers of 106 bits, as sums of two doubles: precise enough to tell which of two double results is nearer.

using System.Numerics;

namespace Bptt.Tests.Reference;

/// <summary>High + Low, where Low is at most half a unit in the last place of High. Algorithms of Dekker (1971) and
/// Knuth; each operation is right to about 2⁻¹⁰⁴.</summary>
internal readonly record struct DoubleDouble(double High, double Low) :
    IAdditionOperators<DoubleDouble, DoubleDouble, DoubleDouble>,
    ISubtractionOperators<DoubleDouble, DoubleDouble, DoubleDouble>,
    IMultiplyOperators<DoubleDouble, DoubleDouble, DoubleDouble>,
    IDivisionOperators<DoubleDouble, DoubleDouble, DoubleDouble>,
    IAdditiveIdentity<DoubleDouble, DoubleDouble>,
    IMultiplicativeIdentity<DoubleDouble, DoubleDouble>
{
    public static DoubleDouble AdditiveIdentity => default;

    public static DoubleDouble MultiplicativeIdentity => new(1.0, 0.0);

    public static DoubleDouble Of(double value) => new(value, 0.0);

    public static DoubleDouble operator +(DoubleDouble left, DoubleDouble right)
    {
        DoubleDouble high = Sum(left.High, right.High);
        DoubleDouble low = Sum(left.Low, right.Low);
        DoubleDouble sum = Ordered(high.High, high.Low + low.High);
        return Ordered(sum.High, sum.Low + low.Low);
    }

    public static DoubleDouble operator -(DoubleDouble left, DoubleDouble right) =>
        left + new DoubleDouble(-right.High, -right.Low);

    public static DoubleDouble operator *(DoubleDouble left, DoubleDouble right)
    {
        double product = left.High * right.High;
        double error = Math.FusedMultiplyAdd(left.High, right.High, -product);
        return Ordered(product, error + (left.High * right.Low + left.Low * right.High));
    }

    public static DoubleDouble operator /(DoubleDouble left, DoubleDouble right)
    {
        double first = left.High / right.High;
        DoubleDouble rest = left - right * Of(first);
        double second = rest.High / right.High;
        rest -= right * Of(second);
        return Ordered(first, second) + Of(rest.High / right.High);
    }

    private static DoubleDouble Sum(double a, double b)
    {
        double sum = a + b;
        double added = sum - a;
        return new DoubleDouble(sum, a - (sum - added) + (b - added));
    }

    /// <summary>The same where a is no smaller than b in magnitude.</summary>
    private static DoubleDouble Ordered(double a, double b)
    {
        double sum = a + b;
        return new DoubleDouble(sum, b - (sum - a));
    }
}
