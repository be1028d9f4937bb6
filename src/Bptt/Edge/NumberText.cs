// Numbers as messages, summaries and files print them, whatever the culture of the machine. Writes no sentence.

using System.Globalization;

namespace Bptt.Edge;

internal static class NumberText
{
    /// <summary>The shortest text that is read back bit for bit; NaN, Infinity and -Infinity by name.</summary>
    public static string Exact(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>To so many significant digits at most, such as 0.25 or 1.23E-09.</summary>
    public static string Significant(double value, int digits) =>
        value.ToString($"G{digits}", CultureInfo.InvariantCulture);

    /// <summary>The name of a type with its settings, whose numbers are read back bit for bit: Adam(rate
    /// 0.1).</summary>
    public static string Named(object owner, FormattableString settings) =>
        $"{owner.GetType().Name}({FormattableString.Invariant(settings)})";

    /// <summary>About how large, in two digits and a power of ten, such as 1.3E-9.</summary>
    public static string Size(double value) => value.ToString("0.0E+0", CultureInfo.InvariantCulture);
}
