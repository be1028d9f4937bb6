// The dependency graph as SVG: no script, no reference to anything outside, light or dark as the viewer prefers.

using System.Text;

namespace Bptt.Graphs;

internal static class GraphSvg
{
    private const double CornerRadius = 9;

    /// <summary>All rules are for what is inside this picture, so that a page it is put into keeps its own look. Texts
    /// contrast with their background by 4.5 to 1 and more.</summary>
    private const string Style = """
        .bptt-graph { font-family: 'STIX Two Text', 'Cambria Math', 'Times New Roman', Times, serif; }
        .bptt-graph .paper { fill: #ffffff; }
        .bptt-graph text { fill: #1f2328; }
        .bptt-graph .math { font-style: italic; }
        .bptt-graph .variable { fill: #ffffff; stroke: #57606a; stroke-width: 1.2; }
        .bptt-graph .parameter { fill: #b9d9f7; stroke: #1f5f99; stroke-width: 1.2; }
        .bptt-graph .operator { fill: #eaeef2; stroke: #57606a; stroke-width: 1.2; }
        .bptt-graph .edge { fill: none; stroke: #57606a; stroke-width: 1.4; }
        .bptt-graph .rail { fill: none; stroke: #1f5f99; stroke-width: 1.4; }
        .bptt-graph .gradient { fill: none; stroke: #bc3f08; stroke-width: 1.4; }
        .bptt-graph .cut { fill: none; stroke: #7a828b; stroke-width: 1.4; stroke-dasharray: 3 4; }
        .bptt-graph .stored { stroke: #15803d; stroke-width: 3; }
        .bptt-graph .edge-head { fill: #57606a; }
        .bptt-graph .rail-head { fill: #1f5f99; }
        .bptt-graph .gradient-head { fill: #bc3f08; }
        .bptt-graph .cut-mark { fill: none; stroke: #7a828b; stroke-width: 2; }
        .bptt-graph text.gradient-text { fill: #bc3f08; }
        .bptt-graph text.cut-text { fill: #6a737d; }
        .bptt-graph text.stored-text { fill: #15803d; }
        @media (prefers-color-scheme: dark) {
          .bptt-graph .paper { fill: #0d1117; }
          .bptt-graph text { fill: #e6edf3; }
          .bptt-graph .variable { fill: #161b22; stroke: #9aa4af; }
          .bptt-graph .parameter { fill: #1c4673; stroke: #6cb2f5; }
          .bptt-graph .operator { fill: #2d333b; stroke: #9aa4af; }
          .bptt-graph .edge { stroke: #9aa4af; }
          .bptt-graph .rail { stroke: #6cb2f5; }
          .bptt-graph .gradient { stroke: #ff9d5c; }
          .bptt-graph .cut { stroke: #8b949e; }
          .bptt-graph .stored { stroke: #4cc97b; }
          .bptt-graph .edge-head { fill: #9aa4af; }
          .bptt-graph .rail-head { fill: #6cb2f5; }
          .bptt-graph .gradient-head { fill: #ff9d5c; }
          .bptt-graph .cut-mark { stroke: #8b949e; }
          .bptt-graph text.gradient-text { fill: #ff9d5c; }
          .bptt-graph text.cut-text { fill: #9aa4af; }
          .bptt-graph text.stored-text { fill: #4cc97b; }
        }
        """;

