// How well a prediction fits.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>100·(1 − ‖y − ŷ‖/‖y − ȳ‖) %, where ȳ is the mean of the part that is scored: 100 is perfect, 0 as good as
/// that mean.</summary>
internal static class FitScore
{
    /// <summary>The fit over all outputs together, each in its own scale.</summary>
    /// <param name="targets">q×T.</param>
    /// <param name="predictions">q×T.</param>
    public static double Of(Matrix<double> targets, Matrix<double> predictions)
    {
        Vector<double> means = targets.RowSums() / targets.ColumnCount;
        Matrix<double> deviations = targets - Matrix<double>.Build.Dense(
            targets.RowCount, targets.ColumnCount, (i, _) => means[i]);
        return 100.0 * (1.0 - (targets - predictions).FrobeniusNorm() / deviations.FrobeniusNorm());
    }

    /// <summary>As the command prints it; never "-0.00 %".</summary>
    public static string Text(double fit) => double.IsFinite(fit) ? $"{Math.Round(fit, 2) + 0.0:F2} %" : "diverged";
}
