// How epochs are shown: a bar on a terminal, few lines elsewhere.

using Bptt.Cli.Console;
using Bptt.Cli.Fitting;

namespace Bptt.Cli.Tests.Fitting;

public class EpochDisplayTests
{
    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 4)]
    [InlineData(1000, 11)]
    [InlineData(100_000, 11)]
    public void Without_a_terminal_there_are_a_few_lines_however_many_epochs(int epochs, int lines)
    {
        string[] printed = Show(epochs, isInteractive: false).TrimEnd().Split(Environment.NewLine);

        printed.Should().HaveCount(lines);
        printed[0].Should().StartWith($"epoch 0/{epochs}  loss 2.500E-1  gradient norm 1.3E-3").And.NotContain("left");
        printed[^1].Should().StartWith($"epoch {epochs}/{epochs} ");
    }

    [Fact]
    public void The_time_left_is_told_in_whole_seconds_once_it_is_known()
    {
        Show(20, isInteractive: false).Should().MatchRegex(@"epoch 2/20 .*  18 s left\r?\n")
            .And.MatchRegex(@"epoch 20/20 .*  0 s left\r?\n$");
    }

    [Fact]
    public void A_training_that_ends_early_shows_its_last_epoch_once()
    {
        var output = new StringWriter();

        EpochDisplay.Run(new Terminal(output, TextWriter.Null, isInteractive: false), report =>
        {
            report(new EpochProgress(0, 1000, Loss: 2, GradientNorm: null, TimeLeft: null));
            report(new EpochProgress(7, 1000, Loss: 1, GradientNorm: null, TimeLeft: null));
            report(new EpochProgress(7, 1000, Loss: 1, GradientNorm: null, TimeLeft: null));
            return 0;
        });

        output.ToString().TrimEnd().Split(Environment.NewLine)
            .Should().Equal("epoch 0/1000  loss 2.000E+0", "epoch 7  loss 1.000E+0");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_training_that_went_on_beyond_its_last_epoch_names_no_other(bool isInteractive)
    {
        var output = new StringWriter();
        EpochDisplay.Run(new Terminal(output, TextWriter.Null, isInteractive), report =>
        {
            report(new EpochProgress(70, 50, Loss: 2, GradientNorm: null, TimeLeft: TimeSpan.Zero));
            return 0;
        });
        output.ToString().Should().Contain("epoch 70  loss").And.NotContain("70/50").And.NotContain("140%");
    }

    [Fact]
    public void On_a_terminal_a_bar_reaches_the_last_epoch()
    {
        Show(300, isInteractive: true).Should().Contain("epoch 300/300").And.Contain("100%");
    }

    /// <summary>Epochs that each take a second, without waiting for it.</summary>
    private static string Show(int epochs, bool isInteractive)
    {
        var output = new StringWriter();
        string result = EpochDisplay.Run(new Terminal(output, TextWriter.Null, isInteractive), report =>
        {
            for (int epoch = 0; epoch <= epochs; epoch++)
            {
                TimeSpan? left = epoch == 0 ? null : TimeSpan.FromSeconds(Math.Max(0, epochs - epoch - 0.5));
                report(new EpochProgress(epoch, epochs, Loss: 0.25, GradientNorm: 0.00125, left));
            }
            return "the result";
        });
        result.Should().Be("the result");
        return output.ToString();
    }
}
