// Mermaid: every line is of a form that a flowchart has, and every node and edge has one.

using System.Text.RegularExpressions;
using Bptt.Graphs;

namespace Bptt.Tests.Graphs;

public class GraphMermaidTests
{
    public static TheoryData<int, bool, bool, int?> Pictures => GraphPictures.All;

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Every_node_and_edge_has_one_line(int steps, bool gradients, bool stored, int? window)
    {
        ComputationGraph graph = GraphPictures.Of(steps, gradients, stored, window);
        List<string> lines = graph.ToMermaid().TrimEnd('\n').Split('\n').ToList();

        lines[0].Should().Be("flowchart LR");
        List<Match> nodes = Take(@"^  (\w+)(\[|\(\()""([^""]+)""(\]|\)\)):::(\w+)$");
        string[] all = [.. lines.Where(l => l.Contains(" --> ") || l.Contains(" -.-"))];
        List<Match> edges = Take(@"^  (\w+) --> (\w+)$");
        List<Match> back = Take(@"^  (\w+) -\.-\|""([^""]+)""\| (\w+)$");
        List<Match> classes = Take(@"^  classDef (\w+) [a-z-]+:[^ ,]+(,[a-z-]+:[^ ,]+)*$");
        List<Match> links = Take(@"^  linkStyle (\d+(?:,\d+)*) stroke:#[0-9a-f]{6}$");
        Take("^  acc(Title|Descr): [^#;]+$").Should().HaveCount(2);
        lines.Should().Equal(["flowchart LR"], "every other line has one of the forms above");

        nodes.Select(m => m.Groups[1].Value).Should().Equal([.. graph.Data.Nodes.Select(n => n.Id), "notes"]);
        nodes.Select(m => m.Groups[1].Value)
            .Should().NotContain(["end", "default", "subgraph", "style"], "they are words of the language");
        nodes.Select(m => m.Groups[5].Value).Should().BeSubsetOf(classes.Select(m => m.Groups[1].Value));
        nodes.Zip(graph.Data.Nodes).Should().OnlyContain(
            p => (p.First.Groups[2].Value == "((" && p.First.Groups[4].Value == "))")
                == (p.Second.Kind == GraphNodeKind.Operator));
        nodes.Count(m => m.Groups[5].Value == "stored").Should().Be(stored ? 3 * steps + 1 : 0);

        edges.Select(m => $"{m.Groups[1]} → {m.Groups[2]}").Should().Equal(graph.Data.Edges.Select(e => e.ToString()));
        back.Where(m => m.Groups[2].Value.StartsWith("← ", StringComparison.Ordinal))
            .Select(m => $"{m.Groups[3]} → {m.Groups[1]}").Order().Should().Equal(
            gradients ? graph.Data.GradientEdges.Where(e => !e.IsCut).Select(e => $"{e.From} → {e.To}").Order() : []);
        back.Where(m => m.Groups[2].Value == "cut").Select(m => $"{m.Groups[3]} → {m.Groups[1]}: cut").Order()
            .Should().Equal(
            gradients ? graph.Data.GradientEdges.Where(e => e.IsCut).Select(e => e.ToString()).Order() : []);
        links.SelectMany(m => m.Groups[1].Value.Split(',')).Select(int.Parse)
            .Should().Equal(
            Enumerable.Range(0, all.Length).Where(i => all[i].Contains(" -.-", StringComparison.Ordinal)));

        List<Match> Take(string form)
        {
            var matches = lines.Select(l => Regex.Match(l, form)).Where(m => m.Success).ToList();
            lines.RemoveAll(l => Regex.IsMatch(l, form));
            return matches;
        }
    }

    [Fact]
    public void Labels_have_subscripts_and_superscripts()
    {
        string mermaid = GraphPictures.Of(3, gradients: true, stored: true, window: null).ToMermaid();

        mermaid.Should().Contain("  h_3[\"h<sub>3</sub><br/><small>→ ∂L/∂W<sub>qh</sub></small>\"]:::stored\n");
        mermaid.Should().Contain(
            "  h_2 --> f_3\n  h_2 -.-|\"← W<sub>hh</sub><sup>T</sup> ∂L/∂h<sub>3</sub>\"| f_3\n");
    }
}
