// How forecasts did on rows that were held out, beside simple methods. Data only.

using Bptt.Edge;

namespace Bptt.Forecasting;

/// <summary>What <see cref="Forecaster.Evaluate"/> finds. Immutable.</summary>
public sealed class ForecastEvaluation
{
    internal ForecastEvaluation(
        Forecaster forecaster, int trainingCount, int horizon, IReadOnlyList<ForecastScore> scores)
    {
        Forecaster = forecaster;
        TrainingCount = trainingCount;
        Horizon = horizon;
        Scores = scores;
    }

    /// <summary>A forecaster of the structure that was judged, fitted again on all rows.</summary>
    public Forecaster Forecaster { get; }

    /// <summary>The rows, from the first on, that everything was chosen and fitted on.</summary>
    public int TrainingCount { get; }

    /// <summary>How far ahead the forecasts reached.</summary>
    public int Horizon { get; }

    /// <summary>For each output in turn the scores of the forecaster, the last value, the value a season ago (where
    /// there is a season) and the autoregression by Akaike's criterion.</summary>
    public IReadOnlyList<ForecastScore> Scores { get; }
}

/// <summary>Errors of the forecasts of one output by one method, in the unit of the series. A path is the forecasts of
/// 1 to H rows ahead from one row on; paths begin at every held-out row.</summary>
/// <param name="Output">The name of the output.</param>
/// <param name="Method">The name of the method.</param>
/// <param name="OneStepRmse">Root mean square of the errors one row ahead.</param>
/// <param name="PathRmse">Root mean square of the errors of all paths.</param>
/// <param name="PathMae">Mean absolute error of all paths.</param>
/// <param name="Mase">That over the mean absolute step of the training rows, from one season to the next where there is
/// one: below 1 is better than the naive forecast is one step ahead (Hyndman and Koehler 2006). NaN where the series
/// does not move.</param>
/// <param name="Coverage">For 80 and for 95 %, the part of all paths' values that lay within the interval; null for a
/// method without intervals.</param>
public sealed record ForecastScore(
    string Output,
    string Method,
    double OneStepRmse,
    double PathRmse,
    double PathMae,
    double Mase,
    (double Within80, double Within95)? Coverage)
{
    /// <summary>The method and its errors, in a line.</summary>
    public override string ToString() =>
        $"{Output}, {Method}: one step {NumberText.Significant(OneStepRmse, 4)}, path "
        + $"{NumberText.Significant(PathRmse, 4)}, MASE {NumberText.Significant(Mase, 4)}";
}
