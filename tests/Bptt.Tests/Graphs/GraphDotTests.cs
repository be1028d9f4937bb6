// DOT: every node and edge has its statement, and Graphviz accepts them.

using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Bptt.Graphs;
using Xunit.Abstractions;

namespace Bptt.Tests.Graphs;

public class GraphDotTests(ITestOutputHelper output)
{
    public static TheoryData<int, bool, bool, int?> Pictures => GraphPictures.All;

    public static TheoryData<int, bool, bool, int?> SmallPictures => GraphPictures.Small;

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Every_node_and_edge_has_one_statement(int steps, bool gradients, bool stored, int? window)
    {
        ComputationGraph graph = GraphPictures.Of(steps, gradients, stored, window);
        string[] lines = graph.ToDot().Split('\n');

        lines[0].Should().Be("digraph bptt {");
        lines[^2..].Should().Equal("}", "");
        lines.Select(l => Regex.Match(l, @"^  (\w+) \[label=<(.*)>(,.*)? *, tooltip=")).Where(m => m.Success)
            .Select(m => m.Groups[1].Value).Should().Equal(graph.Data.Nodes.Select(n => n.Id));
        lines.Select(l => Regex.Match(l, @"^  (\w+) -> (\w+)(?: \[color=""#1f5f99""\])?;$")).Where(m => m.Success)
            .Select(m => $"{m.Groups[1]} → {m.Groups[2]}").Should().Equal(graph.Data.Edges.Select(e => e.ToString()));
        lines.Select(l => Regex.Match(l, @"^  (\w+) -> (\w+) \[label=(""cut""|<.+>), color=.*constraint=false")).Where(
            m => m.Success)
            .Select(m => $"{m.Groups[1]} → {m.Groups[2]} {m.Groups[3].Value == "\"cut\""}")
            .Should().Equal(gradients ? graph.Data.GradientEdges.Select(e => $"{e.From} → {e.To} {e.IsCut}") : []);
        lines.Count(l => l.Contains("penwidth=", StringComparison.Ordinal)).Should().Be(stored ? 3 * steps + 1 : 0);
    }

    [Fact]
    public void Labels_have_subscripts_and_superscripts()
    {
        string dot = GraphPictures.Of(3, gradients: true, stored: true, window: null).ToDot();

        dot.Should().Contain("  W_hh [label=<W<sub><font point-size=\"10\">hh</font></sub>>, fillcolor=");
        dot.Should().Contain("  f_3 -> h_2 [label=<W<sub><font point-size=\"8\">hh</font></sub><sup><font "
            + "point-size=\"8\">T</font></sup> ∂L/∂h<sub><font point-size=\"8\">3</font></sub>>, color=");
        dot.Should().Contain("tooltip=\"h_3: hidden state of step 3; stored, and read again by ∂L/∂o_3 h_3ᵀ\"");
    }

    [Theory]
    [MemberData(nameof(SmallPictures))]
    public async Task Graphviz_accepts_it(int steps, bool gradients, bool stored, int? window)
    {
        ComputationGraph graph = GraphPictures.Of(steps, gradients, stored, window);
        Process? process = Start();
        if (process is null)
        {
            output.WriteLine("Not checked: Graphviz' `dot` is not on the path.");
            return;
        }

        using (process)
        {
            await process.StandardInput.WriteAsync(graph.ToDot());
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string answer = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();

            (await errors).Should().BeEmpty();
            process.ExitCode.Should().Be(0);
            string[] groups = XDocument.Parse(answer)
                .Descendants().Select(e => e.Attribute("class")?.Value ?? "").ToArray();
            groups.Count(g => g == "node").Should().Be(graph.Data.Nodes.Count);
            groups.Count(g => g == "edge")
                .Should().Be(graph.Data.Edges.Count + (gradients ? graph.Data.GradientEdges.Count : 0));
        }
        output.WriteLine("Checked by Graphviz.");
    }

    [Fact]
    public void Nothing_depends_on_the_culture_or_the_time()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        ComputationGraph graph = GraphPictures.Of(3, gradients: true, stored: true, window: 2);
        string[] expected = [graph.ToDot(), graph.ToMermaid(), graph.ToSvg()];
        try
        {
            CultureInfo.CurrentCulture =
                new CultureInfo("de-DE") { NumberFormat = { NegativeSign = "−", NumberDecimalSeparator = "," } };
            ComputationGraph again = GraphPictures.Of(3, gradients: true, stored: true, window: 2);
            new[] { again.ToDot(), again.ToMermaid(), again.ToSvg() }.Should().Equal(expected);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
        expected.Should().OnlyContain(p => !p.Contains('\r') && p.EndsWith('\n'));
    }

    private static Process? Start()
    {
        var utf8 = new System.Text.UTF8Encoding(false);
        try
        {
            return Process.Start(new ProcessStartInfo("dot", "-Tsvg")
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardInputEncoding = utf8,
                StandardOutputEncoding = utf8,
            });
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
