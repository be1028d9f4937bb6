// Numbers as texts print them: the same on every machine.

using System.Globalization;
using Bptt.Edge;

namespace Bptt.Tests.Edge;

public class NumberTextTests
{
    [Theory]
    [InlineData(0.1, "0.1")]
    [InlineData(-1e-9, "-1E-09")]
    [InlineData(1.0 / 3.0, "0.3333333333333333")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void An_exact_text_is_read_back_bit_for_bit(double value, string text)
    {
        Abroad(() => NumberText.Exact(value)).Should().Be(text);
        double.Parse(text, CultureInfo.InvariantCulture).Should().Be(value);
    }

    [Theory]
    [InlineData(1234.567, 4, "1235")]
    [InlineData(-0.000012345, 3, "-1.23E-05")]
    [InlineData(0.25, 9, "0.25")]
    public void Significant_digits_are_rounded_to(double value, int digits, string text) =>
        Abroad(() => NumberText.Significant(value, digits)).Should().Be(text);

    [Theory]
    [InlineData(1.26e-9, "1.3E-9")]
    [InlineData(0.0, "0.0E+0")]
    [InlineData(-48.0, "-4.8E+1")]
    public void A_size_has_two_digits_and_a_power_of_ten(double value, string text) =>
        Abroad(() => NumberText.Size(value)).Should().Be(text);

    /// <summary>Where numbers have a comma, and minus is another sign.</summary>
    private static string Abroad(Func<string> text)
    {
        CultureInfo home = CultureInfo.CurrentCulture;
        var abroad = new CultureInfo("sv-SE");
        abroad.NumberFormat.NegativeSign = "−";
        abroad.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo.CurrentCulture = abroad;
        try
        {
            return text();
        }
        finally
        {
            CultureInfo.CurrentCulture = home;
        }
    }
}
