// The picture of the time per step: flat where long sequences cost no more than short ones.

using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Bptt.Benchmarks;

internal static class TimePerStepPicture
{
    private const double Width = 900;
    private const double Height = 480;

    private static readonly OxyColor Measured = OxyColor.FromRgb(0xD5, 0x5E, 0x00);
    private static readonly OxyColor Gridline = OxyColor.FromRgb(0xEE, 0xEE, 0xEE);

    /// <summary>Writes an SVG.</summary>
    /// <param name="stream">Stays open.</param>
    /// <param name="stepCounts">T of each point.</param>
    /// <param name="microseconds">The time per step of each point.</param>
    /// <param name="subtitle">What was measured.</param>
    public static void Write(
        Stream stream, IReadOnlyList<int> stepCounts, IReadOnlyList<double> microseconds, string subtitle)
    {
        var model = new PlotModel
        {
            Title = "Time per step",
            Subtitle = subtitle,
            DefaultFont = "sans-serif",
            Background = OxyColors.White,
            PlotAreaBorderColor = OxyColors.LightGray,
            Padding = new OxyThickness(16, 16, 32, 16),
        };
        model.Axes.Add(new LogarithmicAxis
        {
            Position = AxisPosition.Bottom,
            Title = "T, steps",
            AxisTitleDistance = 10,
            Minimum = stepCounts[0] / 1.3,
            Maximum = stepCounts[^1] * 1.3,
            LabelFormatter = value => double.IsInteger(Math.Round(Math.Log10(value), 9)) ? $"{value:#,0}" : "",
            MajorGridlineStyle = LineStyle.Solid,
            MajorGridlineColor = Gridline,
        });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Left,
            Title = "µs per step",
            AxisTitleDistance = 10,
            Minimum = 0,
            Maximum = 1.25 * microseconds.Max(),
            MajorGridlineStyle = LineStyle.Solid,
            MajorGridlineColor = Gridline,
        });

        var line = new LineSeries
        {
            Color = Measured,
            StrokeThickness = 1.5,
            MarkerType = MarkerType.Circle,
            MarkerSize = 4,
            MarkerFill = Measured,
        };
        line.Points.AddRange(stepCounts.Zip(microseconds, (t, time) => new DataPoint(t, time)));
        model.Series.Add(line);

        var exporter = new SvgExporter
        {
            Width = Width,
            Height = Height,
            TextMeasurer = new RoomyTextMeasurer(),
            UseVerticalTextAlignmentWorkaround = true, // not every viewer knows dominant-baseline
        };
        exporter.Export(model, stream);
    }

    /// <summary>The viewer chooses the font, and it may be wider than the one that OxyPlot measures.</summary>
    private sealed class RoomyTextMeasurer()
        : PdfRenderContext(TimePerStepPicture.Width, TimePerStepPicture.Height, OxyColors.White)
    {
        private const double Room = 1.4;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            OxySize size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(size.Width * Room, size.Height * Room);
        }
    }
}
