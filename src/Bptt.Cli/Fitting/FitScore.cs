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
    /// <param name="targets">q×T.</param>
    /// <param name="predictions">q×T.</param>
    public static double? Of(Matrix<double> targets, Matrix<double> predictions)
    {
        if (!targets.EnumerateRows().Any(row => Dataset.Varies(row.ToArray())))
        {
            return null;
        }
        Vector<double> means = targets.RowSums() / targets.ColumnCount;
        Matrix<double> deviations = targets - Matrix<double>.Build.Dense(
            targets.RowCount, targets.ColumnCount, (i, _) => means[i]);
        return 100.0 * (1.0 - (targets - predictions).FrobeniusNorm() / deviations.FrobeniusNorm());
    }

    /// <summary>√(mean (y − ŷ)²) in the unit of the data.</summary>
    /// <param name="targets">T values, scaled.</param>
    /// <param name="predictions">T values, scaled.</param>
    /// <param name="scale">The unit of the scaled values, in that of the data.</param>
    public static double Rmse(Vector<double> targets, Vector<double> predictions, double scale) =>
        scale * (targets - predictions).L2Norm() / Math.Sqrt(targets.Count);

    /// <summary>An error as the command prints it, to five digits.</summary>
    public static string RmseText(double error) =>
        double.IsFinite(error) ? error.ToString("G5", CultureInfo.InvariantCulture) : "diverged";

    /// <summary>As the command prints it; never "-0.00 %".</summary>
    public static string Text(double? fit) =>
        fit is not double percent ? "not defined, the values do not vary"
        : !double.IsFinite(percent) ? "diverged"
        : Math.Abs(percent) >= 1e6 ? $"{percent:0.0E+0} %"
        : $"{Math.Round(percent, 2) + 0.0:F2} %";
}
