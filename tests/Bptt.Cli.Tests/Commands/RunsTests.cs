// Several runs in one file: each is a sequence of its own, whole runs or their ends are held out, and runs that nobody
// named are told.

using Bptt.Cli.Data;

namespace Bptt.Cli.Tests.Commands;

public class RunsTests
{
    private static readonly string[] Columns = ["--inputs", "a,b", "--outputs", "y", "--hidden", "2"];

    [Fact]
    public async Task The_last_runs_are_held_out_and_every_row_says_its_run()
    {
        using var folder = new TemporaryFolder();

        (CommandResult result, PredictionsFile predictions) = await FitAsync(
            folder, RunTables.Csv(RunTables.Rows()), "--group", "run");

        result.ShouldBeDone();
        result.Output.Should().Contain("3 runs (102 rows) to train, 2 runs (88 rows) held out");
        predictions.Header.Should().Equal("row", "run", "part", "y measured", "y predicted");
        predictions.Text("run").Should().Equal(RunTables.Rows().Select(r => $"r{r.Run}"));
        predictions.Text("part").Should().Equal(RunTables.Rows().Select(r => r.Run < 3 ? "training" : "held-out"));
        predictions.Fit("y", "held-out").Should().BeGreaterThan(95);
        result.Output.Should().Contain($"held-out fit: {predictions.Fit("y", "held-out"):F2} %");
    }

    [Fact]
    public async Task The_end_of_each_run_is_held_out_where_told()
    {
        using var folder = new TemporaryFolder();

        (CommandResult result, PredictionsFile predictions) = await FitAsync(
            folder, RunTables.Csv(RunTables.Rows()), "--group", "run", "--hold-out", "time", "--train", "0.5");

        result.Output.Should().Contain("5 runs, 95 rows to train, 95 held out");
        predictions.Text("part").Should().Equal(
            RunTables.Rows().Select(r => r.Step < (30 + 4 * r.Run) / 2 ? "training" : "held-out"));
    }

