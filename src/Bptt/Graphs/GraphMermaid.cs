// The dependency graph as a Mermaid flowchart. Mermaid lays it out.

using System.Text;

namespace Bptt.Graphs;

internal static class GraphMermaid
{
    /// <summary>A gradient is a dotted line of its own beside the dependency that it goes back on, its label with an
    /// arrow to the left: edges in reverse would be cycles, which Mermaid breaks by drawing some of the dependencies
    /// backward, and it knows no line with a head at its beginning alone. Names stand apart from
    /// arrows by blanks, since Mermaid reads an o or x that touches one as its head. Labels are in quotes, where only a
    /// quote needs escaping and HTML elements give sub- and superscripts.</summary>
    public static string Write(UnrolledGraph graph)
    {
        ComputationGraphOptions options = graph.Options;
        var mermaid = new StringBuilder();
        Line("flowchart LR");
        Line($"  accTitle: {GraphText.Title(graph)}");
        Line($"  accDescr: {GraphText.Description(graph)}");
        foreach (GraphNode node in graph.Nodes)
        {
            bool isMarked = options.ShowStored && node.IsStored;
            string readers = !isMarked ? "" : string.Concat(GraphText.Readers(graph, node).Select(
                r => $"<br/><small>→ {GraphLabel.Html(r)}</small>"));
            string label = $"\"{GraphLabel.Html(node.Label)}{readers}\"";
            string look = node.Kind switch
            {
                GraphNodeKind.Operator => $"(({label})):::operator",
                GraphNodeKind.Parameter => $"[{label}]:::parameter",
                _ when isMarked => $"[{label}]:::stored",
                _ => $"[{label}]:::variable",
            };
            Line($"  {node.Id}{look}");
        }
        IEnumerable<string> notes = GraphText.Marks(graph).Concat(GraphText.Notes(graph)).Select(GraphLabel.Html);
        Line($"  notes[\"{string.Join("<br/>", notes)}\"]:::notes");

        Dictionary<(string, string), GradientEdge> gradients = !options.ShowGradients ? []
            : graph.GradientEdges.ToDictionary(g => (g.To.Id, g.From.Id));
        int lines = 0;
        List<int> back = [];
        foreach (GraphEdge edge in graph.Edges)
        {
            Line($"  {edge.From.Id} --> {edge.To.Id}");
            lines++;
            if (gradients.TryGetValue((edge.From.Id, edge.To.Id), out GradientEdge? gradient))
            {
                string carried = gradient.IsCut ? "cut" : $"← {GraphLabel.Html(gradient.Formula)}";
                Line($"  {edge.From.Id} -.-|\"{carried}\"| {edge.To.Id}");
                back.Add(lines++);
            }
        }

        Line("  classDef variable fill:#ffffff,stroke:#57606a,color:#1f2328");
        Line("  classDef parameter fill:#b9d9f7,stroke:#1f5f99,color:#1f2328");
        Line("  classDef operator fill:#eef1f4,stroke:#57606a,color:#1f2328");
        if (options.ShowStored)
        {
            Line("  classDef stored fill:#ffffff,stroke:#15803d,stroke-width:3px,color:#1f2328");
        }
        Line("  classDef notes fill:none,stroke:none,text-align:left");
        if (back.Count > 0)
        {
            Line($"  linkStyle {string.Join(',', back)} stroke:#c2410c"); // by their numbers
        }
        return mermaid.ToString();

        void Line(string text) => mermaid.Append(text).Append('\n');
    }
}
