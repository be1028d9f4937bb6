// A gradient check in words.

using Bptt.Cli.Output;
using Bptt.Verification;

namespace Bptt.Cli.Fitting;

internal static class CheckText
{
    /// <summary>One line for all parameters.</summary>
    public static string Summary(GradientCheckReport report) =>
        report.Verdict == Verdict.Inconclusive
            ? "cannot be told, the gradient is within the rounding of the loss"
            : $"{Of(report.Verdict)} (worst relative error {report.RelativeError:0.0E+0}, {report.Parameters.Sum(p => p.CheckedCount)} entries)";

    /// <summary>A line for each parameter.</summary>
    public static TextTable Table(GradientCheckReport report)
    {
        var table = new TextTable("gradient of", "verdict", "relative error", "uncertainty", "entries", "worst at") { IsNumeric = false };
        foreach (ParameterCheck parameter in report.Parameters)
        {
            table.Add(
                parameter.Parameter,
                Of(parameter.Verdict),
                $"{parameter.RelativeError:0.0E+0}",
                $"{parameter.RelativeUncertainty:0.0E+0}",
                $"{parameter.CheckedCount} of {parameter.EntryCount}",
                $"({parameter.Worst.Row}, {parameter.Worst.Column})");
        }
        return table;
    }

    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "passed",
        Verdict.Failed => "FAILED",
        _ => "cannot be told",
    };
}
