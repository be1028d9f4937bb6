// The picture of a training: the loss after each epoch, on a logarithmic axis.

using OxyPlot;

namespace Bptt.Cli.Pictures;

internal static class LossPicture
{
    /// <summary>Draws.</summary>
    /// <param name="losses">After 0, 1, … epochs; at least one.</param>
    /// <param name="bestEpoch">The epochs after which the weights were kept.</param>
    public static Picture Of(IReadOnlyList<double> losses, int bestEpoch)
    {
        PlotModel model = PictureStyle.Plot(
            "loss of the training", $"{losses[bestEpoch]:0.000E+0} at epoch {bestEpoch}");
        model.Axes.Add(PictureStyle.CountingAxis("epochs done", 0, losses.Count - 1));
        model.Axes.Add(PictureStyle.AsVertical(new DecadeAxis(losses), "loss"));
        model.Series.Add(Curve.Of(
            "loss",
            losses.Select((loss, i) => new DataPoint(i, DecadeAxis.Of(loss))).ToArray(),
            PictureStyle.Vermilion));
        model.Series.Add(PictureStyle.Ring($"kept: epoch {bestEpoch}", bestEpoch, DecadeAxis.Of(losses[bestEpoch])));
        return new Picture(model, 1000, 420);
    }
}
