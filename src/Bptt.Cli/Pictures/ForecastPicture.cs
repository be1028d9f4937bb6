// The picture of a forecast: the last measured rows, the forecast, and its intervals as bands, one panel for each
// output.

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Forecasting;
using MathNet.Numerics.LinearAlgebra;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

internal static class ForecastPicture
{
    private const double Width = 1000;
    private const double PanelHeight = 360;
    private const double HeaderHeight = 90;
    private const double Gap = 0.08;      // between panels, as a fraction of one
    private const byte BandOpacity = 60;  // of 255; bands lie on each other

    /// <summary>Measured rows that are shown: the last ones, so many times the horizon, and not fewer than a
    /// few.</summary>
    private const int HorizonsShown = 6;

    private const int FewestShown = 60;

    /// <summary>Draws.</summary>
    /// <param name="data">What was measured.</param>
    /// <param name="forecast">What follows.</param>
    /// <param name="subtitle">The model in words.</param>
    public static Picture Of(ForecastData data, SeriesForecast forecast, string subtitle)
    {
        int panels = data.Outputs.Length;
        PlotModel model = PictureStyle.Plot($"{data.Name}: measured and forecast", subtitle);
        model.Axes.Add(PictureStyle.HorizontalAxis("row of the table"));
        Matrix<double> values = forecast.Values;
        int shown = Math.Min(data.Count, Math.Max(FewestShown, HorizonsShown * forecast.Horizon));
        for (int i = 0; i < panels; i++)
        {
            string key = $"output {i}";
            LinearAxis axis = PictureStyle.AsVertical(new LinearAxis(), data.Outputs[i]);
            axis.Key = key;
            axis.StartPosition = 1.0 - (i + 1.0 - (i < panels - 1 ? Gap : 0.0)) / panels;
            axis.EndPosition = 1.0 - (double)i / panels;
            model.Axes.Add(axis);
            foreach (PredictionInterval interval in forecast.Intervals.OrderByDescending(r => r.Level))
            {
                model.Series.Add(Band(data, interval, i, key));
            }
            double[] measured = data.Series.Row(i).ToArray();
            model.Series.Add(Line(
                "measured", i, key, PictureStyle.Grey, measured[^shown..], data.Count - shown + 1));
            int last = Array.FindLastIndex(measured, double.IsFinite);
            double[] begin = last == data.Count - 1 ? [measured[last]] : [];
            model.Series.Add(Line(
                "forecast",
                i,
                key,
                PictureStyle.Vermilion,
                [.. begin, .. values.Row(i)],
                data.Count + 1 - begin.Length));
        }
        return new Picture(model, Width, HeaderHeight + PanelHeight * panels);
    }

    private static AreaSeries Band(ForecastData data, PredictionInterval interval, int output, string axis)
    {
        var band = new AreaSeries
        {
            Title = $"{ForecastTable.Percent(interval.Level)} %",
            RenderInLegend = output == 0,
            Fill = OxyColor.FromAColor(BandOpacity, PictureStyle.Vermilion),
            Color = OxyColors.Transparent,
            Color2 = OxyColors.Transparent,
            StrokeThickness = 0,
            YAxisKey = axis,
        };
        Matrix<double> lower = interval.Lower;
        Matrix<double> upper = interval.Upper;
        var last = new DataPoint(data.Count, data.Series[output, data.Count - 1]);
        if (double.IsFinite(last.Y))
        {
            band.Points.Add(last);
            band.Points2.Add(last);
        }
        for (int k = 0; k < lower.ColumnCount; k++)
        {
            band.Points.Add(new DataPoint(data.Count + k + 1, upper[output, k]));
            band.Points2.Add(new DataPoint(data.Count + k + 1, lower[output, k]));
        }
        return band;
    }

    private static LineSeries Line(
        string title, int output, string axis, OxyColor color, double[] values, int firstRow)
    {
        var line = new LineSeries
        {
            Title = title,
            RenderInLegend = output == 0,
            Color = color,
            StrokeThickness = 1.6,
            YAxisKey = axis,
        };
        line.Points.AddRange(Curve.Thinned(
            [.. values.Select((value, t) => new DataPoint(firstRow + t, value)).Where(p => double.IsFinite(p.Y))]));
        return line;
    }
}
