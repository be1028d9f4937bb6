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
    private const double Wide = 2.8; // what is measured shows on both sides of a prediction that covers it
    private const double Narrow = 1.1;
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
    public static Picture Of(Dataset data, Matrix<double> predictions, string subtitle)
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
            model.Series.Add(Line(points, key, i == 0 ? "measured" : null, PictureStyle.Grey, Wide));
            model.Series.Add(Line(
                steps.Points(predicted), key, i == 0 ? "predicted" : null, PictureStyle.Vermilion, Narrow));
            if (Lonely(points) is { Points.Count: > 0 } lonely)
            {
                lonely.YAxisKey = key;
                model.Series.Add(lonely);
            }
            AddBorders(model, data, steps, key);
        }
        AddBorderName(model, data);
        return new Picture(model, Width, HeaderHeight + PanelHeight * panels);
    }

    /// <summary>Lines where training ends, and thin ones between runs.</summary>
    /// <param name="model">What they are added to.</param>
    /// <param name="data">The runs.</param>
    /// <param name="steps">The axis below.</param>
    /// <param name="key">Of the axis of the panel.</param>
    public static void AddBorders(PlotModel model, Dataset data, StepAxis steps, string key)
    {
        foreach (int t in Ends(data))
        {
            model.Annotations.Add(Vertical(steps.Before(t), LineStyle.Dash, key));
        }
        if (data.Runs.Count > 1 && data.Runs.Count <= MostBorders)
        {
            foreach (int t in Enumerable.Range(1, data.Count - 1).Where(t => data.RunOf(t) != data.RunOf(t - 1)))
            {
                model.Annotations.Add(Vertical(steps.Before(t), LineStyle.Dot, key));
            }
        }
    }

    /// <summary>Names the border in the legend, where no curve runs through the words.</summary>
    private static void AddBorderName(PlotModel model, Dataset data)
    {
        if (Ends(data) is { Length: > 0 } ends)
        {
            model.Series.Add(new LineSeries
            {
                Title = ends.Length == 1 ? "held out from here on" : "held out",
                Color = PictureStyle.Note,
                LineStyle = LineStyle.Dash,
                StrokeThickness = 1,
                YAxisKey = "output 0",
            });
        }
    }

    /// <summary>The steps where a held-out part begins; none where they are too many to draw.</summary>
    private static int[] Ends(Dataset data)
    {
        int[] ends = [.. Enumerable.Range(1, data.Count - 1).Where(t => data.IsTrained(t - 1) && !data.IsTrained(t))];
        return ends.Length <= MostBorders ? ends : [];
    }

    private static LineAnnotation Vertical(double x, LineStyle style, string key) => new()
    {
        Type = LineAnnotationType.Vertical,
        X = x,
        Color = PictureStyle.Note,
        LineStyle = style,
        YAxisKey = key,
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

    private static LineSeries Line(
        DataPoint[] points, string axis, string? title, OxyColor color, double thickness)
    {
        var line = new LineSeries
        {
            Title = title,
            RenderInLegend = title is not null,
            Color = color,
            StrokeThickness = thickness,
            YAxisKey = axis,
        };
        line.Points.AddRange(Curve.Thinned(points));
        return line;
    }
}
