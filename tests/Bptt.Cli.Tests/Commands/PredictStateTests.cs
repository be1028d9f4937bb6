// `bptt predict` from states that are not those of the training: estimated, going on, anew at every step.

namespace Bptt.Cli.Tests.Commands;

public class PredictStateTests
{
    private static readonly string[] Columns = ["--inputs", "u", "--outputs", "y", "--optimizer", "lm"];

    [Fact]
    public async Task A_warm_up_finds_the_state_that_the_rows_begin_in()
    {
        using var folder = new TemporaryFolder();
        await FitAsync(folder, Slow(0.0, 1, 200));
        string csv = folder.File("new.csv", Slow(4.0, 2, 60));

        CommandResult cold = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), csv, "--zero-state");
        CommandResult warm = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), csv, "--warm-up", "12");

        warm.ExitCode.Should().Be(0);
        Fit(cold).Should().BeLessThan(50.0);
        Fit(warm).Should().BeGreaterThan(90.0);
        warm.Error.Should().MatchRegex(@"^fit: \S+ %, RMSE \S+\s*$");
    }

    [Fact]
    public async Task Data_that_go_on_are_predicted_as_if_they_had_been_one_file()
    {
        using var folder = new TemporaryFolder();
        string[] all = Slow(0.0, 3, 260).TrimEnd().Split('\n');
        await FitAsync(folder, string.Join('\n', all[..201]) + "\n", "--train", "1");
        string rest = folder.File("rest.csv", string.Join('\n', [all[0], .. all[201..]]) + "\n");
        string whole = folder.File("whole.csv", string.Join('\n', all) + "\n");

        CommandResult together = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), whole);
        CommandResult goesOn = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), rest, "--continue");

        new PredictionsFile(goesOn.Output).Numbers("y predicted").Should().Equal(
            new PredictionsFile(together.Output).Numbers("y predicted")[200..],
            (left, right) => Math.Abs(left - right) < 1e-9);
    }

    [Fact]
    public async Task A_horizon_uses_what_was_measured_until_then()
    {
        using var folder = new TemporaryFolder();
        await FitAsync(folder, Slow(0.0, 4, 200));

        // An offset that the model knows nothing of.
        string csv = folder.File("new.csv", Slow(0.0, 5, 80, offset: 1.5));
        string[] line = ["predict", folder.At("out/model.json"), csv, "--warm-up", "6", "--horizon"];
        CommandResult free = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), csv);
        CommandResult one = await CommandRunner.RunAsync([.. line, "1"]);
        CommandResult ten = await CommandRunner.RunAsync([.. line, "10"]);

        one.ExitCode.Should().Be(0);
        Fit(one).Should().BeGreaterThan(Fit(ten)).And.BeGreaterThan(Fit(free) + 20.0);
        string[] predicted = new PredictionsFile(ten.Output).Text("y predicted");
        predicted[..15].Should().OnlyContain(cell => cell.Length == 0);
        predicted[15..].Should().OnlyContain(cell => cell.Length > 0);
    }

    [Theory]
    [InlineData(2, "Expected one of --zero-state, --continue and --warm-up", "--zero-state", "--continue")]
    [InlineData(2, "Expected --warm-up beside --horizon", "--horizon", "3")]
    [InlineData(2, "--warm-up: expected a whole number of at least 1, got '0'", "--warm-up", "0")]
    [InlineData(2, "--horizon: expected a whole number of at least 1, got 'x'", "--horizon", "x", "--warm-up", "3")]
    [InlineData(1, "--warm-up: expected the output columns 'y' in the table", "--warm-up", "3")]
    public async Task What_cannot_be_is_refused(int exitCode, string fault, params string[] more)
    {
        using var folder = new TemporaryFolder();
        await FitAsync(folder, Slow(0.0, 1, 60));
        string csv = folder.File("new.csv", "u\n1\n2\n3\n");

        CommandResult result = await CommandRunner.RunAsync(["predict", folder.At("out/model.json"), csv, .. more]);

        result.ExitCode.Should().Be(exitCode);
        result.Error.Should().Contain(fault);
        result.Output.Should().BeEmpty();
    }

    [Fact]
    public async Task A_model_of_runs_has_no_end_to_go_on_from()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", RunTables.Csv(RunTables.Rows()));
        (await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", "y", "--group", "run", "--hidden", "1", "--out",
            folder.At("out"))).ExitCode.Should().Be(0);

        CommandResult runs = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), csv, "--group", "run", "--continue");
        CommandResult one = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), csv, "--continue");

        runs.Error.Should().Contain("--continue: expected one run");
        one.Error.Should().Contain("holds no state at the end of its data");
    }

    private static async Task FitAsync(TemporaryFolder folder, string csv, params string[] more)
    {
        CommandResult result = await CommandRunner.RunAsync(
            ["fit", folder.File("data.csv", csv), .. Columns, "--hidden", "1", .. more, "--out", folder.At("out")]);
        result.ExitCode.Should().Be(0);
    }

    /// <summary>y_t = 0.95 y_{t−1} + 0.1 u_t from a state, with u uniform on ±1.</summary>
    private static string Slow(double state, int seed, int rows, double offset = 0.0)
    {
        var random = new Random(seed);
        double[,] table = new double[rows, 2];
        double y = state;
        for (int t = 0; t < rows; t++)
        {
            double u = 2.0 * random.NextDouble() - 1.0;
            y = 0.95 * y + 0.1 * u;
            (table[t, 0], table[t, 1]) = (u, y + offset + 1e-4 * random.NextDouble());
        }
        return Tables.Csv(["u", "y"], table);
    }

    private static double Fit(CommandResult result) => double.Parse(
        System.Text.RegularExpressions.Regex.Match(result.Error, @"fit: (\S+) %").Groups[1].Value,
        System.Globalization.CultureInfo.InvariantCulture);
}
