// What a fit says of the model: the verdict, the residuals, and fits on all rows.

namespace Bptt.Cli.Tests.Commands;

public class FitVerdictTests
{
    [Fact]
    public async Task A_model_of_the_systems_kind_is_stable_white_and_as_good_as_the_baseline_or_better()
    {
        using var folder = new TemporaryFolder();

        var random = new Random(4);
        double[,] table = new double[300, 2];
        double state = 0.0;
        for (int t = 0; t < 300; t++)
        {
            table[t, 0] = random.NextDouble() - 0.5;
            state = 0.65 * state + table[t, 0];
            table[t, 1] = state + 0.1 * (random.NextDouble() - 0.5);
        }

        string output = await FitAsync(folder, Tables.Csv(["u", "y"], table), "--inputs", "u", "--outputs", "y");

        output.Should().MatchRegex(
            @"\nresiduals, held out: white, as far as can be told; nothing of the inputs is left in them\r?\n");
        output.Should().MatchRegex(
            @"\nverdict: (as good as|better than) ARX\(\d+\) least squares( by \d+\.\d points)?; stable \(its slowest "
            + @"mode takes 2\.\d+ steps to fall to a third\); \S+ numbers for each parameter\r?\n");
    }

    [Theory]
    [InlineData(1e-4, true)]
    [InlineData(0.1, false)]
    public async Task Residuals_far_below_the_signal_are_negligible_whatever_they_hold(double unmodelled, bool isSo)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(9);
        double[,] table = new double[300, 2];
        for (int t = 0; t < 300; t++)
        {
            table[t, 0] = random.NextDouble() - 0.5;
            table[t, 1] = (t > 0 ? 0.9 * table[t - 1, 1] : 0.0) + table[t, 0]
                + unmodelled * (t > 6 ? table[t - 7, 0] : 0.0);
        }

        string output = await FitAsync(
            folder, Tables.Csv(["u", "y"], table), "--inputs", "u", "--outputs", "y", "--hidden", "1", "--no-checks");

        output.Should().MatchRegex(isSo
            ? @"\nresiduals, held out: negligible, \d\.\dE-[456] of the spread of the output: "
            : @"\nresiduals, held out: (white|coloured).* they still hold some of u ");
    }

    [Fact]
    public async Task What_an_input_does_beyond_the_model_is_told()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(9);
        double[,] table = new double[400, 2];
        for (int t = 0; t < 400; t++)
        {
            table[t, 0] = random.NextDouble() - 0.5;
            table[t, 1] = (t > 0 ? 0.9 * table[t - 1, 1] + table[t, 0] : 0.0) + (t > 6 ? 4.0 * table[t - 7, 0] : 0.0);
        }

        string output = await FitAsync(
            folder, Tables.Csv(["u", "y"], table), "--inputs", "u", "--outputs", "y", "--hidden", "1");

        output.Should().MatchRegex(@"\nresiduals, held out: coloured \(correlation -?0\.\d\d at \d+ steps?\)");
        output.Should().MatchRegex(@"; they still hold some of u \(0\.\d\d after 7 steps\)");
        output.Should().MatchRegex(@"\nverdict: worse than ARX\(\d+\) least squares by \d+\.\d points; ");
    }

    [Fact]
    public async Task Little_data_and_slow_modes_are_named()
    {
        using var folder = new TemporaryFolder();
        double[,] table = new double[40, 2];
        var random = new Random(2);
        for (int t = 0; t < 40; t++)
        {
            table[t, 0] = random.NextDouble() - 0.3;
            table[t, 1] = (t == 0 ? 0.0 : 0.999 * table[t - 1, 1]) + table[t, 0];
        }

        string output = await FitAsync(
            folder, Tables.Csv(["u", "y"], table), "--inputs", "u", "--outputs", "y", "--hidden", "3");

        output.Should().Contain("; stable, but near the border (spectral radius 0.9")
            .And.Contain(" to fall to a third, and the longest run has 24; fitted on little, 1.")
            .And.Contain(" numbers for each parameter");
    }

    [Fact]
    public async Task All_rows_train_where_it_is_asked_for()
    {
        using var folder = new TemporaryFolder();

        string output = await FitAsync(
            folder, Tables.TwoByTwo(120), "--inputs", "a,b", "--outputs", "y", "--train", "1", "--report");

        output.Should().Contain("120 rows to train, 0 held out").And.Contain("held-out fit: none, all rows train")
            .And.Contain("verdict: not judged, no held-out rows tell; stable ")
            .And.MatchRegex(@"\nmodel: [a-z, ]+; order \d, the simplest of \d+ that is as good as ")
            .And.Contain("\nresiduals, of the training rows: coloured");
        PredictionsFile.Of(folder.At("out/predictions.csv")).Text("part").Should().OnlyContain(p => p == "training");
        File.ReadAllText(folder.At("out/report.html")).Should().Contain("All rows train: no rows were held out");
    }

    [Fact]
    public async Task All_runs_train_where_it_is_asked_for()
    {
        using var folder = new TemporaryFolder();

        string output = await FitAsync(
            folder, RunTables.Csv(RunTables.Rows()), "--inputs", "a,b", "--outputs", "y", "--group", "run",
            "--train", "1");

        output.Should().Contain("5 runs (190 rows) to train, 0 runs (0 rows) held out")
            .And.Contain("held-out fit: none");
    }

    private static async Task<string> FitAsync(TemporaryFolder folder, string csv, params string[] options)
    {
        CommandResult result = await CommandRunner.RunAsync(
            ["fit", folder.File("data.csv", csv), .. options, "--out", folder.At("out")]);
        result.ExitCode.Should().Be(0, result.Error);
        return result.Output;
    }
}
