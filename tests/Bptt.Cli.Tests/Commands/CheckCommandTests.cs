// `bptt check`: a verdict for each parameter on the data that are named.

using Bptt.Cli.Commands;
using Bptt.Cli.Console;
using Bptt.Verification;

namespace Bptt.Cli.Tests.Commands;

public class CheckCommandTests
{
    [Theory]
    [InlineData("hair-dryer")]
    [InlineData("sunspots")]
    public async Task The_gradients_on_a_sample_pass(string sample)
    {
        CommandResult result = await CommandRunner.RunAsync("check", "--sample", sample, "--hidden", "4");

        result.ShouldBeDone();
        result.Output.Should().MatchRegex(@"W_hx +passed .* 4 of 4 ").And.MatchRegex(@"W_hh +passed .* 16 of 16 ")
            .And.MatchRegex(@"W_qh +passed .* 4 of 4 ")
            .And.MatchRegex(@"h_0 +passed .* 4 of 4 ").And.MatchRegex(@"\n +x +passed .* 200 of \d+ +step \d+ \[0\] ")
            .And.MatchRegex(@"\n +o +passed .* 200 of \d+ +step \d+ \[0\] ")
            .And.MatchRegex(@"\n +directions +passed .* 10 ");
        string[] verdicts = result.Output.TrimEnd().Split('\n')[^4..];
        verdicts[0].Should().MatchRegex(
            @"^gradient check: passed \(worst relative error \d\.\dE-\d+, 428 entries\)\r?$");
        verdicts[1].Should().StartWith("certificate: passed: ");
        verdicts[2].Should().StartWith("adjoint test: passed: ");
        verdicts[3].Should().StartWith("Taylor test: passed: ");
    }

    [Fact]
    public async Task The_gradients_on_a_table_pass_for_several_inputs_and_outputs()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));

        CommandResult result = await CommandRunner.RunAsync(
            "check", csv, "--inputs", "a,b", "--outputs", "y,z", "--predict-next", "--train", "0.5", "--hidden", "3",
            "--seed", "-4");

        result.ShouldBeDone();
        result.Output.Should().MatchRegex(@"W_hx +passed .* 6 of 6 ").And.MatchRegex(@"W_qh +passed .* 6 of 6 ");
        folder.Content().Should().Equal("data.csv");
    }

    [Fact]
    public async Task The_gradients_of_a_trained_model_are_checked_where_it_stands()
    {
        using var folder = new TemporaryFolder();
        string[] data = ["--sample", "sunspots"];
        (await CommandRunner.RunAsync([
            "fit", .. data, "--hidden", "3", "--optimizer", "adam", "--epochs", "20", "--learn-state",
            "--out", folder.Path,
        ])).ShouldBeDone();

        CommandResult trained = await CommandRunner.RunAsync(["check", .. data, "--model", folder.At("model.json")]);
        CommandResult random = await CommandRunner.RunAsync(["check", .. data, "--hidden", "3"]);

        trained.ShouldBeDone();
        trained.Output.Should().StartWith($"sample sunspots: 215 rows; {folder.At("model.json")}, 3 hidden units")
            .And.Contain("certificate: passed");
        trained.Output.Split('\n')[1..].Should().NotEqual(random.Output.Split('\n')[1..]);
    }

    [Fact]
    public async Task A_loss_that_overflows_is_no_success()
    {
        // States that overflow have no gradient.
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        string model = folder.File("model.json", """
            {"format": "bptt-linear-rnn", "version": 1, "stepsAhead": 0, "initialState": [0],
            "inputs": [{"name": "a", "mean": 0, "scale": 1}], "outputs": [{"name": "y", "mean": 0, "scale": 1}],
            "whx": [[1]], "whh": [[1e200]], "wqh": [[1]]}
            """);

        CommandResult result = await CommandRunner.RunAsync("check", csv, "--model", model);

        result.ShouldBeRefused(1, "There is nothing to check", "first at step 3 of the forward pass");
        result.Output.Should().NotContain("passed");
    }

    [Theory]
    [InlineData(Verdict.Failed)]
    [InlineData(Verdict.Inconclusive)]
    public void One_check_that_does_not_pass_is_no_success_whichever_it_is(Verdict verdict)
    {
        for (int other = -1; other < 4; other++)
        {
            var output = new StringWriter();
            var checks = Enumerable.Range(0, 4)
                .Select(i => ($"check {i}", $"text {i}", i == other ? verdict : Verdict.Passed)).ToArray();

            int exitCode = CheckCommand.Conclude(new Terminal(output, TextWriter.Null, isInteractive: false), checks);

            exitCode.Should().Be(other < 0 ? 0 : 1, "of check {0}", other);
            output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd())
                .Should().Equal("check 0: text 0", "check 1: text 1", "check 2: text 2", "check 3: text 3");
        }
    }

    [Fact]
    public async Task The_seed_chooses_the_model()
    {
        CommandResult one = await CommandRunner.RunAsync("check", "--sample", "sunspots", "--hidden", "3");
        CommandResult same = await CommandRunner.RunAsync(
            "check", "--sample", "sunspots", "--hidden", "3", "--seed", "1");
        CommandResult other = await CommandRunner.RunAsync(
            "check", "--sample", "sunspots", "--hidden", "3", "--seed", "2");

        same.Should().Be(one);
        other.Output.Should().NotBe(one.Output);
    }
}
