// What a forecaster refuses, and series that teach little.

using System.Text;
using Bptt.Forecasting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Forecasting;

public class ForecasterInputTests
{
    private static readonly Matrix<double> Series =
        GeneratedSeries.Row(new GeneratedSeries(seed: 10_800).Arma([1.0, -0.5], [1.0, 0.0], 40));

    private static readonly ForecasterOptions Quick = new() { Order = 1, Differences = 0, Log = false };

    private static readonly Dictionary<string, (Action Call, string Message)> Faults = new()
    {
        ["no series"] = (() => Forecaster.Fit(null!), "series"),
        ["too short"] = (() => Forecaster.Fit(GeneratedSeries.Row(1, 2, 3)), "expected at least 8 steps, got 3"),
        ["a row for each step"] = (() => Forecaster.Fit(Series.Transpose()), "transposed"),
        ["not finite"] = (() => Forecaster.Fit(With(double.NaN)), "finite numbers, got NaN"),
        ["values without squares"] = (() => Forecaster.Fit(With(1e200)), "whose squares can be added"),
        ["inputs of another length"] =
            (() => Forecaster.Fit(Series, Matrix<double>.Build.Dense(1, 39)), "as long as the series"),
        ["a logarithm of 0"] = (() => Forecaster.Fit(With(0.0), options: Quick with { Log = true }), "above 0"),
        ["too many names"] = (() => Forecaster.Fit(
            Series, options: Quick with { OutputNames = ["a", "b"] }), "a name for each output"),
        ["names of no inputs"] = (() => Forecaster.Fit(
            Series, options: Quick with { InputNames = ["a"] }), "a name for each input"),
        ["no horizon"] = (() => Fitted().Forecast(0), "at least 1, got 0"),
        ["a level of 1"] = (() => Fitted().Forecast(1, levels: [0.8, 1.0]), "between 0 and 1, got 1"),
        ["a level of 95"] = (() => Fitted().Forecast(1, levels: [95.0]), "between 0 and 1, got 95"),
        ["nothing held out"] = (() => Forecaster.Evaluate(Series, 40, options: Quick), "expected 8 to 39 of 40 rows"),
        ["too few to train"] = (() => Forecaster.Evaluate(Series, 7, options: Quick), "got 7"),
        ["rows of another series"] =
            (() => Fitted().Update(Matrix<double>.Build.Dense(2, 3)), "1×3"),
        ["an infinite row"] = (() => Fitted().Update(GeneratedSeries.Row(1.0, double.PositiveInfinity)), "finite"),
        ["rows seen of another series"] = (() => Fitted().CountSeen(Matrix<double>.Build.Dense(2, 3)), "1×3"),
        ["no inputs to come"] = (() => Forecaster.Fit(Series, Series, Quick).Forecast(2), "futureInputs"),
        ["too few inputs to come"] =
            (() => Forecaster.Fit(Series, Series, Quick).Forecast(2, GeneratedSeries.Row(1.0)), "1×2"),
        ["an order of 0"] = (() => _ = new ForecasterOptions { Order = 0 }, "Order: expected at least 1, got 0"),
        ["a season of 0"] = (() => _ = new ForecasterOptions { Season = 0 }, "Season: expected at least 1, got 0"),
        ["two differences"] = (() => _ = new ForecasterOptions { Differences = 2 }, "Differences: expected 0, 1"),
        ["a file of another kind"] = (() => Load("""{"format": "bptt-linear-rnn"}"""), "bptt-forecaster"),
        ["no JSON"] = (() => Load("rubbish"), "not valid JSON"),
    };

    public static TheoryData<string> FaultNames => new(Faults.Keys);

    [Theory]
    [MemberData(nameof(FaultNames))]
    public void A_fault_is_refused_with_what_was_expected(string name)
    {
        (Action call, string message) = Faults[name];
        call.Should().Throw<Exception>().Where(e => e is ArgumentException || e is InvalidDataException)
            .WithMessage($"*{message}*");
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", "version: expected 1")]
    [InlineData("\"season\": 1", "\"season\": 0", "Season")]
    [InlineData("\"freedom\"", "\"freedoms\"", "freedom")]
    [InlineData("\"latest\": [", "\"latest\": [1, ", "latest")]
    [InlineData("\"lastValues\": [", "\"lastValues\": [[1]", "lastValues")]
    public void A_damaged_file_is_refused_with_the_place(string old, string replacement, string message)
    {
        using var stream = new MemoryStream();
        Fitted().Save(stream);
        string text = Encoding.UTF8.GetString(stream.ToArray());
        text.Should().Contain(old);

        Action load = () => Load(text.Replace(old, replacement, StringComparison.Ordinal));

        load.Should().Throw<InvalidDataException>().WithMessage($"*{message}*");
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(5.0)]
    [InlineData(-5e-5)]
    public void A_constant_series_stays_as_it_is(double value)
    {
        var forecaster = Forecaster.Fit(Matrix<double>.Build.Dense(1, 30, value));

        SeriesForecast forecast = forecaster.Forecast(5);

        forecast.Values.Enumerate().Should().OnlyContain(v => Math.Abs(v - value) <= 1e-9 * Math.Abs(value));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(11)]
    public void A_few_rows_are_enough_for_some_forecast(int count)
    {
        Matrix<double> few = Series.SubMatrix(0, 1, 0, count);

        SeriesForecast forecast = Forecaster.Fit(few, options: new() { Season = 12 }).Forecast(3);

        forecast.Values.Enumerate().Should().OnlyContain(v => double.IsFinite(v));
        forecast.Intervals[1].Upper.Enumerate().Should().OnlyContain(v => double.IsFinite(v));
    }

    private static readonly Lazy<Forecaster> Shared = new(() => Forecaster.Fit(Series, options: Quick));

    private static Forecaster Fitted() => Shared.Value;

    private static Matrix<double> With(double value)
    {
        Matrix<double> series = Series.PointwiseExp();
        series[0, 3] = value;
        return series;
    }

    private static void Load(string text) => Forecaster.Load(new MemoryStream(Encoding.UTF8.GetBytes(text)));
}
