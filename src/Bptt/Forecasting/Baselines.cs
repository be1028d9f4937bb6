// What forecasts are compared with: the last value, the value a season ago, and an autoregression by Akaike's
// criterion.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>Forecasts from the rows known: the number of them and of the rows asked for give the values.</summary>
internal static class Baselines
{
    /// <summary>The last value stays.</summary>
    public static Func<int, int, double[][]> Naive(SeriesRows rows) => Seasonal(rows, 1);

    /// <summary>The last season repeats itself.</summary>
    public static Func<int, int, double[][]> Seasonal(SeriesRows rows, int season) =>
        (known, steps) => [.. Enumerable.Range(0, steps).Select(
            k => rows.Values[Math.Max(0, known - season + k % season)])];

    /// <summary>y_t = c + Σ φ_i y_{t−i} for each output, by least squares on the first rows; the order from 0 to
    /// 10 log10(N) by Akaike's criterion over the same rows, as R's ar has it.</summary>
    public static Func<int, int, double[][]> Autoregression(SeriesRows rows, int trainingCount)
    {
        double[][] coefficients =
            [.. Enumerable.Range(0, rows.OutputSize).Select(i => Fit(rows.First(trainingCount).Series(i)))];
        return (known, steps) =>
        {
            double[][] path = [.. Enumerable.Range(0, steps).Select(_ => new double[rows.OutputSize])];
            for (int i = 0; i < rows.OutputSize; i++)
            {
                for (int k = 0; k < steps; k++)
                {
                    double sum = coefficients[i][0];
                    for (int lag = 1; lag < coefficients[i].Length; lag++)
                    {
                        int at = known + k - lag;
                        sum += coefficients[i][lag]
                            * (at >= known ? path[at - known][i] : rows.Values[Math.Max(0, at)][i]);
                    }
                    path[k][i] = sum;
                }
            }
            return path;
        };
    }

    /// <summary>c, φ_1 … φ_p.</summary>
    private static double[] Fit(double[] series)
    {
        int most = (int)Math.Min(10.0 * Math.Log10(series.Length), (series.Length - 2) / 3.0);
        double[] best = [series.Average()];
        double least = double.PositiveInfinity;
        for (int p = 0; p <= most; p++)
        {
            int count = series.Length - most;
            var regressors = Matrix<double>.Build.Dense(
                count, p + 1, (t, j) => j == 0 ? 1.0 : series[most + t - j]);
            var wanted = Vector<double>.Build.Dense(count, t => series[most + t]);
            Vector<double> solution = regressors.PseudoInverse() * wanted;
            double variance = Math.Pow((wanted - regressors * solution).L2Norm(), 2) / count;
            double criterion = count * Math.Log(Math.Max(variance, 1e-300)) + 2.0 * (p + 1);
            if (criterion < least)
            {
                (best, least) = (solution.ToArray(), criterion);
            }
        }
        return best;
    }
}
