// A gradient check in words.

using Bptt.Cli.Console;
using Bptt.Verification;

namespace Bptt.Cli.Fitting;

internal static class CheckText
{
    /// <summary>One line for all parameters.</summary>
    /// <param name="report">The check; null where it was stopped or left out.</param>
    public static string Summary(GradientCheck? report) => report is null ? "not made"
        : report.Verdict == Verdict.Inconclusive
            ? "cannot be told, the gradient is within the rounding of the loss"
            : $"{Of(report.Verdict)} (worst relative error {report.RelativeError:0.0E+0}, "
                + $"{report.Parameters.Sum(p => p.CheckedCount)} entries)";

    /// <summary>A line for each parameter, and one for all directions. Errors and uncertainties are relative.</summary>
    public static TextTable Table(GradientCheck report)
    {
        var table = new TextTable("gradient of", "verdict", "error", "uncertainty", "entries", "worst at")
        {
            IsNumeric = false,
        };
        foreach (ParameterCheck parameter in report.Parameters)
        {
            table.Add(
                parameter.Parameter,
                Of(parameter.Verdict),
                $"{parameter.RelativeError:0.0E+0}",
                $"{parameter.RelativeUncertainty:0.0E+0}",
                $"{parameter.CheckedCount} of {parameter.EntryCount}",
                Place(parameter.Worst));
        }
        if (report.Directions.Count > 0)
        {
            table.Add(
                "directions",
                Of(report.Directions.Max(d => d.Verdict)),
                $"{report.Directions.Max(d => d.RelativeError):0.0E+0}",
                "",
                $"{report.Directions.Count}",
                "");
        }
        return table;
    }

    private static string Place(CheckedEntry entry) =>
        entry.Step is int step and > 0 ? $"step {step} [{entry.Row}]" : $"({entry.Row}, {entry.Column})";

    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "passed",
        Verdict.Failed => "FAILED",
        _ => "cannot be told",
    };
}
