// A gradient check in words.

using Bptt.Verification;

namespace Bptt.Cli.Fitting;

internal static class CheckText
{
    /// <summary>One line for all parameters.</summary>
    public static string Summary(GradientCheckReport report) =>
        report.Verdict == GradientCheckVerdict.Inconclusive
            ? "cannot be told, the gradient is within the rounding of the loss"
            : $"{Verdict(report.Verdict)} (worst relative error {report.RelativeError:0.0E+0}, {report.Parameters.Sum(p => p.CheckedCount)} entries)";

    public static string Verdict(GradientCheckVerdict verdict) => verdict switch
    {
        GradientCheckVerdict.Passed => "passed",
        GradientCheckVerdict.Failed => "FAILED",
        _ => "cannot be told",
    };
}
