// `bptt forecast`: what it prints and writes, and what it refuses.

using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Bptt.Forecasting;

namespace Bptt.Cli.Tests.Commands;

public class ForecastCommandTests
{
    private const int Measured = 72;

    /// <summary>Six years of months with a season, and the input u, which acts at once and is known for n rows
    /// more.</summary>
    private static string Csv(int future)
    {
        var random = new Random(5);
        var csv = new StringBuilder("month,u,y,z\n");
        for (int t = 0; t < Measured + future; t++)
        {
            double u = random.NextDouble();
            double y = 50.0 + 10.0 * Math.Sin(2.0 * Math.PI * t / 12.0) + 3.0 * u + random.NextDouble();
            csv.Append(CultureInfo.InvariantCulture, $"{t + 1},{u},");
            csv.Append(t < Measured ? string.Create(CultureInfo.InvariantCulture, $"{y},{2.0 * y}\n") : ",\n");
        }
        return csv.ToString();
    }

    [Fact]
    public async Task A_season_is_forecast_into_three_files_and_a_table()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Csv(future: 0));

        CommandResult result = await CommandRunner.RunAsync(
            "forecast", csv, "--outputs", "y", "--season", "12", "--horizon", "6", "--intervals", "50,90", "--out",
            folder.At("out"));

        result.ShouldBeDone();
        result.Output.Should().ContainAll(
            "50 rows to train, 22 held out", "model: ", "forecaster", "naive", "seasonal naive", "AR by AIC", "MASE");
        folder.Content().Should().Equal(
            "data.csv", "out", "out/forecast.csv", "out/forecast.svg", "out/forecaster.json");
        string[][] rows = Rows(folder.At("out/forecast.csv"));
        rows[0].Should().Equal("row", "y", "y lower 50", "y upper 50", "y lower 90", "y upper 90");
        rows.Should().HaveCount(7);
        for (int k = 1; k <= 6; k++)
        {
            double[] cells = Array.ConvertAll(rows[k], c => double.Parse(c, CultureInfo.InvariantCulture));
            cells[0].Should().Be(Measured + k);
            double[] inOrder = [cells[4], cells[2], cells[1], cells[3], cells[5]];
            inOrder.Should().BeInAscendingOrder();
            cells[1].Should().BeApproximately(52.0 + 10.0 * Math.Sin(2.0 * Math.PI * (Measured + k - 1) / 12.0), 4.0);
        }
        var loaded = Forecaster.Load(folder.At("out/forecaster.json"));
        loaded.OutputNames.Should().Equal("y");
        loaded.Forecast(6).Values[0, 5].ToString("G15", CultureInfo.InvariantCulture).Should().Be(rows[6][1]);
    }

    [Fact]
    public async Task The_picture_shows_measured_rows_the_forecast_and_bands()
    {
        using var folder = new TemporaryFolder();

        (await Forecast(folder, future: 0, "--outputs", "y", "--season", "12", "--difference", "0", "--no-log"))
            .ShouldBeDone();

        XElement svg = XDocument.Load(folder.At("out/forecast.svg")).Root!;
        string[] texts = [.. svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value)];
        texts.Should().Contain(["measured", "forecast", "80 %", "95 %", "row of the table"]);
        svg.Descendants().Count(e => e.Name.LocalName == "polygon").Should().BeGreaterThanOrEqualTo(2, "bands");
        string.Concat(svg.Descendants().Attributes().Select(a => a.Value)).Should().NotContainAny("NaN", "Infinity");
    }

    [Fact]
    public async Task Inputs_to_come_are_read_from_rows_without_outputs()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Forecast(
            folder, future: 4, "--outputs", "y", "--inputs", "u", "--difference", "0", "--no-log", "--hidden", "3");

        result.ShouldBeDone();
        result.Output.Should().Contain("3 free hidden units").And.Contain("up to 4 steps ahead");
        string[][] rows = Rows(folder.At("out/forecast.csv"));
        rows.Skip(1).Select(r => r[0]).Should().Equal("73", "74", "75", "76");
    }

    [Fact]
    public async Task Several_outputs_are_forecast_together()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Forecast(
            folder, future: 0, "--outputs", "y,z", "--horizon", "2", "--difference", "0", "--no-log", "--hidden", "2");

        result.ShouldBeDone();
        result.Output.Should().ContainAll("y: forecaster", "z: naive");
        Rows(folder.At("out/forecast.csv"))[0].Should().Contain(["y", "z lower 80", "z upper 95"]);
    }

    [Theory]
    [InlineData("y", "mask")]
    [InlineData("y,z", "mask")]
    [InlineData("y", "interpolate")]
    public async Task A_written_forecaster_goes_on_over_the_whole_series_or_what_was_measured_since(
        string outputs, string missing)
    {
        using var folder = new TemporaryFolder();
        string[] lines = Csv(future: 0).TrimEnd().Split('\n');
        lines[65] = missing == "mask" ? "65,0,," : lines[65]; // the 65th row
        string known = folder.File("known.csv", string.Join('\n', lines[..61]));
        string whole = folder.File("whole.csv", string.Join('\n', lines));
        string since = folder.File("since.csv", string.Join('\n', lines[61..].Prepend(lines[0])));
        (await CommandRunner.RunAsync(
            "forecast", known, "--outputs", outputs, "--hidden", "2", "--difference", "0", "--no-log",
            "--out", folder.At("fit"))).ShouldBeDone();
        string forecaster = folder.At("fit/forecaster.json");
        string written = File.ReadAllText(forecaster);

        CommandResult ofWhole = await CommandRunner.RunAsync(
            "forecast", whole, "--forecaster", forecaster, "--horizon", "3", "--missing", missing,
            "--out", folder.At("fit"));
        string[][] after = Rows(folder.At("fit/forecast.csv"));
        CommandResult ofSince = await CommandRunner.RunAsync(
            "forecast", since, "--forecaster", forecaster, "--horizon", "3", "--missing", missing,
            "--out", folder.At("since"));

        ofWhole.ExitCode.Should().Be(0, ofWhole.Error);
        ofWhole.Output.Should().Contain("72 rows, of which the forecaster has seen the first 60; 12 measured since");
        ofSince.Output.Should().Contain("12 rows, taken to follow those that the forecaster has seen");
        ofWhole.Error.Contains("note: ", StringComparison.Ordinal).Should().Be(missing == "mask");
        File.ReadAllText(forecaster).Should().Be(written, "it stays at the rows that it was fitted to");
        after.Skip(1).Select(r => r[0]).Should().Equal("73", "74", "75");
        Rows(folder.At("since/forecast.csv")).Select(r => string.Join(',', r.Skip(1)))
            .Should().Equal(after.Select(r => string.Join(',', r.Skip(1))));
        folder.Content().Should().NotContain("since/forecaster.json");
    }

    [Fact]
    public async Task What_is_missing_inside_a_series_is_interpolated_where_told()
    {
        using var folder = new TemporaryFolder();
        string[] lines = Csv(future: 0).TrimEnd().Split('\n');
        lines[30] = "30,0.5,,";
        string csv = folder.File("gap.csv", string.Join('\n', lines));
        string[] options = ["--outputs", "y", "--hidden", "1", "--difference", "0", "--no-log", "--horizon", "2"];

        CommandResult masked = await CommandRunner.RunAsync(["forecast", csv, .. options, "--out", folder.At("out")]);
        CommandResult filled = await CommandRunner.RunAsync(
            ["forecast", csv, .. options, "--missing", "interpolate", "--out", folder.At("out")]);

        masked.ShouldBeRefused(1, "line 31, column 'y'", "--missing interpolate fills it on a straight line");
        filled.ExitCode.Should().Be(0);
        filled.Error.Should().Contain("1 of 72 values of the output 'y' are missing and interpolated");
    }

    [Theory]
    [InlineData("{csv}", 1, "bptt-forecaster")]
    [InlineData("none.json", 1, "there is no such file")]
    [InlineData("none.json", 2, "Expected no --season beside --forecaster", "--season", "12")]
    [InlineData("none.json", 2, "Expected no --outputs beside --forecaster", "--outputs", "y")]
    public async Task A_wrong_forecaster_is_refused(string file, int code, string message, params string[] options)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Csv(0));
        string other = folder.File("other.json", "{\"format\": \"bptt-linear-rnn\"}");

        CommandResult result = await CommandRunner.RunAsync(
            ["forecast", csv, "--forecaster", file == "{csv}" ? other : folder.At(file), .. options]);

        result.ShouldBeRefused(code, message);
    }

    [Theory]
    [InlineData(1, "expected a column 'x'", "--outputs", "x")]
    [InlineData(1, "the inputs to come, in 5 rows", "--outputs", "y", "--inputs", "u", "--horizon", "5")]
    [InlineData(1, "expected at least 8 rows to train on", "--outputs", "y", "--train", "0.1")]
    [InlineData(2, "--outputs to name columns")]
    [InlineData(2, "each column once, got 'y' twice", "--outputs", "y", "--inputs", "y")]
    [InlineData(2, "got both", "--outputs", "y", "--log", "--no-log")]
    [InlineData(2, "--difference: expected 0, 1 or auto, got '2'", "--outputs", "y", "--difference", "2")]
    [InlineData(2, "--intervals: expected percentages", "--outputs", "y", "--intervals", "80,100")]
    [InlineData(2, "--horizon: expected a whole number of at least 1, got '0'", "--outputs", "y", "--horizon", "0")]
    [InlineData(2, "--season: expected", "--outputs", "y", "--season", "-1")]
    public async Task A_fault_is_told_in_a_line_and_nothing_is_written(
        int code, string message, params string[] options)
    {
        using var folder = new TemporaryFolder();

        (await Forecast(folder, future: 2, options)).ShouldBeRefused(code, message);

        folder.Content().Should().Equal("data.csv");
    }

    [Theory]
    [InlineData("y\n1\n\n3\n", "got a blank line")]
    [InlineData("t,y\n1,1\n2,\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n9,9\n10,1\n", "line 3, column 'y': expected a number")]
    [InlineData("t,y\n1,1\n2,2\n", "expected at least 10 measured rows")]
    [InlineData("t,y\n1,\n2,\n", "expected at least 10 measured rows")]
    public async Task A_faulty_table_is_refused(string csv, string message)
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "forecast", folder.File("data.csv", csv), "--outputs", "y", "--out", folder.At("out"));

        result.ShouldBeRefused(1, folder.At("data.csv"), message);
        folder.Content().Should().Equal("data.csv");
    }

    [Fact]
    public async Task Logarithms_of_what_has_none_are_refused()
    {
        using var folder = new TemporaryFolder();
        string csv = "y\n" + string.Concat(Enumerable.Range(0, 30).Select(t => $"{t % 7}\n"));

        CommandResult result = await CommandRunner.RunAsync(
            "forecast", folder.File("data.csv", csv), "--outputs", "y", "--log", "--out", folder.At("out"));

        result.ShouldBeRefused(1, "expected values above 0 for --log, got 0");
    }

    [Fact]
    public async Task Neither_file_nor_sample_is_refused_and_the_help_has_an_example()
    {
        (await CommandRunner.RunAsync("forecast")).ShouldBeRefused(2, "Expected a CSV file or --sample, got neither");
        CommandResult help = await CommandRunner.RunAsync("forecast", "--help");
        help.Output.Should().ContainAll(
            "Examples:", "bptt forecast sales.csv", "--season", "--intervals", "forecast.svg");
    }

    private static Task<CommandResult> Forecast(TemporaryFolder folder, int future, params string[] options) =>
        CommandRunner.RunAsync(
            ["forecast", folder.File("data.csv", Csv(future)), .. options, "--out", folder.At("out")]);

    private static string[][] Rows(string path) =>
        [.. File.ReadAllLines(path).Select(line => line.Split(','))];
}
