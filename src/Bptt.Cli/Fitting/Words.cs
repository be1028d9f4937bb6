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
        string format = percent == 0.0
            ? "0"
            : Math.Abs(percent) switch { < 0.001 => "0.0E+0", < 999.5 => "G3", < 1e6 => "0", _ => "0.0E+0" };
        return $"{percent.ToString(format, CultureInfo.InvariantCulture)} %";
    }

    /// <summary>Steps of time: 23 steps, 4.18 steps.</summary>
    public static string Steps(double steps) => steps == 1.0 ? "1 step" : $"{Number(steps)} steps";

    /// <summary>1 hidden unit, 8 hidden units.</summary>
    public static string HiddenUnits(int count) => count == 1 ? "1 hidden unit" : $"{count} hidden units";

    /// <summary>1 epoch, 8 epochs.</summary>
    public static string Epochs(int count) => count == 1 ? "1 epoch" : $"{count} epochs";

    /// <summary>A number of a few digits.</summary>
    public static string Number(double number) => Math.Abs(number) switch
    {
        0.0 or (>= 1e-3 and < 9999.5) => number.ToString("G4", CultureInfo.InvariantCulture),
        >= 9999.5 and < 999_999.5 => number.ToString("0", CultureInfo.InvariantCulture),
        _ => Exponential(number),
    };

    /// <summary>A magnitude of eigenvalues, to four places: 0.8414; 1.00E-7 and 1.00E+9 where those say
    /// nothing.</summary>
    public static string Magnitude(double magnitude) =>
        IsPlain(magnitude) ? Places(magnitude) : Exponential(magnitude);

    /// <summary>An eigenvalue, or with a sign ± the two of a conjugate pair.</summary>
    public static string Complex(Complex number, string sign)
    {
        Func<double, string> text = IsPlain(number.Magnitude) ? Places : Exponential;
        return number.Imaginary == 0.0
            ? text(number.Real)
            : $"{text(number.Real)} {sign} {text(Math.Abs(number.Imaginary))}i";
    }

    private static bool IsPlain(double magnitude) => magnitude is 0.0 or (>= 1e-3 and < 1e5);

    private static string Places(double number) =>
        (Math.Round(number, 4) + 0.0).ToString("F4", CultureInfo.InvariantCulture); // never "-0.0000"

    private static string Exponential(double number) => double.IsInfinity(number)
        ? number > 0.0 ? "infinite" : "-infinite"
        : number.ToString("0.00E+0", CultureInfo.InvariantCulture);
}
