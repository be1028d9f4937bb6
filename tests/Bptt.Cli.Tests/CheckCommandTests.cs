// `bptt check`: a verdict for each parameter on the data that are named.

namespace Bptt.Cli.Tests;

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
            .And.MatchRegex(@"W_qh +passed .* 4 of 4 ").And.MatchRegex(@"h_0 +passed .* 4 of 4 ");
        result.Output.Should().MatchRegex(@"\ngradient check: passed \(worst relative error \d\.\dE-\d+, 428 entries\)\r?\n$");
    }

    [Fact]
    public async Task The_gradients_on_a_table_pass_for_several_inputs_and_outputs()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));

        CommandResult result = await CommandRunner.RunAsync(
            "check", csv, "--inputs", "a,b", "--outputs", "y,z", "--predict-next", "--train", "0.5", "--hidden", "3", "--seed", "-4");

        result.ShouldBeDone();
        result.Output.Should().MatchRegex(@"W_hx +passed .* 6 of 6 ").And.MatchRegex(@"W_qh +passed .* 6 of 6 ");
        folder.Content().Should().Equal("data.csv");
    }

    [Fact]
    public async Task The_seed_chooses_the_model()
    {
        CommandResult one = await CommandRunner.RunAsync("check", "--sample", "sunspots", "--hidden", "3");
        CommandResult same = await CommandRunner.RunAsync("check", "--sample", "sunspots", "--hidden", "3", "--seed", "1");
        CommandResult other = await CommandRunner.RunAsync("check", "--sample", "sunspots", "--hidden", "3", "--seed", "2");

        same.Should().Be(one);
        other.Output.Should().NotBe(one.Output);
    }
}
