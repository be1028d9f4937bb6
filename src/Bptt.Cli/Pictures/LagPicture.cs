// The picture of a gradient's lags: how much each adds to ∂L/∂W_hh, and the error of cutting the gradient off there.

using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

internal static class LagPicture
{
    /// <summary>What falls below this part of the gradient for good is not drawn: nobody needs so long a window, and
    /// rounding is not far.</summary>
    private const double Floor = 1e-9;

    private const int MostStems = 100;
    private const string LagsTitle = "lag k adds";

    /// <summary>Draws.</summary>
    /// <param name="contributions">‖C_k‖/‖G‖ for lags k = 0, 1, ….</param>
    /// <param name="truncationErrors">Relative error of a window of k = 1, 2, … steps.</param>
    /// <param name="tolerance">The error that a window may have.</param>
    /// <param name="smallestWindow">The smallest that has no larger one; null where there is none.</param>
    public static Picture Of(
        IReadOnlyList<double> contributions,
        IReadOnlyList<double> truncationErrors,
        double tolerance,
        int? smallestWindow)
    {
        int lags = Shown(contributions);
        int windows = Shown(truncationErrors);
        int to = Math.Max(1, Math.Max(lags - 1, windows));
        double[] shares = contributions.Take(lags).ToArray();
        double[] errors = truncationErrors.Take(windows).ToArray();
        var values = new DecadeAxis(shares.Concat(errors).Where(v => v > Floor).Append(tolerance));
        PlotModel model = PictureStyle.Plot(
            "∂L/∂W_hh by the steps a gradient travelled back",
            smallestWindow is int window
                ? $"a truncation window of {window} loses at most {tolerance:P0}"
                : $"no window drawn loses at most {tolerance:P0}");
        model.Axes.Add(PictureStyle.CountingAxis("k, steps", 0, to));
        model.Axes.Add(PictureStyle.AsVertical(values, "part of ‖∂L/∂W_hh‖"));
        if (!values.HasValues)
        {
            model.Annotations.Add(PictureStyle.Nothing(0.5 * to, 0.5, "nothing to draw: no value is above zero"));
        }
        DataPoint[] points = shares.Select((share, k) => new DataPoint(k, DecadeAxis.Of(share))).ToArray();
        model.Series.Add(lags <= MostStems
            ? Stems(points, values.Minimum)
            : Curve.Of(LagsTitle, points, PictureStyle.Blue, LineStyle.Dash));
        model.Series.Add(Curve.Of(
            "error of a window of k steps",
            errors.Select((error, i) => new DataPoint(i + 1, DecadeAxis.Of(error))).ToArray(),
            PictureStyle.Vermilion));
        model.Annotations.Add(new LineAnnotation
        {
            Type = LineAnnotationType.Horizontal,
            Y = DecadeAxis.Of(tolerance),
            Color = PictureStyle.Note,
            LineStyle = LineStyle.Dash,
            Text = $"{tolerance:P0}",
            TextColor = PictureStyle.Note,
        });
        if (smallestWindow is int k && k <= windows && k >= 1)
        {
            model.Series.Add(PictureStyle.Ring($"k = {k}", k, DecadeAxis.Of(errors[k - 1])));
        }
        return new Picture(model, 1000, 480);
    }

    private static StemSeries Stems(DataPoint[] points, double foot)
    {
        var stems = new StemSeries
        {
            Title = LagsTitle,
            Color = PictureStyle.Blue,
            Base = foot,
            MarkerType = MarkerType.Circle,
            MarkerSize = 2.5,
            MarkerFill = PictureStyle.Blue,
        };
        stems.Points.AddRange(points.Where(p => p.Y >= foot));
        return stems;
    }

    /// <summary>How many of the first values are worth drawing.</summary>
    private static int Shown(IReadOnlyList<double> curve)
    {
        int count = curve.Count;
        while (count > 0 && !(curve[count - 1] > Floor))
        {
            count--;
        }
        return count;
    }
}
