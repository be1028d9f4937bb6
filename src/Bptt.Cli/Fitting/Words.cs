// Numbers as people read them.

using System.Globalization;
using System.Numerics;

namespace Bptt.Cli.Fitting;

internal static class Words
{
    /// <summary>A part of a whole: 34.2 %, 0.018 %, 1.2E-7 %.</summary>
    public static string Percent(double part)
    {
        double percent = 100.0 * part;
        string format = percent == 0.0 ? "0" : Math.Abs(percent) switch { < 0.001 => "0.0E+0", < 999.5 => "G3", < 1e6 => "0", _ => "0.0E+0" };
        return $"{percent.ToString(format, CultureInfo.InvariantCulture)} %";
    }

    /// <summary>Steps of time: 23 steps, 4.18 steps.</summary>
    public static string Steps(double steps) => steps == 1.0 ? "1 step" : $"{Number(steps)} steps";

    /// <summary>A number of a few digits.</summary>
    public static string Number(double number) => Math.Abs(number) is >= 1e-3 and < 1e5 || number == 0.0
        ? number.ToString("G4", CultureInfo.InvariantCulture)
        : double.IsPositiveInfinity(number) ? "infinite" : number.ToString("0.00E+0", CultureInfo.InvariantCulture);

    /// <summary>An eigenvalue, or with a sign ± the two of a conjugate pair.</summary>
    public static string Complex(Complex number, string sign)
    {
        string imaginary = Math.Abs(number.Imaginary).ToString("F4", CultureInfo.InvariantCulture);
        string real = (Math.Round(number.Real, 4) + 0.0).ToString("F4", CultureInfo.InvariantCulture); // never "-0.0000"
        return number.Imaginary == 0.0 ? real : $"{real} {sign} {imaginary}i";
    }
}