    [Fact]
    public async Task No_run_knows_of_the_one_before()
    {
        using var folder = new TemporaryFolder();
        RunTables.Row[] rows = RunTables.Rows();
        (_, PredictionsFile all) = await FitAsync(folder, RunTables.Csv(rows), "--group", "run");

        double[] together = all.Numbers("y predicted");
        CommandResult predict = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), folder.At("data.csv"), "--group", "run");

        // Runs that train begin in states of their own, all others in one that the model file holds.
        double[] again = new PredictionsFile(predict.Output).Numbers("y predicted");
        again.Where((_, t) => rows[t].Run >= 3).Should().Equal(
            together.Where((_, t) => rows[t].Run >= 3), (left, right) => Math.Abs(left - right) < 1e-9);
        again.Where((_, t) => rows[t].Run < 3 && rows[t].Step > 20).Should().Equal(
            together.Where((_, t) => rows[t].Run < 3 && rows[t].Step > 20),
            (left, right) => Math.Abs(left - right) < 0.01);
        for (int run = 0; run < 5; run++)
        {
            string alone = folder.File("alone.csv", RunTables.Csv(rows.Where(r => r.Run == run)));
            CommandResult single = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), alone);
            double[] expected = [.. again.Where((_, t) => rows[t].Run == run)];
            new PredictionsFile(single.Output).Numbers("y predicted").Should().Equal(
                expected, (left, right) => Math.Abs(left - right) < 1e-9);
        }
    }

    [Fact]
    public void A_run_trains_as_a_sequence_of_its_own()
    {
        RunTables.Row[] rows = RunTables.Rows();

        Dataset data = DataOf(RunTables.Csv(rows), new DataSettings { Group = "run" });

        data.Inputs.Lengths.Should().Equal(30, 34, 38, 42, 46);
        data.Training.Inputs.Lengths.Should().Equal(30, 34, 38);
        data.Training.Weights.Should().BeNull();
        data.InputChannels[0].Mean.Should().BeApproximately(rows.Where(r => r.Run < 3).Average(r => r.A), 1e-12);
    }

    [Fact]
    public void A_forecast_stays_within_its_run()
    {
        RunTables.Row[] rows = RunTables.Rows();

        Dataset data = DataOf(RunTables.Csv(rows), new DataSettings { Group = "run", PredictNext = true });

        data.Inputs.Lengths.Should().Equal(29, 33, 37, 41, 45);
        Enumerable.Range(0, data.Count).Select(data.RowOf).Should().Equal(
            rows.Select((r, i) => (r.Step, Row: i + 1)).Where(r => r.Step > 0).Select(r => r.Row));
    }

    [Fact]
    public async Task Forecasts_beyond_the_end_of_a_run_stand_in_no_row()
    {
        using var folder = new TemporaryFolder();
        await FitAsync(folder, RunTables.Csv(RunTables.Rows()), "--group", "run", "--predict-next");

        CommandResult predict = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), folder.At("data.csv"), "--group", "run", "--time", "t");

        var predictions = new PredictionsFile(predict.Output);
        predictions.Text("row")[28..31].Should().Equal("30", "", "32");
        predictions.Text("t")[28..31].Should().Equal("2.9", "", "0.1");
        predictions.Text("y measured")[29].Should().BeEmpty();
    }

    [Fact]
    public async Task Rows_of_runs_may_be_mixed_which_is_told()
    {
        using var folder = new TemporaryFolder();
        RunTables.Row[] rows = RunTables.Rows();
        (_, PredictionsFile sorted) = await FitAsync(folder, RunTables.Csv(rows), "--group", "run");
        RunTables.Row[] byTime = [.. rows.OrderBy(r => r.Step).ThenBy(r => r.Run)];

        (CommandResult result, PredictionsFile mixed) = await FitAsync(
            folder, RunTables.Csv(byTime), "--group", "run");

        result.ExitCode.Should().Be(0);
        result.Error.Should().Contain("warning: ").And.Contain("the rows of run 'r0' do not follow each other");
        mixed.Numbers("y predicted").Should().Equal(
            sorted.Numbers("y predicted"), (left, right) => Math.Abs(left - right) < 1e-6);
        mixed.Text("row")[..3].Should().Equal("1", "6", "11");
    }

    [Theory]
    [InlineData("run")]
    [InlineData("Run ID")]
    [InlineData("experiment_no")]
    [InlineData("what it was")] // which holds words, each in one stretch of rows
    public async Task Runs_that_nobody_named_are_told(string column)
    {
        using var folder = new TemporaryFolder();
        string csv = RunTables.Csv(RunTables.Rows()).Replace("run,t,", $"{column},x,", StringComparison.Ordinal);

        (CommandResult result, _) = await FitAsync(folder, csv);

        result.ExitCode.Should().Be(0);
        result.Error.Should().StartWith("warning: ").And.Contain($"column '{column}' changes at line 32 (5 values)")
            .And.Contain("--group ");
        result.Error.TrimEnd().Split('\n').Should().ContainSingle();
    }

    [Theory]
    [InlineData("run,x,", true)] // the name says it, the times do not jump
    [InlineData("x,time,", true)] // the times jump
    [InlineData("valve,x,", false)]
    public async Task Numbers_that_may_name_runs_and_times_that_jump_are_told(string names, bool isTold)
    {
        using var folder = new TemporaryFolder();
        string csv = RunTables.Csv(RunTables.Rows()).Replace("\nr", "\n", StringComparison.Ordinal)
            .Replace("run,t,", names, StringComparison.Ordinal);

        (CommandResult result, _) = await FitAsync(folder, csv);

        result.ExitCode.Should().Be(0);
        result.Error.Contains("--group", StringComparison.Ordinal).Should().Be(isTold);
    }

    [Fact]
    public async Task Other_commands_take_runs_too()
    {
        using var folder = new TemporaryFolder();
        string[] data =
        [
            folder.File("data.csv", RunTables.Csv(RunTables.Rows(3))), "--inputs", "a,b", "--outputs", "y",
            "--group", "run", "--hidden", "2",
        ];

        CommandResult check = await CommandRunner.RunAsync(["check", .. data]);
        CommandResult flow = await CommandRunner.RunAsync(["flow", .. data, "--out", folder.At("flow")]);
        CommandResult remedies = await CommandRunner.RunAsync(
            ["remedies", .. data, "--epochs", "2", "--out", folder.At("remedies")]);

        check.ShouldBeDone();
        flow.ShouldBeDone();
        remedies.ShouldBeDone();
        remedies.Output.Should().Contain("2 runs (64 rows) to train, 1 run (38 rows) held out");
    }

    [Fact]
    public async Task The_report_and_the_order_are_made_of_runs()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", RunTables.Csv(RunTables.Rows()));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", "y", "--group", "run", "--time", "t", "--report",
            "--out", folder.At("out"));

        result.ShouldBeDone();
        result.Output.Should().Contain(
            "by free runs over stretches of the training rows that were left out in turn");
        File.ReadAllText(folder.At("out/report.html")).Should().Contain("3 runs (102 rows) to train");
        File.ReadAllText(folder.At("out/fit.svg")).Should().Contain("row of the table", "the times of runs overlap");
    }

    private static Dataset DataOf(string csv, DataSettings settings) => DatasetBuilder.From(
        CsvTable.Read(new StringReader(csv), "data.csv"), ["a", "b"], ["y"], settings);

    private static async Task<(CommandResult Result, PredictionsFile Predictions)> FitAsync(
        TemporaryFolder folder, string csv, params string[] options)
    {
        CommandResult result = await CommandRunner.RunAsync(
            ["fit", folder.File("data.csv", csv), .. Columns, .. options, "--out", folder.At("out")]);
        return (result, PredictionsFile.Of(folder.At("out/predictions.csv")));
    }
}
