// `bptt fit` as it runs where nothing is told, on both samples, and several starts.

using System.Globalization;
using System.Text.RegularExpressions;

namespace Bptt.Cli.Tests.Commands;

public class FitDefaultsTests
{
    [Fact]
    public async Task The_hair_dryer_is_fitted_to_the_noise_limit_with_an_order_of_its_own()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "fit", "--sample", "hair-dryer", "--report", "--out", folder.Path);

        result.ShouldBeDone();
        result.Output.Should().MatchRegex(@"\n +output error, [a-z, ]+ \(chosen\) +4 +89\.\d\d %")
            .And.MatchRegex(@"\nmodel: output error, [a-z, ]+; order 4, the simplest of \d+ that is as good as ")
            .And.MatchRegex(@"\n4 hidden units, 28 parameters; h_0 learned")
            .And.MatchRegex(@"\ngradient check at random weights: passed ")
            .And.Contain("\nresiduals, held out: coloured (correlation ")
            .And.Contain("\nverdict: as good as ARX(9) least squares; stable (its slowest mode takes ");
        (double training, double heldOut, _) = Scores(result, "linear RNN, h = 4");
        training.Should().BeGreaterThanOrEqualTo(89.4);
        heldOut.Should().BeGreaterThanOrEqualTo(85.7);
        folder.Content().Should().Equal("fit.svg", "model.json", "predictions.csv", "report.html");
        string page = File.ReadAllText(folder.At("report.html"));
        page.Should().ContainAll(
            "model, fitted by", "(chosen)", "fit where left out", "Verdict: as good as ARX(9) least squares; stable");
    }

    [Fact]
    public async Task The_sunspots_are_forecast_better_than_by_an_autoregression_of_nine_lags()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync("fit", "--sample", "sunspots", "--out", folder.Path);

        result.ShouldBeDone();
        (_, _, double error) = Scores(result, @"linear RNN, h = \d+");
        (_, _, double baseline) = Scores(result, @"AR\(9\) least squares");
        baseline.Should().BeApproximately(18.06, 0.03);
        error.Should().BeLessThan(18.04, "that of a regression on the rows alone that have nine before them")
            .And.BeLessThan(baseline);
    }

    [Fact]
    public async Task Several_starts_are_told_side_by_side_and_give_the_same_bytes_twice()
    {
        using var folder = new TemporaryFolder();
        string[] line =
        [
            "fit", "--sample", "sunspots", "--hidden", "3", "--starts", "5", "--seed", "2", "--init", "orthogonal",
            "--out",
        ];

        CommandResult first = await CommandRunner.RunAsync([.. line, folder.At("first")]);
        CommandResult second = await CommandRunner.RunAsync([.. line, folder.At("second")]);

        first.ShouldBeDone();
        first.Output.Should().Contain("5 of 5 starts done")
            .And.MatchRegex(@"\n +random orthogonal, radius 0\.9, seed 6[^\n]* converged ");
        File.ReadAllBytes(folder.At("second/model.json"))
            .Should().Equal(File.ReadAllBytes(folder.At("first/model.json")));
        Rows(second).Should().Equal(Rows(first));
        folder.Content()
            .Should().NotContain(p => p.EndsWith("checkpoint.json"), "a checkpoint is of a single training");

        static string[] Rows(CommandResult result) =>
            result.Output.Split('\n').Where(l => l.StartsWith("  ", StringComparison.Ordinal)).ToArray();
    }

    [Theory]
    [InlineData("--clip has no effect: Levenberg-Marquardt", "--clip", "value:2")]
    [InlineData("--seed has no effect: nothing is drawn", "--seed", "4")]
    [InlineData("--seed has no effect: the start is computed", "--seed", "4", "--optimizer", "lm")]
    [InlineData("--checkpoint-minutes has no effect: only a training", "--checkpoint-minutes", "4")]
    [InlineData("--tensorboard has no effect: only a training", "--tensorboard", "no-such-folder")]
    public async Task What_has_no_effect_is_warned_of(string warning, params string[] more)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));

        CommandResult result = await CommandRunner.RunAsync(
            ["fit", csv, "--inputs", "a,b", "--outputs", "y", "--hidden", "2", "--out", folder.At("out"), .. more]);

        result.ExitCode.Should().Be(0);
        result.Error.Should().StartWith($"warning: {warning}");
    }

    [Fact]
    public async Task Rows_too_few_to_compare_orders_are_told_and_fitted()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(20));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", "y", "--out", folder.At("out"));

        result.ShouldBeDone();
        result.Output.Should().Contain("model: order 1, since the training rows are too few to compare others");
    }

    private static (double Training, double HeldOut, double Error) Scores(CommandResult result, string row)
    {
        Match match = Regex.Match(result.Output, $@"^ +{row} +(\S+) % +(\S+) % +(\S+) *\r?$", RegexOptions.Multiline);
        match.Success.Should().BeTrue("the table has a row '{0}'", row);
        double[] numbers = match.Groups.Values.Skip(1)
            .Select(g => double.Parse(g.Value, CultureInfo.InvariantCulture)).ToArray();
        return (numbers[0], numbers[1], numbers[2]);
    }
}