    public static string Write(UnrolledGraph graph)
    {
        var layout = new GraphLayout(graph);
        var legend = new GraphLegend(graph, layout.Width);
        string width = Number(Math.Max(layout.Width, legend.Width));
        string height = Number(layout.Height + legend.Height);
        var svg = new StringBuilder();
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"bptt-graph\" role=\"img\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">");
        Line($"<title>{Escaped(GraphText.Title(graph))}</title>");
        Line($"<desc>{Escaped(GraphText.Description(graph))}</desc>");
        Line($"<style>\n{Style}\n</style>");
        Line("<defs>");
        foreach (string kind in new[] { "edge", "rail", "gradient" })
        {
            Line($"<marker id=\"bptt-{kind}\" markerUnits=\"userSpaceOnUse\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8.5\" refY=\"4\" orient=\"auto\"><path class=\"{kind}-head\" d=\"M0 0.5L9 4L0 7.5Z\"/></marker>");
        }
        Line("</defs>");
        Line($"<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");

        foreach (GraphEdge edge in graph.Edges)
        {
            string kind = edge.From.Kind == GraphNodeKind.Parameter ? "rail" : "edge";
            Line($"<path class=\"{kind}\" data-from=\"{edge.From.Id}\" data-to=\"{edge.To.Id}\" marker-end=\"url(#bptt-{kind})\" d=\"{Way(layout.Route(edge))}\"/>");
        }
        IReadOnlyList<GradientEdge> gradients = graph.Options.ShowGradients ? graph.GradientEdges : [];
        foreach (GradientEdge edge in gradients)
        {
            GraphPoint[] route = layout.Route(edge);
            (string kind, string head) = edge.IsCut ? ("cut", "") : ("gradient", " marker-end=\"url(#bptt-gradient)\"");
            Line($"<path class=\"{kind}\" data-from=\"{edge.From.Id}\" data-to=\"{edge.To.Id}\"{head} d=\"{Way(route)}\"><title>{Escaped(GraphText.Of(edge))}</title></path>");
            if (edge.IsCut)
            {
                Line($"<path class=\"cut-mark\" d=\"{SvgElements.CutMark((route[0].X + route[^1].X) / 2, route[0].Y)}\"/>");
            }
        }
        foreach (GraphNode node in graph.Nodes)
        {
            GraphShape shape = layout.Shape(node);
            Line($"<g data-node=\"{node.Id}\"><title>{Escaped(GraphText.Of(node, graph.Options))}</title>");
            Line(SvgElements.Outline(node.Kind, shape, graph.Options.ShowStored && node.IsStored));
            Line($"{SvgElements.Text(new GraphCaption(node.Label, shape.X, shape.Y + 5, "middle"), "math", GraphLayout.NodeTextSize)}</g>");
        }
        foreach (GradientEdge edge in gradients)
        {
            Line(SvgElements.Text(layout.Caption(edge), edge.IsCut ? "cut-text" : "math gradient-text", GraphLayout.TextSize));
        }
        if (graph.Options.ShowStored)
        {
            foreach (GraphCaption caption in graph.Nodes.SelectMany(layout.Readers))
            {
                Line(SvgElements.Text(caption, "math stored-text", GraphLayout.TextSize));
            }
        }
        legend.Write(Line, layout.Height);
        Line("</svg>");
        return svg.ToString();

        void Line(string text) => svg.Append(text.ReplaceLineEndings("\n")).Append('\n');
    }

    /// <summary>Straight lines with rounded corners.</summary>
    private static string Way(GraphPoint[] points)
    {
        string way = $"M{Pair(points[0])}";
        for (int i = 1; i < points.Length - 1; i++)
        {
            way += $"L{Pair(Toward(points[i], points[i - 1]))}Q{Pair(points[i])} {Pair(Toward(points[i], points[i + 1]))}";
        }
        return $"{way}L{Pair(points[^1])}";

        static GraphPoint Toward(GraphPoint corner, GraphPoint next)
        {
            double dx = next.X - corner.X;
            double dy = next.Y - corner.Y;
            double length = Math.Sqrt(dx * dx + dy * dy);
            double scale = Math.Min(CornerRadius, length / 2) / length;
            return new GraphPoint(corner.X + scale * dx, corner.Y + scale * dy);
        }
    }

    private static string Pair(GraphPoint point) => $"{Number(point.X)} {Number(point.Y)}";

    private static string Number(double value) => GraphLabel.Number(value);

    private static string Escaped(string text) => GraphLabel.Escaped(text);
}
