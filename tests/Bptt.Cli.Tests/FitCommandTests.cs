// `bptt fit` on real data, short and whole.

using System.Globalization;
using System.Text.RegularExpressions;

namespace Bptt.Cli.Tests;

public class FitCommandTests
{
    [Fact]
    public async Task The_hair_dryer_is_fitted_to_the_noise_limit()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync("fit", "--sample", "hair-dryer", "--out", folder.Path);

        result.ExitCode.Should().Be(0);
        result.Error.Should().BeEmpty();
        Match line = Regex.Match(result.Output, @"^held-out fit: (\d+\.\d\d) %\r?$", RegexOptions.Multiline);
        line.Success.Should().BeTrue("one line tells the held-out fit");
        double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture).Should().BeGreaterThan(85.0);
    }
}
