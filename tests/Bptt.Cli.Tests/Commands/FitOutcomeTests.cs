// Fits of several outputs, forecasts, and fits that do not go well: what is reported and what is left on the disc.

using System.Globalization;
using System.Text.RegularExpressions;
using Bptt.Remedies;

namespace Bptt.Cli.Tests.Commands;

public class FitOutcomeTests
{
    [Fact]
    public async Task The_sunspots_are_forecast_one_year_ahead()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "fit", "--sample", "sunspots", "--hidden", "8", "--optimizer", "adam", "--epochs", "150",
            "--out", folder.Path);

        result.ShouldBeDone();
        result.Output.Should().Contain("215 rows to train, 93 held out", "the sample takes 0.7 of 308 pairs");
        result.Output.Should().MatchRegex(@"\n +AR\(\d+\) least squares ");
        var predictions = PredictionsFile.Of(folder.At("predictions.csv"));
        predictions.Text("row").Should().Equal(Enumerable.Range(2, 308).Select(r => $"{r}"));
        predictions.Numbers("sunspot_number measured")[..3]
            .Should().Equal([11, 16, 23], (l, r) => Math.Abs(l - r) < 1e-9);
        predictions.Text("part").Count(p => p == "training").Should().Be(215);
        predictions.Fit("sunspot_number", "held-out").Should().BeGreaterThan(50)
            .And.BeApproximately(HeldOutFit(result), 0.0051);
    }

    [Fact]
    public async Task The_sunspots_are_cut_where_the_command_line_says()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "fit", "--sample", "sunspots", "--train", "0.6", "--hidden", "2", "--epochs", "1", "--out", folder.Path);

        result.Output.Should().Contain("184 rows to train, 124 held out");
    }

    [Fact]
    public async Task Several_outputs_have_columns_and_scores_of_their_own()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(80));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", "z,y", "--out", folder.At("out"));

        result.ShouldBeDone();
        var predictions = PredictionsFile.Of(folder.At("out/predictions.csv"));
        predictions.Header.Should().Equal("row", "part", "z measured", "z predicted", "y measured", "y predicted");
        MatchCollection rows = Regex.Matches(
            result.Output,
            @"^ +(linear RNN|ARX\(|z|y|training mean).*?(\S+) % +(\S+) % +([\d.]+)? *\r?$",
            RegexOptions.Multiline);
        rows.Select(r => r.Groups[1].Value).Should().Equal(
            "linear RNN", "z", "y", "ARX(", "z", "y", "training mean", "z", "y");
        foreach ((string output, int row) in new[] { ("z", 1), ("y", 2) })
        {
            Number(rows[row].Groups[2].Value).Should().BeApproximately(predictions.Fit(output, "training"), 0.0051);
            Number(rows[row].Groups[3].Value).Should().BeApproximately(predictions.Fit(output, "held-out"), 0.0051);
            rows[row].Groups[4].Success.Should().BeTrue("each output has an error in its own unit");
        }
        rows[0].Groups[4].Success.Should().BeFalse("outputs of different units have no common one");
        HeldOutFit(result).Should().Be(Number(rows[0].Groups[3].Value)).And.BeGreaterThan(80);
    }

    [Fact]
    public async Task A_model_that_grows_beyond_the_training_rows_is_warned_of()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(80));

        // Twice the order of the system: the noise of 48 rows is learned by heart.
        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", "z,y", "--hidden", "4", "--prior", "none",
            "--optimizer", "lm", "--out", folder.At("out"));

        result.ExitCode.Should().Be(0);
        HeldOutFit(result).Should().BeLessThan(0);
        result.Error.Should().StartWith("warning: the model is unstable (spectral radius 1.")
            .And.Contain("--hidden auto");
    }

    [Fact]
    public async Task Predict_next_takes_the_targets_from_the_next_row()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(41));

        CommandResult fit = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,y", "--outputs", "y", "--predict-next", "--hidden", "2", "--epochs", "5",
            "--out", folder.At("out"));
        CommandResult predict = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), csv);

        fit.ShouldBeDone();
        fit.Output.Should().Contain("24 rows to train, 16 held out");
        var fitted = PredictionsFile.Of(folder.At("out/predictions.csv"));
        fitted.Text("row")[0].Should().Be("2");
        fitted.Text("row")[^1].Should().Be("41");
        var again = new PredictionsFile(predict.Output);
        again.Text("row")[^1].Should().Be("42", "the last row forecasts what is not measured yet");
        again.Text("y measured")[^1].Should().BeEmpty();
        again.Text("y predicted")[..^1].Should().Equal(fitted.Text("y predicted"));
        again.Text("y measured")[..^1].Should().Equal(fitted.Text("y measured"));
    }

    [Fact]
    public async Task Fewer_rows_than_parameters_are_warned_of_and_fitted()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(20));

        CommandResult few = await Fit(csv, folder.At("few"), "--hidden", "3");
        CommandResult enough = await Fit(csv, folder.At("enough"), "--hidden", "2");

        few.ExitCode.Should().Be(0);
        // 3·(2 + 3 + 1)
        few.Error.Should().StartWith("warning: 12 training rows for 18 parameters").And.Contain("--hidden");
        HeldOutFit(few).Should().BeLessThan(100);
        File.Exists(folder.At("few/model.json")).Should().BeTrue();
        enough.ShouldBeDone(); // 2·(2 + 2 + 1) = 10
        enough.Output.Should().Contain("2 hidden units, 10 parameters");
    }

    [Fact]
    public async Task A_learned_initial_state_counts_as_parameters_and_is_kept_for_predict()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));

        CommandResult result = await Fit(csv, folder.At("out"), "--hidden", "2", "--learn-state", "--epochs", "20");
        CommandResult predict = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), csv);
        CommandResult fromRest = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), csv, "--zero-state");

        result.ShouldBeDone();
        result.Output.Should().Contain("2 hidden units, 12 parameters");
        ModelFile.Of(folder.At("out/model.json")).InitialState.Should().OnlyContain(s => s != 0.0);
        string[] fitted = PredictionsFile.Of(folder.At("out/predictions.csv")).Text("y predicted");
        new PredictionsFile(predict.Output).Text("y predicted").Should().Equal(fitted);
        new PredictionsFile(fromRest.Output).Text("y predicted")[0].Should().NotBe(fitted[0]);
    }

    [Theory]
    [InlineData("1e30")]
    [InlineData("1e308")]
    public async Task A_training_that_diverges_is_told_and_the_best_weights_are_written(string learningRate)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));

        CommandResult diverged = await Fit(csv, folder.At("out"), "--hidden", "3", "--learning-rate", learningRate);

        diverged.ShouldBeRefused(1, "diverged", "after 1 epoch", "best weights", "--learning-rate");
        Initializer.Orthogonal(2, 3, 1, seed: 1, spectralRadius: 0.9).Whh.ToRowArrays().Should().BeEquivalentTo(
            ModelFile.Of(folder.At("out/model.json")).Whh, "the first weights were the best");
        File.Exists(folder.At("out/checkpoint.json")).Should().BeFalse("it cannot go on");
        PredictionsFile.Of(folder.At("out/predictions.csv")).Fit("y", "held-out")
            .Should().BeApproximately(HeldOutFit(diverged), 0.0051);
        File.Exists(folder.At("out/fit.svg")).Should().BeTrue();
    }

    [Fact]
    public async Task A_training_that_has_reached_its_minimum_raises_no_doubt_about_its_gradients()
    {
        using var folder = new TemporaryFolder();

        // At a minimum the gradient is zero but for rounding, and so is every difference of the loss.
        CommandResult result = await CommandRunner.RunAsync(
            "fit", "--sample", "sunspots", "--hidden", "3", "--optimizer", "adam", "--epochs", "4000",
            "--out", folder.Path);

        result.ShouldBeDone();
    }

    [Fact]
    public async Task A_training_that_finds_nothing_better_than_its_start_says_so()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "fit", "--sample", "hair-dryer", "--hidden", "2", "--epochs", "2", "--learning-rate", "1",
            "--out", folder.Path);

        result.ExitCode.Should().Be(0);
        result.Error.Should().Contain("warning: no epoch was better than the start");
    }

    [Fact]
    public async Task A_free_run_that_leaves_the_range_of_numbers_is_a_fault_and_the_files_are_there()
    {
        // Growth is learned from 40 rows; thousands of steps on it exceeds every double.
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.Growing());

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a", "--outputs", "y", "--train", Tables.GrowingTrainingFraction, "--hidden", "2",
            "--epochs", "300", "--learning-rate", "0.05", "--out", folder.At("out"));

        result.ShouldBeRefused(1, "leaves the range of numbers", "spectral radius");
        result.Output.Should().Contain("held-out fit: diverged");
        File.Exists(folder.At("out/model.json")).Should().BeTrue();
    }

    [Fact]
    public async Task A_model_too_large_for_any_machine_is_refused_in_words()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(20));

        CommandResult result = await Fit(csv, folder.At("out"), "--hidden", "50000");

        result.ExitCode.Should().BeOneOf(1, 2);
        result.Output.Should().NotMatchRegex(@"-\d+ parameters");
        result.Error.Should().Contain("error: ").And.NotContain("unexpected fault");
    }

    [Theory]
    [InlineData("file")]
    [InlineData("file/out")]
    public async Task An_output_folder_that_cannot_be_written_is_refused_before_the_training(string output)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(20));
        folder.File("file", "a file, no folder");

        CommandResult result = await Fit(csv, folder.At(output));

        result.ShouldBeRefused(1, $"The output folder '{folder.At(output)}' cannot be written");
        result.Output.Should().NotContain("epoch");
        folder.Content().Should().Equal("data.csv", "file");
        File.ReadAllText(folder.At("file")).Should().Be("a file, no folder");
    }

    [Theory]
    [InlineData("model.json")]
    [InlineData("predictions.csv")]
    [InlineData("fit.svg")]
    public async Task Where_one_file_cannot_be_replaced_what_comes_after_it_stays_and_no_temporary_file_does(
        string blocked)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        string[] inOrder = ["model.json", "predictions.csv", "fit.svg"];
        foreach (string file in inOrder.Where(f => f != blocked))
        {
            folder.File(file, "old");
        }
        Directory.CreateDirectory(folder.At(blocked));
        string[] before = [.. folder.Content().Append("checkpoint.json").Order(StringComparer.Ordinal)];

        CommandResult result = await Fit(csv, folder.Path, "--hidden", "2");

        result.ShouldBeRefused(1, folder.At(blocked));
        folder.Content().Should().Equal(before);
        foreach (string later in inOrder.SkipWhile(f => f != blocked).Skip(1))
        {
            File.ReadAllText(folder.At(later)).Should().Be("old");
        }
        foreach (string earlier in inOrder.TakeWhile(f => f != blocked))
        {
            File.ReadAllText(folder.At(earlier)).Should().NotBe("old");
        }
    }

    [Fact]
    public async Task A_second_fit_into_a_folder_replaces_the_files_and_touches_no_other()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        await Fit(csv, folder.Path, "--hidden", "2");
        string first = File.ReadAllText(folder.At("model.json"));
        string checkpoint = File.ReadAllText(folder.At("checkpoint.json"));

        (await Fit(csv, folder.Path, "--hidden", "3")).ShouldBeDone();

        File.ReadAllText(folder.At("model.json")).Should().NotBe(first);
        File.ReadAllText(folder.At("checkpoint.json")).Should().Be(checkpoint, "that training can go on");
        string[] files =
            ["checkpoint-2.json", "checkpoint.json", "data.csv", "fit.svg", "model.json", "predictions.csv"];
        folder.Content().Should().Equal(files);

        CommandResult goesOn = await Fit(
            csv, folder.Path, "--hidden", "2", "--epochs", "5", "--resume", folder.At("checkpoint.json"));
        goesOn.ShouldBeDone();
        goesOn.Output.Should().Contain("epoch 5/5  loss");
    }

    private static Task<CommandResult> Fit(string csv, string output, params string[] more) => CommandRunner.RunAsync(
        [
            "fit", csv, "--inputs", "a,b", "--outputs", "y", "--optimizer", "adam", "--out", output,
            .. more.Contains("--epochs") ? more : [.. more, "--epochs", "3"],
        ]);

    private static double HeldOutFit(CommandResult result)
    {
        Match line = Regex.Match(result.Output, @"^held-out fit: (-?\d+\.\d\d) %\r?$", RegexOptions.Multiline);
        line.Success.Should().BeTrue("one line tells the held-out fit");
        return Number(line.Groups[1].Value);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
