// The picture of a gradient flow: what is left of a step's gradient, against the steps that it has travelled back.

using OxyPlot;

namespace Bptt.Cli.Pictures;

internal static class FlowPicture
{
    /// <summary>What falls below this part of a curve's largest value for good is not drawn: it adds nothing to a
    /// gradient that anyone would notice, and would press the rest together.</summary>
    private const double Floor = 1e-12;

    /// <summary>Draws. Each curve is given for k = 0, 1, …; zeros and infinities are gaps.</summary>
    /// <param name="mean">Over the losses of all steps.</param>
    /// <param name="last">Of the last step's loss.</param>
    /// <param name="envelope">What the spectrum predicts.</param>
    /// <param name="subtitle">The verdict in words.</param>
    public static Picture Of(
        IReadOnlyList<double> mean, IReadOnlyList<double> last, IReadOnlyList<double> envelope, string subtitle)
    {
        int count = Math.Max(1, Math.Max(Shown(mean), Shown(last)));
        PlotModel model = PictureStyle.Plot("what is left of a step's gradient, k steps back", subtitle);
        model.Axes.Add(PictureStyle.CountingAxis("k, steps back", 0, count - 1));
        var norms = new DecadeAxis(mean.Take(count).Concat(last.Take(count)));
        model.Axes.Add(PictureStyle.AsVertical(norms, "norm of the gradient"));
        if (!norms.HasValues)
        {
            model.Annotations.Add(
                PictureStyle.Nothing(0.5 * (count - 1), 0.5, "nothing to draw: no value is above zero"));
        }
        model.Series.Add(Curve.Of("mean over all steps", Points(mean), PictureStyle.Vermilion, thickness: 3));
        model.Series.Add(Curve.Of("last step", Points(last), PictureStyle.Blue, LineStyle.Dash));
        model.Series.Add(Curve.Of("predicted envelope", Points(envelope), PictureStyle.Grey, LineStyle.Dot));
        return new Picture(model, 1000, 480);

        DataPoint[] Points(IReadOnlyList<double> curve) =>
            curve.Take(count).Select((value, k) => new DataPoint(k, DecadeAxis.Of(value))).ToArray();
    }

    /// <summary>How many of the first values are worth drawing.</summary>
    private static int Shown(IReadOnlyList<double> curve)
    {
        double floor = Floor * curve.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        int count = curve.Count;
        while (count > 0 && !(curve[count - 1] > floor && double.IsFinite(curve[count - 1])))
        {
            count--;
        }
        return count;
    }
}
