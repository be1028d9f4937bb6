// The picture of a fit: measured against predicted over the rows of the table, one panel for each output.

using Bptt.Cli.Data;
using Bptt.Interop;
using MathNet.Numerics.LinearAlgebra;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Bptt.Cli.Output;

internal static class FitPicture
{
    private const double Width = 1000;
    private const double PanelHeight = 360;
    private const double HeaderHeight = 90;
    private const double Gap = 0.08; // between panels, as a fraction of one

    private static readonly OxyColor Measured = OxyColor.FromRgb(0x55, 0x55, 0x55);
    private static readonly OxyColor Predicted = OxyColor.FromRgb(0xD5, 0x5E, 0x00);

    /// <summary>Writes an SVG.</summary>
    /// <param name="stream">Stays open.</param>
    /// <param name="data">What was measured.</param>
    /// <param name="predictions">q×N, scaled.</param>
    /// <param name="subtitle">The result in words.</param>
    public static void Write(Stream stream, Dataset data, Matrix<double> predictions, string subtitle)
    {
        int panels = data.OutputChannels.Length;
        var model = new PlotModel
        {
            Title = $"{data.Name}: measured and predicted",
            Subtitle = subtitle,
            DefaultFont = "sans-serif",
            Background = OxyColors.White,
            PlotAreaBorderColor = OxyColors.LightGray,
            Padding = new OxyThickness(12, 16, 24, 12),
        };
        model.Legends.Add(new Legend
        {
            LegendPlacement = LegendPlacement.Outside,
            LegendPosition = LegendPosition.BottomCenter,
            LegendOrientation = LegendOrientation.Horizontal,
        });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = "row of the table",
            AxisTitleDistance = 8,
            MinimumPadding = 0,
            MaximumPadding = 0,
        });

        for (int i = 0; i < panels; i++)
        {
            Channel channel = data.OutputChannels[i];
            string key = $"output {i}";
            model.Axes.Add(new LinearAxis
            {
                Key = key,
                Position = AxisPosition.Left,
                Title = channel.Name,
                AxisTitleDistance = 8,
                StartPosition = 1.0 - (i + 1.0 - (i < panels - 1 ? Gap : 0.0)) / panels,
                EndPosition = 1.0 - (double)i / panels,
                MajorGridlineStyle = LineStyle.Solid,
                MajorGridlineColor = OxyColor.FromRgb(0xEE, 0xEE, 0xEE),
            });
            model.Series.Add(Line(data, channel, data.Targets.Row(i), key, i == 0 ? "measured" : null, Measured));
            model.Series.Add(Line(data, channel, predictions.Row(i), key, i == 0 ? "predicted" : null, Predicted));
            model.Annotations.Add(new LineAnnotation
            {
                Type = LineAnnotationType.Vertical,
                X = data.RowOf(data.TrainingCount) - 0.5,
                YAxisKey = key,
                Color = OxyColors.Gray,
                LineStyle = LineStyle.Dash,
                Text = "held out from here on",
                TextColor = OxyColors.Gray,
                TextOrientation = AnnotationTextOrientation.Vertical,
            });
        }

        double height = HeaderHeight + PanelHeight * panels;
        var exporter = new SvgExporter
        {
            Width = Width,
            Height = height,
            TextMeasurer = new RoomyTextMeasurer(Width, height),
            UseVerticalTextAlignmentWorkaround = true, // not every viewer knows dominant-baseline
        };
        exporter.Export(model, stream);
    }

    private static LineSeries Line(
        Dataset data, Channel channel, Vector<double> scaled, string axis, string? title, OxyColor color)
    {
        var line = new LineSeries { Title = title, RenderInLegend = title is not null, Color = color, StrokeThickness = 1.2, YAxisKey = axis };
        line.Points.AddRange(scaled.Select((value, t) => new DataPoint(data.RowOf(t), channel.Denormalize(value))));
        return line;
    }

    /// <summary>The viewer chooses the font. OxyPlot measures Helvetica without leading; DejaVu Sans, common on Linux, is
    /// wider and would be cut off, and lines would touch.</summary>
    private sealed class RoomyTextMeasurer(double width, double height) : PdfRenderContext(width, height, OxyColors.White)
    {
        private const double Room = 1.4;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            OxySize size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(size.Width * Room, size.Height * Room);
        }
    }
}
