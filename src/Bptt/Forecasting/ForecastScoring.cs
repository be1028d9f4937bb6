// Scores of a forecaster and of simple methods over held-out rows.

using MathNet.Numerics.Distributions;

namespace Bptt.Forecasting;

internal static class ForecastScoring
{
    /// <summary>The scores, for each output in turn.</summary>
    /// <param name="judged">The forecaster, at the last of the training rows.</param>
    /// <param name="rows">All rows.</param>
    /// <param name="trainingCount">The rows that train.</param>
    /// <param name="horizon">How far the paths reach.</param>
    public static IReadOnlyList<ForecastScore> Of(Forecaster judged, SeriesRows rows, int trainingCount, int horizon)
    {
        int season = judged.Season;
        List<(string Name, Func<int, int, double[][]> Paths)> methods =
        [
            ("forecaster", StructureChoice.Paths(rows, judged.Fitted)),
            ("naive", Baselines.Naive(rows)),
        ];
        if (season > 1)
        {
            methods.Add(("seasonal naive", Baselines.Seasonal(rows, season)));
        }
        methods.Add(("AR by AIC", Baselines.Autoregression(rows, trainingCount)));
        RollingErrors[] errors = [.. methods.Select(method =>
        {
            var all = new RollingErrors(rows.OutputSize);
            all.Add(rows, trainingCount, rows.Count, horizon, method.Paths);
            return all;
        })];
        List<ForecastScore> scores = [];
        for (int i = 0; i < rows.OutputSize; i++)
        {
            int output = i;
            double[] training = rows.First(trainingCount).Series(i);
            int lag = training.Length > season ? season : 1;
            double step = training.Skip(lag).Select((value, t) => Math.Abs(value - training[t])).Average();
            scores.AddRange(methods.Select((method, m) => new ForecastScore(
                judged.OutputNames[output],
                method.Name,
                errors[m].OneStepRmse(output),
                errors[m].PathRmse(output),
                errors[m].PathMae(output),
                step > 0.0 ? errors[m].PathMae(output) / step : double.NaN,
                m == 0 ? Coverage(judged.Fitted, rows, trainingCount, horizon, output) : null)));
        }
        return scores.AsReadOnly();
    }

    private static (double Within80, double Within95) Coverage(
        PredictorFit fit, SeriesRows rows, int trainingCount, int horizon, int output)
    {
        double[][] sizes = ForecastErrors.StandardErrors(fit, horizon);
        double width80 = StudentT.InvCDF(0.0, 1.0, fit.Freedom, 0.9);
        double width95 = StudentT.InvCDF(0.0, 1.0, fit.Freedom, 0.975);
        var filter = new InnovationsFilter(fit);
        (int within80, int within95, int count) = (0, 0, 0);
        for (int known = 0; known < rows.Count; known++)
        {
            if (known >= trainingCount)
            {
                int steps = Math.Min(horizon, rows.Count - known);
                double[][] path = filter.Ahead(rows.Inputs[known..(known + steps)], steps);
                for (int k = 0; k < steps; k++)
                {
                    double off = Math.Abs(fit.Transform.Level(rows.Values[known + k][output]) - path[k][output]);
                    within80 += off <= width80 * sizes[k][output] ? 1 : 0;
                    within95 += off <= width95 * sizes[k][output] ? 1 : 0;
                    count++;
                }
            }
            filter.Advance(rows.Values[known], rows.Inputs[known]);
        }
        return ((double)within80 / count, (double)within95 / count);
    }
}
