// The picture of a comparison: a small panel for each training, all with the same axes, since a score of lines in one
// plot cannot be told apart.

using Bptt.Cli.Fitting;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;

namespace Bptt.Cli.Pictures;

internal static class RemedyPicture
{
    private const int Columns = 4;
    private const double Width = 1100;
    private const double RowHeight = 165;
    private const double HeaderHeight = 130;
    private const double Gap = 0.12; // between panels, as a fraction of a column
    private const double TitleRoom = 0.3; // above a panel, as a fraction of a row

    /// <summary>Larger losses are drawn here, at the upper edge: what matters lies below, and a start of exploding
    /// gradients is a hundred decades away.</summary>
    private const double Ceiling = 85;

    /// <summary>Draws.</summary>
    /// <param name="trials">At least one.</param>
    /// <param name="data">What was trained on, in words.</param>
    public static Picture Of(IReadOnlyList<RemedyTrial> trials, string data)
    {
        int rows = (trials.Count + Columns - 1) / Columns;
        int epochs = Math.Max(1, trials.Max(t => t.Training.Epochs));
        double[][] losses = [.. trials.Select(t => t.Training.History.Select(e => Drawn(e.Loss)).ToArray())];
        double best = trials.Select(t => t.BestLoss).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Min();
        PlotModel model = PictureStyle.Plot(
            $"{data}: the training loss against the epochs, remedy by remedy",
            double.IsFinite(best)
                ? $"larger losses lie on the upper edge; dashed: the smallest of all, {best:0.000E+0}"
                : "no loss is finite");
        model.Legends.Clear();
        model.PlotAreaBorderThickness = new OxyThickness(0);
        for (int column = 0; column < Math.Min(Columns, trials.Count); column++)
        {
            LinearAxis axis = PictureStyle.CountingAxis(column == 0 ? "epochs done" : "", 0, epochs);
            axis.Key = $"x{column}";
            axis.StartPosition = (double)column / Columns;
            axis.EndPosition = (column + 1.0 - Gap) / Columns;
            axis.AxislineStyle = LineStyle.Solid;
            axis.AxislineColor = PictureStyle.Frame;
            model.Axes.Add(axis);
        }
        for (int row = 0; row < rows; row++)
        {
            DecadeAxis axis = PictureStyle.AsVertical(new DecadeAxis([.. losses.SelectMany(l => l), best]), "loss");
            axis.Key = $"y{row}";
            axis.StartPosition = 1.0 - (row + 1.0) / rows;
            axis.EndPosition = 1.0 - (row + TitleRoom) / rows;
            axis.CropGridlines = true;
            axis.AxislineStyle = LineStyle.Solid;
            axis.AxislineColor = PictureStyle.Frame;
            model.Axes.Add(axis);
        }
        for (int i = 0; i < trials.Count; i++)
        {
            AddPanel(model, trials[i], losses[i], best, epochs, $"x{i % Columns}", $"y{i / Columns}");
        }
        return new Picture(model, Width, HeaderHeight + RowHeight * rows);
    }

    private static void AddPanel(
        PlotModel model, RemedyTrial trial, double[] losses, double best, int epochs, string x, string y)
    {
        double top = model.Axes.Single(a => a.Key == y).Maximum;
        double decades = top - model.Axes.Single(a => a.Key == y).Minimum;
        if (double.IsFinite(DecadeAxis.Of(best)))
        {
            model.Annotations.Add(new LineAnnotation
            {
                Type = LineAnnotationType.Horizontal,
                Y = DecadeAxis.Of(best),
                Color = PictureStyle.Note,
                LineStyle = LineStyle.Dash,
                StrokeThickness = 1,
                XAxisKey = x,
                YAxisKey = y,
            });
        }
        bool hasLearned = trial.Outcome == RemedyOutcome.Learned;
        var line = Curve.Of(
            trial.Remedy.Name,
            losses.Select((loss, epoch) => new DataPoint(epoch, DecadeAxis.Of(loss))).ToArray(),
            hasLearned ? PictureStyle.Blue : PictureStyle.Vermilion);
        (line.XAxisKey, line.YAxisKey) = (x, y);
        model.Series.Add(line);
        string result = trial.Outcome switch
        {
            RemedyOutcome.Diverged => $"diverged after {trial.Training.Epochs}",
            RemedyOutcome.NotLearned => "not learned",
            _ => $"{trial.BestLoss:0.000E+0}",
        };
        model.Annotations.Add(Text(trial.Remedy.Name, 0, HorizontalAlignment.Left, PictureStyle.Ink));
        model.Annotations.Add(Text(
            result, epochs, HorizontalAlignment.Right, hasLearned ? PictureStyle.Blue : PictureStyle.Vermilion));

        TextAnnotation Text(string text, double at, HorizontalAlignment alignment, OxyColor color) => new()
        {
            Text = text,
            TextPosition = new DataPoint(at, top + 0.04 * decades),
            TextHorizontalAlignment = alignment,
            TextVerticalAlignment = VerticalAlignment.Bottom,
            TextColor = color,
            Stroke = OxyColors.Transparent,
            ClipByXAxis = false,
            ClipByYAxis = false,
            XAxisKey = x,
            YAxisKey = y,
        };
    }

    /// <summary>What is not a number is a gap; infinity lies at the edge.</summary>
    private static double Drawn(double loss) => Math.Min(loss, Ceiling);
}
