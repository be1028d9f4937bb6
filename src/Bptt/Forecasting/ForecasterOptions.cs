// What a forecaster is told, and what it finds out itself. Data only.

using Bptt.Edge;

namespace Bptt.Forecasting;

/// <summary>Options of a <see cref="Forecaster"/>. What is null is chosen on the rows given. Immutable.</summary>
/// <example>
/// <code>
/// // Ten years of monthly sales; the last two judge.
/// var options = new ForecasterOptions { Season = 12, OutputNames = ["sales"] };
/// ForecastEvaluation judged = Forecaster.Evaluate(sales, trainingCount: 96, options: options);
/// foreach (ForecastScore score in judged.Scores)
/// {
///     Console.WriteLine($"{score.Method}: {score.PathRmse:F1}");
/// }
///
/// // The next year, by the same structure fitted on all rows.
/// SeriesForecast forecast = judged.Forecaster.Forecast(12, levels: [0.9]);
/// PredictionInterval range = forecast.Intervals[0];
/// Console.WriteLine($"{forecast.Values[0, 0]:F0}, from {range.Lower[0, 0]:F0} to {range.Upper[0, 0]:F0}");
///
/// // A month later, with what was measured since; a value that is missing is NaN.
/// Forecaster later = judged.Forecaster.Update(newSales);
/// Console.WriteLine($"then {later.Forecast(1).Values[0, 0]:F0}, after {later.CountSeen(sales)} known months");
/// </code>
/// </example>
public sealed record ForecasterOptions
{
    private readonly int? _order;
    private readonly int _season = 1;
    private readonly int? _differences;
    private readonly int? _seasonalDifferences;
    private readonly int _horizon = 12;

    /// <summary>The number of hidden units of a network without structure, trained under a prior. Null, the default,
    /// compares networks of 1 to 8 units with ARMA models, which are networks of a structure.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? Order
    {
        get => _order;
        init
        {
            Guard.AtLeastOne(value ?? 1, nameof(Order));
            _order = value;
        }
    }

    /// <summary>s, the rows of a season: 12 for months, 24 for hours of a day; 1, the default, for none.</summary>
    /// <inheritdoc cref="Order" path="/exception"/>
    public int Season
    {
        get => _season;
        init
        {
            Guard.AtLeastOne(value, nameof(Season));
            _season = value;
        }
    }

    /// <summary>d: 1 to model the differences y_t − y_{t−1}, 0 to model the values. Null, the default, chooses.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is neither 0 nor 1.</exception>
    public int? Differences
    {
        get => _differences;
        init => _differences = ZeroOrOne(value, nameof(Differences));
    }

    /// <summary>D: 1 to model the differences y_t − y_{t−s} from a season ago. Null, the default, chooses where there
    /// is a season.</summary>
    /// <inheritdoc cref="Differences" path="/exception"/>
    public int? SeasonalDifferences
    {
        get => _seasonalDifferences;
        init => _seasonalDifferences = ZeroOrOne(value, nameof(SeasonalDifferences));
    }

    /// <summary>Whether logarithms are modelled: then errors and seasons grow with the value, and forecasts stay above
    /// 0. Null, the default, chooses where every value is above 0.</summary>
    public bool? Log { get; init; }

    /// <summary>How far ahead the forecasts reach that the choices are judged by; 12 by default.</summary>
    /// <inheritdoc cref="Order" path="/exception"/>
    public int Horizon
    {
        get => _horizon;
        init
        {
            Guard.AtLeastOne(value, nameof(Horizon));
            _horizon = value;
        }
    }

    /// <summary>A name for each output; y1, y2, … where null.</summary>
    public IReadOnlyList<string>? OutputNames { get; init; }

    /// <summary>A name for each input; u1, u2, … where null.</summary>
    public IReadOnlyList<string>? InputNames { get; init; }

    private static int? ZeroOrOne(int? value, string name) => value is null or 0 or 1 ? value
        : throw Guard.Range(name, $"expected 0, 1 or null, got {value}.");
}
