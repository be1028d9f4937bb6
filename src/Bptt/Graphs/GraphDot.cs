// The dependency graph in Graphviz' DOT language. Graphviz lays it out.

using System.Text;

namespace Bptt.Graphs;

internal static class GraphDot
{
    private const int NodeTextSize = 14;
    private const int TextSize = 11;

    /// <summary>All names are ids of DOT as they are; labels are HTML-like, for sub- and superscripts, and tooltips are
    /// quoted.</summary>
    public static string Write(UnrolledGraph graph)
    {
        ComputationGraphOptions options = graph.Options;
        var dot = new StringBuilder();
        Line("digraph bptt {");
        Line("  rankdir=LR;");
        Line("  nodesep=0.35;");
        Line($"  tooltip={Quoted(GraphText.Title(graph))};");
        Line("  label=<<table border=\"0\" cellspacing=\"0\" cellpadding=\"3\">");
        foreach (string note in GraphText.Marks(graph).Concat(GraphText.Notes(graph)))
        {
            Line($"    <tr><td align=\"left\">{GraphLabel.Dot(note, TextSize)}</td></tr>");
        }
        Line("  </table>>;");
        Line("  labeljust=l;");
        Line("  fontname=\"serif\";");
        Line($"  fontsize={TextSize};");
        Line($"  node [fontname=\"serif\", fontsize={NodeTextSize}, shape=box, style=filled, fillcolor=\"white\", height=0.4, width=0.5];");
        Line($"  edge [fontname=\"serif\", fontsize={TextSize}];");
        foreach (GraphNode node in graph.Nodes)
        {
            Line($"  {node.Id} [{Attributes(graph, node)}];");
        }
        foreach (GraphEdge edge in graph.Edges)
        {
            Line($"  {edge.From.Id} -> {edge.To.Id}{(edge.From.Kind == GraphNodeKind.Parameter ? " [color=\"#1f5f99\"]" : "")};");
        }
        if (options.ShowGradients)
        {
            foreach (GradientEdge edge in graph.GradientEdges)
            {
                // Without constraint=false they would turn the order of the ranks around.
                string look = edge.IsCut
                    ? "label=\"cut\", color=\"#9a9a9a\", fontcolor=\"#6a6a6a\", style=dashed, arrowhead=tee"
                    : $"label=<{GraphLabel.Dot(edge.Formula, TextSize)}>, color=\"#c2410c\", fontcolor=\"#c2410c\"";
                Line($"  {edge.From.Id} -> {edge.To.Id} [{look}, constraint=false, edgetooltip={Quoted(GraphText.Of(edge))}];");
            }
        }
        Line("}");
        return dot.ToString();

        void Line(string text) => dot.Append(text).Append('\n');
    }

    private static string Attributes(UnrolledGraph graph, GraphNode node)
    {
        bool isMarked = graph.Options.ShowStored && node.IsStored;
        string look = node.Kind switch
        {
            GraphNodeKind.Parameter => ", fillcolor=\"#b9d9f7\"",
            GraphNodeKind.Operator => ", shape=circle, fillcolor=\"#eef1f4\", margin=0.02",
            _ => "",
        };
        string stored = isMarked ? ", color=\"#15803d\", penwidth=2.5" : "";
        string readers = !isMarked ? "" : string.Concat(GraphText.Readers(graph, node).Select(
            r => $"<br/><font point-size=\"{TextSize}\" color=\"#15803d\">→ {GraphLabel.Dot(r, TextSize)}</font>"));
        return $"label=<{GraphLabel.Dot(node.Label, NodeTextSize)}{readers}>{look}{stored}, tooltip={Quoted(GraphText.Of(node, graph.Options))}";
    }

    /// <summary>A quoted string of DOT, in which a quote and a backslash are escaped.</summary>
    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
