// `bptt graph`: each format, what is shown on request, and where it is written.

using System.Xml.Linq;
using Bptt.Graphs;

namespace Bptt.Cli.Tests.Commands;

public class GraphCommandTests
{
    [Fact]
    public async Task Without_options_it_prints_three_steps_as_SVG()
    {
        CommandResult result = await CommandRunner.RunAsync("graph");

        result.ShouldBeDone();
        result.Output.Should().Be(ComputationGraph.Unroll(3).ToSvg());
        XDocument.Parse(result.Output).Root!.Name.LocalName.Should().Be("svg");
    }

    [Theory]
    [InlineData("svg")]
    [InlineData("dot")]
    [InlineData("mermaid")]
    public async Task Each_format_shows_what_is_asked_for(string format)
    {
        var options =
            new ComputationGraphOptions { ShowGradients = true, ShowStored = true, Truncation = Truncation.Windows(2) };
        var graph = ComputationGraph.Unroll(5, options);
        string expected = format switch { "svg" => graph.ToSvg(), "dot" => graph.ToDot(), _ => graph.ToMermaid() };

        CommandResult result = await CommandRunner.RunAsync(
            "graph", "--steps", "5", "--format", format, "--gradients", "--stored", "--truncate-windows", "2");

        result.ShouldBeDone();
        result.Output.Should().Be(expected);
    }

    [Theory]
    [InlineData("graph.svg", "<svg")]
    [InlineData("graph.DOT", "digraph")]
    [InlineData("graph.gv", "digraph")]
    [InlineData("graph.mmd", "flowchart")]
    [InlineData("graph.txt", "<svg")]
    public async Task The_extension_of_the_file_tells_the_format(string name, string begin)
    {
        using var folder = new TemporaryFolder();
        CommandResult result = await CommandRunner.RunAsync("graph", "--out", folder.At(name));

        result.ShouldBeDone();
        File.ReadAllText(folder.At(name)).Should().StartWith(begin);
    }

    [Theory]
    [InlineData("--gradients", true, false)]
    [InlineData("--stored", false, true)]
    public async Task Each_option_shows_its_own_and_no_more(string option, bool gradients, bool stored)
    {
        var options = new ComputationGraphOptions { ShowGradients = gradients, ShowStored = stored };

        CommandResult result = await CommandRunner.RunAsync("graph", option);

        result.ShouldBeDone();
        result.Output.Should().Be(ComputationGraph.Unroll(3, options).ToSvg());
    }

    [Fact]
    public async Task A_truncation_shows_the_gradients_that_it_cuts()
    {
        var options = new ComputationGraphOptions { ShowGradients = true, Truncation = Truncation.Windows(1) };

        CommandResult result = await CommandRunner.RunAsync("graph", "--truncate-windows", "1", "--format", "dot");

        result.ShouldBeDone();
        result.Output.Should().Be(ComputationGraph.Unroll(3, options).ToDot());
    }

    [Fact]
    public async Task A_file_is_written_whole_and_nothing_is_printed()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("graph.svg", "an older and longer file" + new string(' ', 100_000));

        CommandResult result = await CommandRunner.RunAsync("graph", "--steps", "100", "--out", path);

        result.ShouldBeDone();
        result.Output.Should().BeEmpty();
        (await File.ReadAllTextAsync(path)).Should().Be(ComputationGraph.Unroll(100).ToSvg());
        (await File.ReadAllBytesAsync(path))[0].Should().Be((byte)'<', "there is no byte-order mark before it");
        folder.Content().Should().Equal("graph.svg");
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_told()
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("none/graph.svg");

        CommandResult result = await CommandRunner.RunAsync("graph", "--out", path);

        result.ShouldBeRefused(1, $"'{path}' cannot be written");
        result.Output.Should().BeEmpty();
        folder.Content().Should().BeEmpty();
    }
}
