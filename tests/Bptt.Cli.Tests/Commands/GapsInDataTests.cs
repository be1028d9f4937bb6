// Missing values: outputs are masked, inputs refused or interpolated, and both are counted.

using Bptt.Cli.Data;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Tests.Commands;

public class GapsInDataTests
{
    [Theory]
    [InlineData("")]
    [InlineData("NaN")]
    [InlineData("nan")]
    [InlineData("NA")]
    [InlineData("n/a")]
    [InlineData("#N/A")]
    [InlineData("null")]
    [InlineData("NULL")]
    public async Task An_output_that_is_measured_every_fifth_row_is_learned(string missing)
    {
        using var folder = new TemporaryFolder();
        string csv = RunTables.Csv(
            RunTables.Rows(), r => r.Step % 5 == 0 ? RunTables.Text(r.Y) : missing);

        (CommandResult result, PredictionsFile predictions) = await FitAsync(
            folder, csv, "--group", "run", "--hidden", "1");

        result.ExitCode.Should().Be(0);
        result.Error.Should().StartWith("note: ")
            .And.Contain("150 of 190 values of the output 'y' are missing; those steps do not count.");
        predictions.Text("y measured")[..6].Count(c => c.Length == 0).Should().Be(4);

        // What was never shown is predicted.
        RunTables.Row[] rows = RunTables.Rows();
        double[] predicted = predictions.Numbers("y predicted");
        double error = Math.Sqrt(rows.Select((r, t) => Math.Pow(r.Y - predicted[t], 2)).Average());
        error.Should().BeLessThan(0.06, "the outputs have a size of 1");
        result.Output.Should().MatchRegex(@"  FIR\(\d+\) least squares ", "past outputs are not known");
    }

    [Fact]
    public void What_is_masked_weighs_nothing_and_what_is_measured_weighs_alike()
    {
        Dataset data = DataOf(RunTables.Csv(RunTables.Rows(), r => r.Step % 3 == 1 ? "" : RunTables.Text(r.Y)));

        data.Training.Weights!.SelectMany(w => w).Should().Equal(
            RunTables.Rows().Where(r => r.Run < 3).Select(r => r.Step % 3 == 1 ? 0.0 : 1.0));
        Enumerable.Range(0, 3).SelectMany(b => data.Training.FilledTargets.Sequence(b).Enumerate())
            .Should().OnlyContain(y => double.IsFinite(y));
        data.OutputChannels[0].Mean.Should().BeApproximately(
            RunTables.Rows().Where(r => r.Run < 3 && r.Step % 3 != 1).Average(r => r.Y), 1e-12);
    }

    [Fact]
    public async Task The_baseline_leaves_out_steps_whose_past_is_missing()
    {
        using var folder = new TemporaryFolder();
        string csv = RunTables.Csv(RunTables.Rows(), r => r.Step % 15 == 7 ? "" : RunTables.Text(r.Y));

        (CommandResult result, _) = await FitAsync(folder, csv, "--group", "run", "--hidden", "1");

        result.Output.Should().MatchRegex(@"  ARX\(\d+\) least squares +9\d\.\d\d %");
    }

    [Fact]
    public async Task Inputs_are_interpolated_where_asked_within_their_run()
    {
        using var folder = new TemporaryFolder();
        string csv = "run,u,y\n" + string.Concat(Enumerable.Range(0, 40).Select(
            t => $"{t / 20},{(t % 20 is 4 or 5 or 19 ? "" : 3 * t + 100 * (t / 20))},{t % 7}\n"));

        Dataset data = DatasetBuilder.From(
            CsvTable.Read(new StringReader(csv), "data.csv"), ["u"], ["y"],
            new DataSettings { Group = "run", HoldOut = HoldOut.Time, Missing = Missing.Interpolate });

        Vector<double> first = data.Inputs.Sequence(0).Row(0);
        Vector<double> second = data.Inputs.Sequence(1).Row(0);
        double[] measured = [.. first.Concat(second).Select(data.InputChannels[0].Denormalize)];
        measured[4].Should().BeApproximately(12, 1e-9);
        measured[5].Should().BeApproximately(15, 1e-9);
        measured[19].Should().BeApproximately(54, 1e-9, "the next run is another one");
        measured[24].Should().BeApproximately(172, 1e-9);

        string file = folder.File("data.csv", csv);
        CommandResult result = await CommandRunner.RunAsync(
            "fit", file, "--inputs", "u", "--outputs", "y", "--group", "run", "--hold-out", "time",
            "--missing", "interpolate", "--hidden", "1", "--epochs", "1", "--out", folder.At("out"));
        result.Error.Should().Contain("note: ").And.Contain(
            "6 of 40 values of the input 'u' are missing and interpolated.");
    }

    [Fact]
    public async Task Of_several_outputs_the_steps_count_in_which_all_are_measured()
    {
        using var folder = new TemporaryFolder();
        string csv = string.Join('\n', RunTables.Csv(RunTables.Rows()).TrimEnd().Split('\n').Select(
            (line, i) => i == 0 ? line + ",z" : line + (i % 4 == 0 ? $",{i % 9}" : ","))) + "\n";

        CommandResult result = await CommandRunner.RunAsync(
            "fit", folder.File("data.csv", csv), "--inputs", "a,b", "--outputs", "y,z", "--group", "run",
            "--hidden", "2", "--epochs", "3", "--out", folder.At("out"));

        result.ExitCode.Should().Be(0);
        result.Error.Should().Contain("143 of 190 values of the output 'z' are missing")
            .And.Contain("training counts the 25 of 102 steps in which every output is measured.");
        var predictions = PredictionsFile.Of(folder.At("out/predictions.csv"));
        predictions.Text("y measured").Should().OnlyContain(c => c.Length > 0, "it is scored wherever it is measured");
    }

    [Fact]
    public async Task A_model_file_is_run_over_gaps_as_told()
    {
        using var folder = new TemporaryFolder();
        await FitAsync(folder, RunTables.Csv(RunTables.Rows()), "--group", "run", "--hidden", "1");
        string gaps = folder.File("gaps.csv", "a,b,y\n1,2,3\n,2,3\n3,2,NA\n1,1,1\n");

        CommandResult refused = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), gaps);
        CommandResult filled = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), gaps, "--missing", "interpolate");
        CommandResult strict = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"),
            folder.File("strict.csv", "a,b,y\n1,2,3\n3,2,NA\n"), "--missing", "refuse");

        refused.ShouldBeRefused(1, "line 3, column 'a'", "--missing interpolate");
        filled.ExitCode.Should().Be(0);
        filled.Error.Should().Contain("1 of 4 values of the input 'a' are missing and interpolated.");
        new PredictionsFile(filled.Output).Text("y measured").Should().Equal("3", "3", "", "1");
        strict.ShouldBeRefused(1, "line 3, column 'y'", "'NA'");
    }

    private static Dataset DataOf(string csv) => DatasetBuilder.From(
        CsvTable.Read(new StringReader(csv), "data.csv"), ["a", "b"], ["y"], new DataSettings { Group = "run" });

    private static async Task<(CommandResult Result, PredictionsFile Predictions)> FitAsync(
        TemporaryFolder folder, string csv, params string[] options)
    {
        CommandResult result = await CommandRunner.RunAsync(
        [
            "fit", folder.File("data.csv", csv), "--inputs", "a,b", "--outputs", "y", .. options,
            "--out", folder.At("out"),
        ]);
        return (result, PredictionsFile.Of(folder.At("out/predictions.csv")));
    }
}
