// Dual numbers checked against derivatives that are known.

namespace Bptt.Tests.Reference;

public class DualTests
{
    [Fact]
    public void A_polynomial_has_its_derivative()
    {
        // p(x) = 2x³ − x + 5, p′(x) = 6x² − 1
        for (int n = -5; n <= 5; n++)
        {
            var x = new Rational(n, 3);
            var dual = Dual<Rational>.Variable(x);
            Dual<Rational> value =
                (Dual<Rational>.Constant(2) * dual * dual * dual) - dual + Dual<Rational>.Constant(5);
            value.Value.Should().Be((2 * x * x * x) - x + 5);
            value.Derivative.Should().Be((6 * x * x) - 1);
        }
    }

    [Fact]
    public void A_quotient_has_its_derivative()
    {
        // r(x) = (x² + 1) / (x − 7), r′(x) = (x² − 14x − 1) / (x − 7)²
        for (int n = -5; n <= 5; n++)
        {
            var x = new Rational(n, 2);
            var dual = Dual<Rational>.Variable(x);
            Dual<Rational> value = ((dual * dual) + Dual<Rational>.MultiplicativeIdentity)
                / (dual - Dual<Rational>.Constant(7));
            value.Value.Should().Be(((x * x) + 1) / (x - 7));
            value.Derivative.Should().Be(((x * x) - (14 * x) - 1) / ((x - 7) * (x - 7)));
        }
    }

    [Fact]
    public void Constants_have_derivative_zero()
    {
        Dual<Rational> sum = Dual<Rational>.AdditiveIdentity + Dual<Rational>.Constant(new Rational(1, 3));
        sum.Derivative.Should().Be(Rational.AdditiveIdentity);
        default(Dual<Rational>).Should().Be(Dual<Rational>.AdditiveIdentity);
    }
}
