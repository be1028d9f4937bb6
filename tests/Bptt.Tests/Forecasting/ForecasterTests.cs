// Forecasts of series whose law is known: structure, errors, seasons, inputs, and rows that come later.

using Bptt.Forecasting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Forecasting;

public class ForecasterTests
{
    private static readonly double[] White = [1.0, 0.0];

    [Fact]
    public void Errors_of_one_step_come_down_to_the_noise()
    {
        const int seed = 9400;
        double[] series = new GeneratedSeries(seed).Arma([1.0, -1.5, 0.8], [1.0, 0.5, 0.0], 400);

        ForecastEvaluation found = Forecaster.Evaluate(
            GeneratedSeries.Row(series), 150, options: new() { Log = false, Horizon = 4 });

        found.Scores[0].OneStepRmse.Should().BeInRange(0.8, 1.1, "of noise of size 1, seed {0}", seed);
        found.Scores[0].OneStepRmse.Should().BeLessThan(0.6 * Score(found, "naive").OneStepRmse);
    }

    [Theory]
    [InlineData(9500)]
    [InlineData(9501)]
    public void A_network_without_structure_predicts_as_well(int seed)
    {
        double[] series = new GeneratedSeries(seed).Arma([1.0, -1.5, 0.8], [1.0, 0.5, 0.0], 500);

        ForecastEvaluation found = Forecaster.Evaluate(
            GeneratedSeries.Row(series), 250, options: new() { Order = 2, Differences = 0, Log = false });

        found.Forecaster.Predictor.HiddenSize.Should().Be(2);
        found.Scores[0].OneStepRmse.Should().BeInRange(0.8, 1.15, "of noise of size 1, seed {0}", seed);
    }

    [Fact]
    public void A_series_that_integrates_is_forecast_with_errors_that_grow_as_they_do()
    {
        const int seed = 9600;
        double[] series = GeneratedSeries.Summed(new GeneratedSeries(seed).Arma(White, White, 150), start: 1000.0);

        var forecaster = Forecaster.Fit(
            GeneratedSeries.Row(series), options: new() { Differences = 1, Log = false, Horizon = 4 });

        SeriesForecast forecast = forecaster.Forecast(16);
        double first = Width(forecast, 0);
        Width(forecast, 15).Should().BeApproximately(4.0 * first, 1.0 * first, "√16 of one step, seed {0}", seed);
        forecast.Values[0, 0].Should().BeApproximately(series[^1], 1.0);
    }

    [Fact]
    public void Seasons_that_grow_with_the_level_are_found()
    {
        const int seed = 9700;
        double[] series = Seasonal(seed, 120);

        ForecastEvaluation found = Forecaster.Evaluate(GeneratedSeries.Row(series), 96, options: new() { Season = 12 });

        ForecastScore own = found.Scores[0];
        own.PathRmse.Should().BeLessThan(0.7 * Score(found, "seasonal naive").PathRmse, "seed {0}", seed);
        found.Forecaster.IsLog.Should().BeTrue("errors and seasons grow with the level, seed {0}", seed);
        found.Forecaster.Forecast(12).Intervals.Should().OnlyContain(i => i.Lower.Enumerate().All(v => v > 0.0));
    }

    [Fact]
    public void Inputs_that_are_known_ahead_are_used_at_the_same_step()
    {
        const int seed = 9800;
        var random = new GeneratedSeries(seed);
        double[] noise = random.Arma([1.0, -0.7], White, 300);
        double[] input = random.Arma(White, White, 300);
        double[] series = [.. noise.Select((e, t) => 0.3 * e + 2.0 * input[t] + (t > 0 ? 1.0 * input[t - 1] : 0.0))];

        ForecastEvaluation found = Forecaster.Evaluate(
            GeneratedSeries.Row(series), 200, GeneratedSeries.Row(input), new() { Differences = 0 });

        found.Scores[0].OneStepRmse.Should().BeInRange(0.2, 0.45, "of noise of size 0.3, seed {0}", seed);
        found.Scores[0].PathRmse.Should().BeLessThan(0.3 * Score(found, "AR by AIC").PathRmse);
        SeriesForecast up = found.Forecaster.Forecast(2, GeneratedSeries.Row(1.0, 0.0));
        SeriesForecast down = found.Forecaster.Forecast(2, GeneratedSeries.Row(0.0, 0.0));
        (up.Values - down.Values)[0, 0].Should().BeApproximately(2.0, 0.3);
        (up.Values - down.Values)[0, 1].Should().BeApproximately(1.0, 0.3);
    }

    [Fact]
    public void Several_outputs_help_each_other()
    {
        const int seed = 9900;
        var random = new GeneratedSeries(seed);
        double[] leader = random.Arma([1.0, -0.8], White, 300);
        double[] follower = [.. leader.Select((_, t) => (t > 0 ? leader[t - 1] : 0.0) + 0.2 * random.Noise())];

        ForecastEvaluation found = Forecaster.Evaluate(
            Matrix<double>.Build.DenseOfRowArrays(leader, follower), 200, options: new() { Differences = 0 });

        found.Scores.Where(s => s.Output == "y2" && s.Method == "forecaster").Single()
            .OneStepRmse.Should().BeInRange(0.15, 0.4, "of noise of size 0.2, seed {0}", seed);
    }

