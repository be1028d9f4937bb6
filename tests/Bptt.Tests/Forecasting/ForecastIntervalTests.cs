// Intervals: as wide as the law of the series says, and holding as many values as they claim.

using Bptt.Forecasting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Forecasting;

public class ForecastIntervalTests
{
    [Theory]
    [InlineData("autoregression", 10_200)]
    [InlineData("moving average", 10_300)]
    [InlineData("integrating", 10_400)]
    [InlineData("logarithm", 10_500)]
    public void Intervals_hold_as_many_values_as_they_claim(string kind, int firstSeed)
    {
        const int count = 6;
        double within80 = 0.0;
        double within95 = 0.0;
        for (int i = 0; i < count; i++)
        {
            ForecastEvaluation found = Forecaster.Evaluate(
                GeneratedSeries.Row(Series(kind, firstSeed + i)),
                200,
                options: new()
                {
                    Horizon = 6,
                    Differences = kind == "integrating" ? 1 : 0,
                    Log = kind == "logarithm",
                    Order = kind == "moving average" ? null : 2,
                });
            (double of80, double of95) = found.Scores[0].Coverage!.Value;
            within80 += of80 / count;
            within95 += of95 / count;
        }

        within80.Should().BeInRange(0.75, 0.85, "seeds {0} to {1}", firstSeed, firstSeed + count - 1);
        within95.Should().BeInRange(0.92, 0.98, "seeds {0} to {1}", firstSeed, firstSeed + count - 1);
    }

    [Fact]
    public void Errors_of_a_known_system_grow_by_its_impulse_response()
    {
        // y_t = 0.8 y_{t−1} + e_t: the variance k steps ahead is Σ_{j<k} 0.8^{2j}.
        const int seed = 10_600;
        double[] series = new GeneratedSeries(seed).Arma([1.0, -0.8], [1.0, 0.0], 4000);
        var forecaster = Forecaster.Fit(
            GeneratedSeries.Row(series), options: new() { Order = 1, Differences = 0, Log = false });

        PredictionInterval half = forecaster.Forecast(5, levels: [0.5]).Intervals[0];

        Matrix<double> widths = (half.Upper - half.Lower) / (2.0 * 0.67449);
        for (int k = 1; k <= 5; k++)
        {
            double expected = Math.Sqrt(Enumerable.Range(0, k).Sum(j => Math.Pow(0.64, j)));
            widths[0, k - 1].Should().BeApproximately(expected, 0.06 * expected, "seed {0}", seed);
        }
    }

    [Fact]
    public void Wider_levels_hold_narrower_ones_and_the_forecast()
    {
        double[] series = new GeneratedSeries(seed: 10_700).Arma([1.0, -0.8], [1.0, 0.0], 60);
        SeriesForecast forecast = Forecaster
            .Fit(GeneratedSeries.Row(series), options: new() { Differences = 0, Log = false })
            .Forecast(4, levels: [0.5, 0.99]);

        forecast.Intervals.Select(i => i.Level).Should().Equal(0.5, 0.99);
        for (int k = 0; k < 4; k++)
        {
            double[] inOrder =
            [
                forecast.Intervals[1].Lower[0, k], forecast.Intervals[0].Lower[0, k], forecast.Values[0, k],
                forecast.Intervals[0].Upper[0, k], forecast.Intervals[1].Upper[0, k],
            ];
            inOrder.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        }
    }

    private static double[] Series(string kind, int seed)
    {
        var random = new GeneratedSeries(seed);
        return kind switch
        {
            "autoregression" => random.Arma([1.0, -1.1, 0.4], [1.0, 0.0, 0.0], 500),
            "moving average" => random.Arma([1.0, 0.0], [1.0, 0.7], 500),
            "integrating" => GeneratedSeries.Summed(random.Arma([1.0, 0.0], [1.0, -0.5], 500)),
            _ => Array.ConvertAll(random.Arma([1.0, -0.6], [1.0, 0.0], 500), w => Math.Exp(0.3 * w)),
        };
    }
}
