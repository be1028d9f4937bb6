// The elements of SVG that both the graph and its legend are drawn with.

namespace Bptt.Graphs;

internal static class SvgElements
{
    /// <summary>A box or a circle.</summary>
    public static string Outline(GraphNodeKind kind, GraphShape shape, bool isStored)
    {
        string look = kind switch
        {
            GraphNodeKind.Variable => "variable",
            GraphNodeKind.Parameter => "parameter",
            _ => "operator",
        };
        look += isStored ? " stored" : "";
        return kind == GraphNodeKind.Operator
            ? $"<circle class=\"{look}\" cx=\"{Number(shape.X)}\" cy=\"{Number(shape.Y)}\" "
                + $"r=\"{Number(shape.HalfWidth)}\"/>"
            : $"<rect class=\"{look}\" x=\"{Number(shape.X - shape.HalfWidth)}\" "
                + $"y=\"{Number(shape.Y - shape.HalfHeight)}\" width=\"{Number(2 * shape.HalfWidth)}\" "
                + $"height=\"{Number(2 * shape.HalfHeight)}\" rx=\"3\"/>";
    }

    /// <summary>A line of text.</summary>
    public static string Text(GraphCaption caption, string look, double size) =>
        $"<text class=\"{look}\" x=\"{Number(caption.X)}\" y=\"{Number(caption.Y)}\" "
        + $"font-size=\"{Number(size)}\" text-anchor=\"{caption.Anchor}\" xml:space=\"preserve\">"
        + $"{GraphLabel.Svg(caption.Text, size)}</text>";

    /// <summary>Two strokes across a horizontal edge.</summary>
    public static string CutMark(double x, double y) =>
        $"M{Number(x - 6)} {Number(y + 6)}l6 -12m0 12l6 -12";

    private static string Number(double value) => GraphLabel.Number(value);
}
