// A column of times: what it may look like, what of its sampling is told, and where it stands in what is written.

using System.Xml.Linq;

namespace Bptt.Cli.Tests.Commands;

public class TimeColumnTests
{
    private const int Rows = 40;

    [Theory]
    [InlineData("seconds", "0.5", "1")]
    [InlineData("ISO", "2024-01-31 23:59:00", "2024-01-31 23:59:30")]
    [InlineData("ISO with T and zone", "2024-01-31T23:59:00Z", "2024-01-31T23:59:30Z")]
    [InlineData("points", "31.01.2024 23:59:00", "31.01.2024 23:59:30")]
    [InlineData("slashes", "1/31/2024 11:59:00 PM", "1/31/2024 11:59:30 PM")]
    [InlineData("slashes, day first", "31/1/2024 23:59:00", "31/1/2024 23:59:30")]
    public async Task Regular_times_of_any_form_stand_in_the_predictions_and_nothing_is_told(
        string form, string first, string second)
    {
        using var folder = new TemporaryFolder();

        (CommandResult result, PredictionsFile predictions) = await FitAsync(
            folder, t => At(form, 0.5 + 0.5 * t, 30 * t), "--time", "when");

        result.ShouldBeDone();
        predictions.Header.Should().Equal("row", "when", "part", "y measured", "y predicted");
        predictions.Text("when")[..2].Should().Equal(first, second);
    }

    [Theory]
    [InlineData("--time", "when")]
    [InlineData]
    public async Task Irregular_sampling_is_told_with_the_largest_gap_and_its_place(params string[] options)
    {
        using var folder = new TemporaryFolder();
        string name = options.Length == 0 ? "timestamp" : "when";

        (CommandResult result, _) = await FitAsync(folder, t => t < 20 ? $"{t}" : $"{t + 6}", name, options);

        result.ExitCode.Should().Be(0);
        result.Error.TrimEnd().Should().EndWith(
            $"the sampling by '{name}' is irregular, but each row is taken for one step: steps of 1 to 7, median 1; "
                + "the largest gap is at line 22, from '19' to '26'.");
    }

    [Fact]
    public async Task Times_that_go_back_are_told()
    {
        using var folder = new TemporaryFolder();

        (CommandResult result, _) = await FitAsync(folder, t => $"{t % 25}", "--time", "when");

        result.Error.Should().Contain("time column 'when' goes back at line 27, from '24' to '0'")
            .And.Contain("--group");
    }

    [Fact]
    public async Task The_picture_is_drawn_over_the_times()
    {
        using var folder = new TemporaryFolder();

        await FitAsync(folder, t => $"{1000 + 2 * t}", "--time", "when");

        string[] texts = [.. XDocument.Load(folder.At("out/fit.svg")).Descendants()
            .Where(e => e.Name.LocalName == "text").Select(e => e.Value)];
        texts.Should().Contain(["when", "1020", "1040"]).And.NotContain("row of the table");
    }

    [Fact]
    public async Task Dates_are_written_on_the_axis()
    {
        using var folder = new TemporaryFolder();

        await FitAsync(folder, t => $"2024-03-{1 + t / 2:00}T{12 * (t % 2):00}:00:00", "--time", "when");

        XDocument.Load(folder.At("out/fit.svg")).Descendants().Where(e => e.Name.LocalName == "text")
            .Should().Contain(e => e.Value.Contains("2024", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pattern_takes_no_time_for_an_input_without_a_word()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Csv("time", t => $"{t}"));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "*", "--outputs", "y", "--hidden", "1", "--epochs", "2", "--out", folder.At("out"));

        result.Error.Should().StartWith("note: ").And.Contain("column 'time' looks like times and is not taken");
        File.ReadAllText(folder.At("out/model.json")).Should().NotContain("time");
    }

    private static string At(string form, double number, int seconds)
    {
        DateTime time = new DateTime(2024, 1, 31, 23, 59, 0).AddSeconds(seconds);
        return form switch
        {
            "seconds" => RunTables.Text(number),
            "ISO" => $"{time:yyyy-MM-dd HH:mm:ss}",
            "ISO with T and zone" => $"{time:yyyy-MM-ddTHH:mm:ss}Z",
            "points" => $"{time:dd.MM.yyyy HH:mm:ss}",
            "slashes" => time.ToString("M/d/yyyy h:mm:ss tt", System.Globalization.CultureInfo.InvariantCulture),
            _ => $"{time.Day}/{time.Month}/{time:yyyy HH:mm:ss}",
        };
    }

    private static string Csv(string name, Func<int, string> time) => $"{name},a,b,y\n" + string.Concat(
        RunTables.Rows(2).Take(Rows).Select((r, t) =>
            $"{time(t)},{RunTables.Text(r.A)},{RunTables.Text(r.B)},{RunTables.Text(r.Y)}\n"));

    private static Task<(CommandResult Result, PredictionsFile Predictions)> FitAsync(
        TemporaryFolder folder, Func<int, string> time, params string[] options) =>
        FitAsync(folder, time, "when", options);

    private static async Task<(CommandResult Result, PredictionsFile Predictions)> FitAsync(
        TemporaryFolder folder, Func<int, string> time, string name, string[] options)
    {
        CommandResult result = await CommandRunner.RunAsync(
        [
            "fit", folder.File("data.csv", Csv(name, time)), "--inputs", "a,b", "--outputs", "y", "--hidden", "1",
            "--epochs", "3", .. options, "--out", folder.At("out"),
        ]);
        return (result, PredictionsFile.Of(folder.At("out/predictions.csv")));
    }
}
