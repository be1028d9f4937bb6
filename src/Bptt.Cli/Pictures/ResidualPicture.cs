// The picture of what a fit leaves and what drove it: the residuals of each output and the inputs, over the rows of the
// table or their times, a panel for each.

using Bptt.Cli.Data;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

internal static class ResidualPicture
{
    private const double Width = 1000;
    private const double PanelHeight = 170;
    private const double HeaderHeight = 90;
    private const double Gap = 0.14; // between panels, as a fraction of one
    private const int MostInputs = 6;

    /// <summary>A free run may leave the range of numbers: residuals are drawn up to so many ranges of the
    /// output.</summary>
    private const double Reach = 2;

    /// <summary>The panels of a dataset.</summary>
    public static int PanelCount(Dataset data) => data.OutputChannels.Length + ShownInputs(data);

    /// <summary>Draws.</summary>
    /// <param name="data">What was measured.</param>
    /// <param name="predictions">q×N, joined, scaled.</param>
    public static Picture Of(Dataset data, Matrix<double> predictions)
    {
        PlotModel model = PictureStyle.Plot($"{data.Name}: residuals and inputs", "");
        model.Legends.Clear();
        var steps = new StepAxis(data);
        model.Axes.Add(steps.Axis());
        Matrix<double> inputs = Dataset.Joined(data.Inputs);
        int count = PanelCount(data);
        for (int panel = 0; panel < count; panel++)
        {
            int input = panel - data.OutputChannels.Length;
            bool isResidual = input < 0;
            double[] values = isResidual
                ? Residuals(data, predictions, panel)
                : [.. inputs.Row(input).Select(data.InputChannels[input].Denormalize)];
            string title = isResidual
                ? $"{data.OutputChannels[panel].Name}: y − ŷ" : data.InputChannels[input].Name;
            string key = $"panel {panel}";
            LinearAxis axis = PictureStyle.AsVertical(new LinearAxis(), title);
            axis.Key = key;
            axis.StartPosition = 1.0 - (panel + 1.0 - (panel < count - 1 ? Gap : 0.0)) / count;
            axis.EndPosition = 1.0 - (double)panel / count;
            model.Axes.Add(axis);
            var line = new LineSeries
            {
                Color = isResidual ? PictureStyle.Blue : PictureStyle.Grey,
                StrokeThickness = 1.1,
                YAxisKey = key,
            };
            line.Points.AddRange(Curve.Thinned(steps.Points(values)));
            model.Series.Add(line);
            FitPicture.AddBorders(model, data, steps, key);
        }
        return new Picture(model, Width, HeaderHeight + PanelHeight * count);
    }

    private static int ShownInputs(Dataset data) => Math.Min(MostInputs, data.InputChannels.Length);

    private static double[] Residuals(Dataset data, Matrix<double> predictions, int output)
    {
        Channel channel = data.OutputChannels[output];
        double[] measured = [.. data.JoinedTargets.Row(output).Select(channel.Denormalize)];
        double[] known = [.. measured.Where(v => !double.IsNaN(v))];
        double reach = Reach * (known.Max() - known.Min());
        return
        [
            .. measured.Select(
                (y, t) => Math.Clamp(y - channel.Denormalize(predictions[output, t]), -reach, reach)),
        ];
    }
}
