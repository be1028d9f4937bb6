// The picture of a fit: measured against predicted over the rows of the table or their times, a panel for each output.

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

    /// <summary>The most runs whose borders are drawn.</summary>
    private const int MostBorders = 40;

    /// <summary>Draws.</summary>
    /// <param name="data">What was measured.</param>
    /// <param name="predictions">q×N, joined, scaled.</param>
    /// <param name="subtitle">The result in words.</param>
    /// <param name="border">What is written along the line between the training and the held-out rows where there is
    /// one such line.</param>
    public static Picture Of(
        Dataset data, Matrix<double> predictions, string subtitle, string? border = "held out from here on")
    {
        int panels = data.OutputChannels.Length;
        PlotModel model = PictureStyle.Plot($"{data.Name}: measured and predicted", subtitle);
        var steps = new StepAxis(data);
        model.Axes.Add(steps.Axis());
        Matrix<double> targets = data.JoinedTargets;
        for (int i = 0; i < panels; i++)
        {
            Channel channel = data.OutputChannels[i];
            string key = $"output {i}";
            LinearAxis axis = PictureStyle.AsVertical(new LinearAxis(), channel.Name);
            axis.Key = key;
            axis.StartPosition = 1.0 - (i + 1.0 - (i < panels - 1 ? Gap : 0.0)) / panels;
            axis.EndPosition = 1.0 - (double)i / panels;
            model.Axes.Add(axis);

            double[] measured = targets.Row(i).Select(channel.Denormalize).ToArray();
            double[] predicted = predictions.Row(i).Select(channel.Denormalize).ToArray();
            double[] known = [.. measured.Where(value => !double.IsNaN(value))];
            double reach = Reach * (known.Max() - known.Min());
            (double low, double high) = (known.Min() - reach, known.Max() + reach);
            if (predicted.Any(value => !(value >= low && value <= high)))
            {
                (axis.Minimum, axis.Maximum) = (low, high);
                predicted = Array.ConvertAll(predicted, value => Math.Clamp(value, low - reach, high + reach));
            }
            DataPoint[] points = steps.Points(measured);
            model.Series.Add(Line(points, key, i == 0 ? "measured" : null, PictureStyle.Grey));
            model.Series.Add(Line(steps.Points(predicted), key, i == 0 ? "predicted" : null, PictureStyle.Vermilion));
            if (Lonely(points) is { Points.Count: > 0 } lonely)
            {
                lonely.YAxisKey = key;
                model.Series.Add(lonely);
            }
            foreach (LineAnnotation line in Borders(data, steps, border))
            {
                line.YAxisKey = key;
                model.Annotations.Add(line);
            }
        }
        return new Picture(model, Width, HeaderHeight + PanelHeight * panels);
    }

    /// <summary>Lines where training ends, and thin ones between runs.</summary>
    private static IEnumerable<LineAnnotation> Borders(Dataset data, StepAxis steps, string? border)
    {
        int[] ends = [.. Enumerable.Range(1, data.Count - 1).Where(t => data.IsTrained(t - 1) && !data.IsTrained(t))];
        foreach (int t in ends.Length <= MostBorders ? ends : [])
        {
            yield return Vertical(steps.Before(t), LineStyle.Dash, ends.Length == 1 || border is null
                ? border : "held out");
        }
        if (data.Runs.Count > 1 && data.Runs.Count <= MostBorders)
        {
            foreach (int t in Enumerable.Range(1, data.Count - 1).Where(t => data.RunOf(t) != data.RunOf(t - 1)))
            {
                yield return Vertical(steps.Before(t), LineStyle.Dot, null);
            }
        }
    }

    private static LineAnnotation Vertical(double x, LineStyle style, string? text) => new()
    {
        Type = LineAnnotationType.Vertical,
        X = x,
        Color = PictureStyle.Note,
        LineStyle = style,
        Text = text,
        TextColor = PictureStyle.Note,
        TextOrientation = AnnotationTextOrientation.Vertical,
    };

    /// <summary>Marks on the measured values between missing ones, through which no line goes.</summary>
    private static ScatterSeries Lonely(DataPoint[] points)
    {
        var marks = new ScatterSeries
        {
            MarkerType = MarkerType.Circle,
            MarkerSize = 2,
            MarkerFill = PictureStyle.Grey,
            RenderInLegend = false,
        };
        DataPoint[] lonely = [.. points.Where((p, t) => !double.IsNaN(p.Y) && IsGap(t - 1) && IsGap(t + 1))];
        marks.Points.AddRange(Curve.Thinned(lonely).Select(p => new ScatterPoint(p.X, p.Y)));
        return marks;

        bool IsGap(int t) => t < 0 || t >= points.Length || double.IsNaN(points[t].Y);
    }

    private static LineSeries Line(DataPoint[] points, string axis, string? title, OxyColor color)
    {
        var line = new LineSeries
        {
            Title = title,
            RenderInLegend = title is not null,
            Color = color,
            StrokeThickness = 1.2,
            YAxisKey = axis,
        };
        line.Points.AddRange(Curve.Thinned(points));
        return line;
    }
}
