// The part of a report that shows the model as an engineer knows one: step response, gain over frequency, residuals.

using System.Xml.Linq;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;
using Bptt.Diagnostics;
using Bptt.Identification;
using static Bptt.Cli.Report.Html;

namespace Bptt.Cli.Report;

internal static class SystemSection
{
    private const int FewestSteps = 20;
    private const int MostSteps = 500;

    /// <summary>Time constants of the slowest mode, after which a step response is as good as over.</summary>
    private const double Settling = 5;

    /// <summary>The pictures.</summary>
    public static IEnumerable<XElement> Of(Dataset data, FitResult fit, FitReport report)
    {
        if (!data.InputChannels.Any(c => data.OutputChannels.Any(o => o.Name == c.Name)))
        {
            var system = StateSpace.Of(fit.Model);
            int steps = StepsOf(report.SpectralRadius);
            yield return Element(
                "div",
                Figure(
                    SystemPictures.Steps(system, data.InputChannels, data.OutputChannels, steps)
                        .ForPage("steps", "Step response", 480, 340),
                    "What each output does, in its unit, after an input has stepped up by one of its own and stays "
                        + "there."),
                Figure(
                    SystemPictures.Gains(system, data.InputChannels, data.OutputChannels)
                        .ForPage("gains", "Gain over frequency", 480, 340),
                    "The amplitude of an output over that of an input which is a sine, on logarithmic axes: a peak is "
                        + "a resonance.")).Class("pair");
        }
        if (report.Residuals is ResidualAnalysis analysis)
        {
            yield return Figure(
                SystemPictures.Residuals(analysis, data.InputChannels, data.OutputChannels)
                    .ForPage("residuals", "Correlations of the residuals", 900, 340, "wide"),
                $"Residuals y − ŷ, {FitVerdict.PartOf(data)}: their correlation with themselves some rows before, and "
                    + "with the inputs some rows before after both are made white. Of white residuals one in twenty "
                    + "lies beyond the dashed lines.");
        }
    }

    private static int StepsOf(double radius) => radius is > 0.0 and < 1.0
        ? (int)Math.Clamp(Math.Ceiling(-Settling / Math.Log(radius)), FewestSteps, MostSteps)
        : radius >= 1.0 ? MostSteps : FewestSteps;
}
