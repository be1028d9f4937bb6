// The legend below the picture: what shapes, colours and operators mean, in columns under the picture.

namespace Bptt.Graphs;

internal sealed class GraphLegend
{
    private const double LeastWidth = 664; // two columns of formulas
    private const double MostWidth = 1400; // of the legend, below a wider picture
    private const double RowHeight = 27;
    private const double Swatch = 40; // the width kept for a sample of what is explained
    private const double SwatchGap = 8;
    private const double ColumnGap = 20;

    private readonly List<Item> _items = [];
    private int _rows;

    public GraphLegend(UnrolledGraph graph, double width)
    {
        Width = Math.Max(width, LeastWidth);
        ComputationGraphOptions options = graph.Options;
        List<Entry> looks =
        [
            new("variable", (x, y) => SvgElements.Outline(GraphNodeKind.Variable, Box(x, y), isStored: false)),
            new("parameter", (x, y) => SvgElements.Outline(GraphNodeKind.Parameter, Box(x, y), isStored: false)),
            new("operator", (x, y) => SvgElements.Outline(GraphNodeKind.Operator, new GraphShape(x, y, 10, 10), isStored: false)),
        ];
        if (options.ShowStored)
        {
            looks.Add(new(
                "stored, and → reused for",
                (x, y) => SvgElements.Outline(GraphNodeKind.Variable, Box(x, y), isStored: true)));
        }
        if (options.ShowGradients)
        {
            looks.Add(new("gradient, with what it carries", (x, y) => Arrow("gradient", " marker-end=\"url(#bptt-gradient)\"", x, y)));
            if (options.Truncation is Truncation truncation)
            {
                looks.Add(new(
                    $"cut: {truncation}",
                    (x, y) => $"{Arrow("cut", "", x, y)}<path class=\"cut-mark\" d=\"{SvgElements.CutMark(x, y)}\"/>"));
            }
        }

        Fill(looks);
        Fill(GraphText.Notes(graph).Select(note => new Entry(note, null)).ToList());
    }

    /// <summary>The least width that the picture needs.</summary>
    public double Width { get; }

    public double Height => _rows * RowHeight + GraphLayout.Margin;

    public void Write(Action<string> line, double top)
    {
        line("<g data-legend=\"\">");
        foreach (Item item in _items)
        {
            double y = top + (item.Row + 0.5) * RowHeight;
            double x = item.X;
            if (item.Entry.Sample is not null)
            {
                line(item.Entry.Sample(x + Swatch / 2, y));
                x += Swatch + SwatchGap;
            }
            string look = item.Entry.Sample is null ? "math" : "words";
            line(SvgElements.Text(new GraphCaption(item.Entry.Text, x, y + 4, "start"), look, GraphLayout.TextSize));
        }
        line("</g>");
    }

    /// <summary>As many entries to a row as fit into columns of one width, from a row of their own on.</summary>
    private void Fill(IReadOnlyList<Entry> entries)
    {
        double column = ColumnGap + entries.Max(
            e => (e.Sample is null ? 0 : Swatch + SwatchGap) + GraphLabel.Width(e.Text, GraphLayout.TextSize));
        int columns = Math.Max(1, (int)((Math.Min(Width, MostWidth) - 2 * GraphLayout.Margin + ColumnGap) / column));
        for (int i = 0; i < entries.Count; i++)
        {
            _items.Add(new Item(entries[i], GraphLayout.Margin + i % columns * column, _rows + i / columns));
        }
        _rows += (entries.Count + columns - 1) / columns;
    }

    private static GraphShape Box(double x, double y) => new(x, y, 15, 9);

    private static string Arrow(string look, string head, double x, double y) =>
        $"<path class=\"{look}\"{head} d=\"M{GraphLabel.Number(x + Swatch / 2)} {GraphLabel.Number(y)}L{GraphLabel.Number(x - Swatch / 2)} {GraphLabel.Number(y)}\"/>";

    /// <summary>What is explained; with a sample of it, drawn around a place, or a formula that speaks for itself.</summary>
    private sealed record Entry(string Text, Func<double, double, string>? Sample);

    private sealed record Item(Entry Entry, double X, int Row);
}
