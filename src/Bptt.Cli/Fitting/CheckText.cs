// A gradient check in words.

using Bptt.Verification;

namespace Bptt.Cli.Fitting;

internal static class CheckText
{
    /// <summary>One line for all parameters.</summary>
    public static string Summary(GradientCheckReport report) =>
        report.Verdict == Verdict.Inconclusive
            ? "cannot be told, the gradient is within the rounding of the loss"
            : $"{Of(report.Verdict)} (worst relative error {report.RelativeError:0.0E+0}, {report.Parameters.Sum(p => p.CheckedCount)} entries)";

    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "passed",
        Verdict.Failed => "FAILED",
        _ => "cannot be told",
    };
}
