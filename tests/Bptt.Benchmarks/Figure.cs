// How numbers are printed: three significant digits or so, and no exponents.

namespace Bptt.Benchmarks;

internal static class Figure
{
    /// <summary>What stands where nothing was measured.</summary>
    public const string None = "—";

    /// <summary>A time in milliseconds.</summary>
    public static string Milliseconds(double seconds) => Significant(1e3 * seconds);

    /// <summary>A rate in 10⁹ floating point operations per second.</summary>
    public static string GigaFlops(double flopsPerSecond) => Significant(1e-9 * flopsPerSecond);

    public static string Percent(double fraction) => $"{100.0 * fraction:F1} %";

    /// <summary>How many times one figure is another.</summary>
    public static string Times(double ratio) => $"{Significant(ratio)}×";

    public static string Mebibytes(double bytes) => $"{bytes / (1 << 20):F0} MiB";

    public static string Significant(double value) => Math.Abs(value) switch
    {
        >= 100.0 => $"{value:F0}",
        >= 10.0 => $"{value:F1}",
        >= 1.0 => $"{value:F2}",
        _ => $"{value:F3}",
    };
}
