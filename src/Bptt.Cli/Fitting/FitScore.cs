// How well a prediction fits.

using System.Globalization;
using Bptt.Cli.Data;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>100·(1 − ‖y − ŷ‖/‖y − ȳ‖) %, where ȳ is the mean of the part that is scored: 100 is perfect, 0 as good as
/// that mean.</summary>
internal static class FitScore
{
    /// <summary>The fit over all outputs together, each in its own scale; null where no output varies, since a fit to a
    /// constant is not defined.</summary>
    /// <param name="targets">q×T; NaN, which is not scored, where a value is missing.</param>
    /// <param name="predictions">q×T.</param>
    public static double? Of(Matrix<double> targets, Matrix<double> predictions)
    {
        double[][] measured = [.. targets.EnumerateRows().Select(Measured)];
        if (!measured.Any(row => Scaling.Varies(row)))
        {
            return null;
        }
        double[] means = Array.ConvertAll(measured, row => row.Length == 0 ? 0.0 : row.Sum() / row.Length);
        Matrix<double> deviations = WhereMeasured(targets, (i, t) => targets[i, t] - means[i]);
        Matrix<double> errors = WhereMeasured(targets, (i, t) => targets[i, t] - predictions[i, t]);
        return 100.0 * (1.0 - errors.FrobeniusNorm() / deviations.FrobeniusNorm());
    }

    /// <summary>The fit on what is held out; null also where nothing is.</summary>
    /// <param name="data">What was fitted.</param>
    /// <param name="predictions">q×N, joined.</param>
    public static double? OfHeldOut(Dataset data, Matrix<double> predictions) =>
        data.HoldsOut ? Of(data.HeldOut(data.JoinedTargets), data.HeldOut(predictions)) : null;

    /// <summary>The loss of a training, ½‖y_t − ŷ_t‖² in the mean, over the held-out steps at which every output is
    /// measured; null where there is none.</summary>
    /// <param name="data">What is fitted.</param>
    /// <param name="predictions">q×N, joined.</param>
    public static double? LossOfHeldOut(Dataset data, Matrix<double> predictions)
    {
        if (!data.HoldsOut)
        {
            return null;
        }
        double[] losses =
        [
            .. (data.HeldOut(data.JoinedTargets) - data.HeldOut(predictions)).EnumerateColumns()
                .Select(error => 0.5 * error.DotProduct(error)).Where(loss => !double.IsNaN(loss)),
        ];
        return losses.Length == 0 ? null : losses.Average();
    }

    /// <summary>√(mean (y − ŷ)²) in the unit of the data.</summary>
    /// <param name="targets">T values, scaled; NaN, which is not scored, where one is missing.</param>
    /// <param name="predictions">T values, scaled.</param>
    /// <param name="scale">The unit of the scaled values, in that of the data.</param>
    public static double Rmse(Vector<double> targets, Vector<double> predictions, double scale) =>
        scale * WhereMeasured(targets.ToRowMatrix(), (_, t) => targets[t] - predictions[t]).FrobeniusNorm()
            / Math.Sqrt(Measured(targets).Length);

    /// <summary>An error as the command prints it, to five digits.</summary>
    public static string RmseText(double error) =>
        double.IsFinite(error) ? error.ToString("G5", CultureInfo.InvariantCulture) : "diverged";

    /// <summary>As the command prints it; never "-0.00 %".</summary>
    public static string Text(double? fit) =>
        fit is not double percent ? "not defined, the values do not vary"
        : !double.IsFinite(percent) ? "diverged"
        : Math.Abs(percent) >= 1e6 ? $"{percent:0.0E+0} %"
        : $"{Math.Round(percent, 2) + 0.0:F2} %";

    private static double[] Measured(Vector<double> values) => [.. values.Where(v => !double.IsNaN(v))];

    /// <summary>An entry for each target, 0 where it is missing.</summary>
    private static Matrix<double> WhereMeasured(Matrix<double> targets, Func<int, int, double> entry) =>
        Matrix<double>.Build.Dense(
            targets.RowCount, targets.ColumnCount, (i, t) => double.IsNaN(targets[i, t]) ? 0.0 : entry(i, t));
}
