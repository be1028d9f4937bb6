// Pictures of a model as a system: its step response, its gain over frequency, and what its residuals correlate with.

using Bptt.Diagnostics;
using Bptt.Files;
using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

internal static class SystemPictures
{
    private const int Frequencies = 240;
    private const double LowestFrequency = 1e-3; // of cycles a row
    private const int MostCurves = 6; // as colours and dashes tell apart

    private static readonly OxyColor[] Colours = [PictureStyle.Vermilion, PictureStyle.Blue, PictureStyle.Grey];
    private static readonly LineStyle[] Dashes = [LineStyle.Solid, LineStyle.Dash];

    /// <summary>Outputs after an input steps up by one of its unit and stays there, in their units.</summary>
    public static Picture Steps(
        StateSpace system, IReadOnlyList<Channel> inputs, IReadOnlyList<Channel> outputs, int steps)
    {
        IReadOnlyList<Matrix<double>> response = system.StepResponse(steps);
        PlotModel model = PictureStyle.Plot("step response", "");
        model.Axes.Add(PictureStyle.CountingAxis("rows after an input stepped up by 1", 0, steps - 1));
        model.Axes.Add(PictureStyle.AsVertical(new LinearAxis(), "output, in its unit"));
        foreach (((int i, int j), int k) in Pairs(inputs, outputs).Select((pair, k) => (pair, k)))
        {
            double unit = outputs[i].Scale / inputs[j].Scale;
            model.Series.Add(Line(
                k, NameOf(inputs, outputs, i, j), response.Select((r, t) => new DataPoint(t, unit * r[i, j]))));
        }
        return new Picture(model, 1000, 420);
    }

    /// <summary>The amplitude of outputs over that of an input that is a sine, in their units.</summary>
    public static Picture Gains(StateSpace system, IReadOnlyList<Channel> inputs, IReadOnlyList<Channel> outputs)
    {
        double[] frequencies =
        [
            .. Enumerable.Range(0, Frequencies).Select(
                k => LowestFrequency * Math.Pow(0.5 / LowestFrequency, k / (Frequencies - 1.0))),
        ];
        Matrix<double>[] gains = Array.ConvertAll(
            frequencies, f => system.FrequencyResponse(2.0 * Math.PI * f).Map(z => z.Magnitude));
        double[][] curves = Pairs(inputs, outputs).Select(pair => gains
            .Select(g => g[pair.Output, pair.Input] * outputs[pair.Output].Scale / inputs[pair.Input].Scale).ToArray())
            .ToArray();
        PlotModel model = PictureStyle.Plot("gain over frequency", "");
        model.Axes.Add(new LogarithmicAxis
        {
            Position = AxisPosition.Bottom,
            Title = "cycles a row",
            AxisTitleDistance = 8,
            Minimum = LowestFrequency,
            Maximum = 0.5,
        });
        model.Axes.Add(PictureStyle.AsVertical(
            new DecadeAxis([.. curves.SelectMany(c => c)]), "gain, output over input in their units"));
        foreach (((int i, int j), int k) in Pairs(inputs, outputs).Select((pair, k) => (pair, k)))
        {
            model.Series.Add(Line(
                k,
                NameOf(inputs, outputs, i, j),
                curves[k].Select((gain, f) => new DataPoint(frequencies[f], DecadeAxis.Of(gain)))));
        }
        return new Picture(model, 1000, 420);
    }

    /// <summary>Correlations of residuals with themselves and with inputs before them, against what chance makes of
    /// white ones.</summary>
    public static Picture Residuals(
        ResidualAnalysis analysis, IReadOnlyList<Channel> inputs, IReadOnlyList<Channel> outputs)
    {
        PlotModel model = PictureStyle.Plot("correlations of the residuals", "");
        model.Axes.Add(PictureStyle.CountingAxis("rows between them", 0, analysis.Lags));
        model.Axes.Add(PictureStyle.AsVertical(new LinearAxis { Minimum = -1.0, Maximum = 1.0 }, "correlation"));
        foreach (double bound in new[] { -analysis.Bound, analysis.Bound })
        {
            model.Annotations.Add(new LineAnnotation
            {
                Type = LineAnnotationType.Horizontal,
                Y = bound,
                Color = PictureStyle.Note,
                LineStyle = LineStyle.Dash,
            });
        }
        int k = 0;
        for (int i = 0; i < outputs.Count && k < MostCurves; i++, k++)
        {
            model.Series.Add(Line(k, $"{outputs[i].Name} with itself", Enumerable.Range(1, analysis.Lags).Select(
                lag => new DataPoint(lag, analysis.Autocorrelation(i, lag)))));
        }
        foreach ((int i, int j) in Pairs(inputs, outputs))
        {
            if (k < MostCurves)
            {
                model.Series.Add(Line(k++, $"{outputs[i].Name} with {inputs[j].Name} before", Enumerable
                    .Range(0, analysis.Lags + 1)
                    .Select(lag => new DataPoint(lag, analysis.InputCorrelation(i, j, lag)))));
            }
        }
        return new Picture(model, 1000, 420);
    }

    private static IEnumerable<(int Output, int Input)> Pairs(
        IReadOnlyList<Channel> inputs, IReadOnlyList<Channel> outputs) => outputs
        .SelectMany((_, i) => inputs.Select((_, j) => (i, j))).Take(MostCurves);

    private static string NameOf(IReadOnlyList<Channel> inputs, IReadOnlyList<Channel> outputs, int i, int j) =>
        $"{outputs[i].Name} after {inputs[j].Name}";

    private static LineSeries Line(int which, string name, IEnumerable<DataPoint> points) => Curve.Of(
        SafeText.Clean(name),
        [.. points.Where(p => double.IsFinite(p.Y))],
        Colours[which % Colours.Length],
        Dashes[which / Colours.Length]);
}