    [Fact]
    public void Later_rows_move_the_state_as_if_they_had_been_there()
    {
        double[] series = new GeneratedSeries(seed: 10_000).Arma([1.0, -0.9], [1.0, 0.3], 80);
        var options = new ForecasterOptions { Order = 2, Differences = 1, Log = false };
        var early = Forecaster.Fit(GeneratedSeries.Row(series[..60]), options: options);

        Forecaster inOne = early.Update(GeneratedSeries.Row(series[60..]));
        Forecaster oneByOne = early;
        foreach (double value in series[60..])
        {
            oneByOne = oneByOne.Update(GeneratedSeries.Row(value));
        }

        inOne.Forecast(3).Values.Should().Be(oneByOne.Forecast(3).Values);
        inOne.Forecast(3).Values.Should().NotBe(early.Forecast(3).Values);
        early.Forecast(3).Values.Should().Be(early.Forecast(3).Values, "it does not change");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Where_a_row_is_missing_its_forecast_stands_for_it(int differences)
    {
        double[] series = new GeneratedSeries(seed: 10_200).Arma([1.0, -0.9], [1.0, 0.3], 80);
        var early = Forecaster.Fit(
            GeneratedSeries.Row(series[..60]), options: new() { Differences = differences, Log = false });

        Forecaster gone = early.Update(GeneratedSeries.Row(series[60], double.NaN, double.NaN, series[63]));

        double[] stood = early.Update(GeneratedSeries.Row(series[60])).Forecast(2).Values.Row(0).ToArray();
        Forecaster filled = early.Update(GeneratedSeries.Row(series[60], stood[0], stood[1], series[63]));
        (gone.Forecast(3).Values - filled.Forecast(3).Values).InfinityNorm().Should().BeLessThan(1e-12);
        gone.Forecast(3).Values.Should().NotBe(early.Forecast(3).Values);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_rows_that_were_seen_are_known_in_a_longer_series(int differences)
    {
        double[] series = new GeneratedSeries(seed: 10_300).Arma([1.0, -0.9], [1.0, 0.3], 80);
        var early = Forecaster.Fit(
            GeneratedSeries.Row(series[..60]), options: new() { Differences = differences, Log = false });

        early.CountSeen(GeneratedSeries.Row(series)).Should().Be(60);
        early.CountSeen(GeneratedSeries.Row(series[..60])).Should().Be(60);
        early.CountSeen(GeneratedSeries.Row(series[60..])).Should().Be(0);
        early.CountSeen(GeneratedSeries.Row([.. series[..59], 0.0, .. series[60..]])).Should().Be(0);
        early.Update(GeneratedSeries.Row(series[60..])).CountSeen(GeneratedSeries.Row(series)).Should().Be(80);
        early.CountSeen(GeneratedSeries.Row([double.NaN, .. series])).Should().Be(
            differences == 0 ? 61 : 0, "a state forgets what stood before, differences of what is missing are none");
    }

    [Fact]
    public void A_file_forecasts_as_its_forecaster_bit_for_bit()
    {
        var forecaster = Forecaster.Fit(GeneratedSeries.Row(Seasonal(seed: 10_100, 60)), options: new()
        {
            Season = 12,
            Differences = 1,
            SeasonalDifferences = 1,
            Log = true,
            OutputNames = ["sales, €"],
        });
        using var stream = new MemoryStream();
        forecaster.Save(stream);
        stream.Position = 0;

        var loaded = Forecaster.Load(stream);

        loaded.OutputNames.Should().Equal("sales, €");
        loaded.Description.Should().Be(forecaster.Description);
        loaded.Forecast(20).Values.Should().Be(forecaster.Forecast(20).Values);
        loaded.Forecast(20, levels: [0.9]).Intervals[0].Upper.Should().Be(
            forecaster.Forecast(20, levels: [0.9]).Intervals[0].Upper);
        Matrix<double> next = GeneratedSeries.Row(120.0, 130.0);
        loaded.Update(next).Forecast(5).Values.Should().Be(forecaster.Update(next).Forecast(5).Values);
    }

    /// <summary>A season and a trend in the logarithm, with noise that sums up.</summary>
    private static double[] Seasonal(int seed, int count)
    {
        var random = new GeneratedSeries(seed);
        double level = 4.0;
        return [.. Enumerable.Range(0, count).Select(t =>
        {
            level += 0.012 + 0.01 * random.Noise();
            return Math.Exp(level + 0.3 * Math.Sin(2.0 * Math.PI * t / 12.0) + 0.02 * random.Noise());
        })];
    }

    private static ForecastScore Score(ForecastEvaluation evaluation, string method) =>
        evaluation.Scores.First(s => s.Method == method);

    private static double Width(SeriesForecast forecast, int step) =>
        forecast.Intervals[0].Upper[0, step] - forecast.Intervals[0].Lower[0, step];
}
