// The picture of a fit: measured against predicted over the rows of the table, one panel for each output.

using Bptt.Cli.Data;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

internal static class FitPicture
{
    private const double Width = 1000;
    private const double PanelHeight = 360;
    private const double HeaderHeight = 90;
    private const double Gap = 0.08; // between panels, as a fraction of one

    /// <summary>How far a panel reaches beyond the measured values, in their range: a free run may leave them, and the
    /// range of numbers, without end.</summary>
    private const double Reach = 2;

    /// <summary>Draws.</summary>
    /// <param name="data">What was measured.</param>
    /// <param name="predictions">q×N, scaled.</param>
    /// <param name="subtitle">The result in words.</param>
    /// <param name="border">What is written along the line between the training and the held-out rows.</param>
    public static Picture Of(
        Dataset data, Matrix<double> predictions, string subtitle, string? border = "held out from here on")
    {
        int panels = data.OutputChannels.Length;
        PlotModel model = PictureStyle.Plot($"{data.Name}: measured and predicted", subtitle);
        model.Axes.Add(PictureStyle.HorizontalAxis("row of the table"));
        for (int i = 0; i < panels; i++)
        {
            Channel channel = data.OutputChannels[i];
            string key = $"output {i}";
            LinearAxis axis = PictureStyle.AsVertical(new LinearAxis(), channel.Name);
            axis.Key = key;
            axis.StartPosition = 1.0 - (i + 1.0 - (i < panels - 1 ? Gap : 0.0)) / panels;
            axis.EndPosition = 1.0 - (double)i / panels;
            model.Axes.Add(axis);

            double[] measured = data.Targets.Row(i).Select(channel.Denormalize).ToArray();
            double[] predicted = predictions.Row(i).Select(channel.Denormalize).ToArray();
            double reach = Reach * (measured.Max() - measured.Min());
            (double low, double high) = (measured.Min() - reach, measured.Max() + reach);
            if (predicted.Any(value => !(value >= low && value <= high)))
            {
                (axis.Minimum, axis.Maximum) = (low, high);
                predicted = Array.ConvertAll(predicted, value => Math.Clamp(value, low - reach, high + reach));
            }
            model.Series.Add(Line(data, measured, key, i == 0 ? "measured" : null, PictureStyle.Grey));
            model.Series.Add(Line(data, predicted, key, i == 0 ? "predicted" : null, PictureStyle.Vermilion));
            model.Annotations.Add(new LineAnnotation
            {
                Type = LineAnnotationType.Vertical,
                X = data.RowOf(data.TrainingCount) - 0.5,
                YAxisKey = key,
                Color = PictureStyle.Note,
                LineStyle = LineStyle.Dash,
                Text = border,
                TextColor = PictureStyle.Note,
                TextOrientation = AnnotationTextOrientation.Vertical,
            });
        }
        return new Picture(model, Width, HeaderHeight + PanelHeight * panels);
    }

    private static LineSeries Line(Dataset data, double[] values, string axis, string? title, OxyColor color)
    {
        var line = new LineSeries
        {
            Title = title,
            RenderInLegend = title is not null,
            Color = color,
            StrokeThickness = 1.2,
            YAxisKey = axis,
        };
        line.Points.AddRange(Curve.Thinned(values.Select((value, t) => new DataPoint(data.RowOf(t), value)).ToArray()));
        return line;
    }
}
