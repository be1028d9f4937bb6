// The picture of a training: the loss at the beginning of each epoch, on a logarithmic axis.

using OxyPlot;

namespace Bptt.Cli.Pictures;

internal static class LossPicture
{
    /// <summary>Draws.</summary>
    /// <param name="losses">Of epochs 1, 2, …; at least one.</param>
    /// <param name="bestEpoch">The epoch whose weights were kept.</param>
    public static Picture Of(IReadOnlyList<double> losses, int bestEpoch)
    {
        PlotModel model = PictureStyle.Plot("loss of the training", $"{losses[bestEpoch - 1]:0.000E+0} at epoch {bestEpoch}");
        model.Axes.Add(PictureStyle.CountingAxis("epoch", 1, losses.Count));
        model.Axes.Add(PictureStyle.AsVertical(new DecadeAxis(losses), "loss"));
        model.Series.Add(Curve.Of(
            "loss", losses.Select((loss, i) => new DataPoint(i + 1, DecadeAxis.Of(loss))).ToArray(), PictureStyle.Vermilion));
        model.Series.Add(PictureStyle.Ring($"kept: epoch {bestEpoch}", bestEpoch, DecadeAxis.Of(losses[bestEpoch - 1])));
        return new Picture(model, 1000, 420);
    }
}
