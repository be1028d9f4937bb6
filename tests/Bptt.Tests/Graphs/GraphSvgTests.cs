// SVG: well-formed, self-contained, and laid out so that nothing covers anything else. Measured on the text that is
// written, with characters taken wider than common fonts have them.

using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Bptt.Graphs;

namespace Bptt.Tests.Graphs;

public class GraphSvgTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public static TheoryData<int, bool, bool, int?> Pictures => GraphPictures.All;

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Every_node_and_edge_is_drawn_once_and_touches_what_it_joins(
        int steps, bool gradients, bool stored, int? window)
    {
        ComputationGraph graph = GraphPictures.Of(steps, gradients, stored, window);
        XElement svg = Parse(graph);

        Dictionary<string, Box> nodes = Nodes(svg);
        nodes.Keys.Should().Equal(graph.Data.Nodes.Select(n => n.Id));
        svg.Descendants(Svg + "circle").Where(c => c.Parent!.Attribute("data-node") is not null)
            .Should().HaveCount(3 * steps + 1);
        Shapes(svg, "parameter").Should().HaveCount(3);
        Shapes(svg, "stored").Should().HaveCount(stored ? 3 * steps + 1 : 0);

        Paths(svg, "edge", "rail").Select(Name).Should().Equal(graph.Data.Edges.Select(e => $"{e.From} {e.To}"));
        Paths(svg, "gradient").Select(Name).Should().Equal(
            gradients ? graph.Data.GradientEdges.Where(e => !e.IsCut).Select(e => $"{e.From} {e.To}") : []);
        Paths(svg, "cut").Select(Name).Should().Equal(
            gradients ? graph.Data.GradientEdges.Where(e => e.IsCut).Select(e => $"{e.From} {e.To}") : []);
        foreach (XElement path in Paths(svg, "edge", "rail", "gradient", "cut"))
        {
            (double X, double Y)[] points = Points(path);
            nodes[path.Attribute("data-from")!.Value].DistanceFromRim(points[0])
                .Should().BeLessThan(0.1, "{0} starts there", path);
            nodes[path.Attribute("data-to")!.Value].DistanceFromRim(points[^1])
                .Should().BeLessThan(0.1, "{0} ends there", path);
        }
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void No_two_nodes_overlap_and_no_edge_passes_through_one(int steps, bool gradients, bool stored, int? window)
    {
        XElement svg = Parse(GraphPictures.Of(steps, gradients, stored, window));
        KeyValuePair<string, Box>[] nodes = Nodes(svg).ToArray();

        for (int i = 0; i < nodes.Length; i++)
        {
            nodes.Skip(i + 1).Where(n => n.Value.Grown(4).Overlaps(nodes[i].Value))
                .Should().BeEmpty("of {0}", nodes[i]);
        }
        foreach (XElement path in Paths(svg, "edge", "rail", "gradient", "cut"))
        {
            (double X, double Y)[] points = Points(path);
            string[] ends = Name(path).Split(' ');
            nodes.Where(n => !ends.Contains(n.Key) && n.Value.Grown(2).IsCrossed(points)).Should().BeEmpty("{0}", path);
        }
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Texts_lie_in_the_picture_and_clear_of_nodes_edges_and_each_other(
        int steps, bool gradients, bool stored, int? window)
    {
        XElement svg = Parse(GraphPictures.Of(steps, gradients, stored, window));
        var paper = new Box(0, 0, Number(svg, "width"), Number(svg, "height"), false);
        svg.Attribute("viewBox")!.Value
            .Should().Be($"0 0 {svg.Attribute("width")!.Value} {svg.Attribute("height")!.Value}");
        paper.Right.Should().BeLessThan(32767, "it is the widest picture that many viewers draw");

        Dictionary<string, Box> nodes = Nodes(svg);
        List<(XElement Element, Box Box)> free = [];
        foreach (XElement text in svg.Descendants(Svg + "text"))
        {
            Box box = TextBox(text);
            paper.Contains(box).Should().BeTrue("{0}", text);
            if (text.Parent!.Attribute("data-node") is XAttribute node)
            {
                nodes[node.Value].Contains(box).Should().BeTrue("{0} is written on it", text);
            }
            else
            {
                free.Add((text, box));
            }
        }
        nodes.Values.Should().OnlyContain(n => paper.Contains(n));

        (double X, double Y)[][] paths = Paths(svg, "edge", "rail", "gradient", "cut").Select(Points).ToArray();
        for (int i = 0; i < free.Count; i++)
        {
            (XElement element, Box box) = free[i];
            nodes.Where(n => n.Value.Overlaps(box)).Should().BeEmpty("of {0}", element);
            free.Skip(i + 1).Where(other => other.Box.Overlaps(box)).Should().BeEmpty("of {0}", element);
            paths.Where(box.IsCrossed).Should().BeEmpty("of {0}", element);
        }
        free.Should().HaveCountGreaterThan(
            (gradients ? 10 * steps : 0) + (stored ? 4 * steps : 0), "so many texts there are at least");
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void It_stands_alone_and_is_described(int steps, bool gradients, bool stored, int? window)
    {
        ComputationGraph graph = GraphPictures.Of(steps, gradients, stored, window);
        string text = graph.ToSvg();
        XElement svg = Parse(graph);

        svg.Elements().First().Name.Should().Be(Svg + "title");
        svg.Element(Svg + "title")!.Value
            .Should().Be($"The linear RNN unrolled over {steps} time step{(steps == 1 ? "" : "s")}");
        svg.Element(Svg + "desc")!.Value.Should().Contain("W_hh").And.NotContain("{", "braces are of the notation");
        svg.Attribute("role")!.Value.Should().Be("img");
        svg.DescendantsAndSelf().Select(e => e.Name.LocalName).Distinct().Should().BeSubsetOf(
            ["svg", "title", "desc", "style", "defs", "marker", "path", "rect", "circle", "g", "text", "tspan"]);
        Regex.Matches(text, "(?:https?:|url\\()[^\"')]*").Select(m => m.Value).Distinct().Should().OnlyContain(
            reference => reference == Svg.NamespaceName
                || reference.StartsWith("url(#bptt-", StringComparison.Ordinal));
        text.Should().Contain("@media (prefers-color-scheme: dark)").And.NotContain("@import");
        Regex.Matches(text, "url\\(#([^)]+)\\)").Select(m => m.Groups[1].Value).Distinct().Should().BeSubsetOf(
            svg.Descendants(Svg + "marker").Select(m => m.Attribute("id")!.Value));
        string style = svg.Element(Svg + "style")!.Value;
        string[] used = svg.Descendants().Attributes("class").SelectMany(a => a.Value.Split(' ')).Distinct().ToArray();
        used.Should().OnlyContain(
            c => style.Contains($".{c}", StringComparison.Ordinal) || c == "words", "a class without a look is a slip");
    }

    [Fact]
    public void Gradients_and_stored_values_are_shown_on_request_only()
    {
        string plain = GraphPictures.Of(3, gradients: false, stored: false, window: 1).ToSvg();
        string all = GraphPictures.Of(3, gradients: true, stored: true, window: 1).ToSvg();

        Texts(plain).Should().NotContain(t => t.Contains('∂') || t.Contains("cut") || t.Contains("stored"));
        Texts(all).Should().Contain([
            "∂L/∂o2 h2T", "∂L/∂h2 x2T", "∂L/∂h2 h1T", "WqhT ∂L/∂o2", "1/T ∂ℓ2/∂o2", "→ ∂L/∂Whh", "→ ∂L/∂o3",
            "cut: windows of 1 steps"]);
        Texts(all).Count(t => t == "cut").Should().Be(2);
        Texts(all).Should().NotContain(t => t.StartsWith("WhhT", StringComparison.Ordinal), "every such edge is cut");
        Texts(GraphPictures.Of(3, gradients: true, stored: false, window: null).ToSvg())
            .Should().Contain("WhhT ∂L/∂h3");

        static string[] Texts(string svg) =>
            XElement.Parse(svg).Descendants(Svg + "text").Select(t => t.Value).ToArray();
    }

    private static XElement Parse(ComputationGraph graph) =>
        XDocument.Parse(graph.ToSvg(), LoadOptions.PreserveWhitespace).Root!;

    private static string Name(XElement path) =>
        $"{path.Attribute("data-from")!.Value} {path.Attribute("data-to")!.Value}";

    private static IEnumerable<XElement> Paths(
        XElement svg, params string[] looks) => svg.Descendants(Svg + "path").Where(
        p => p.Attribute("data-from") is not null && looks.Contains(p.Attribute("class")!.Value));

    private static IEnumerable<XElement> Shapes(XElement svg, string look) => svg.Descendants()
        .Where(e => e.Parent?.Attribute("data-node") is not null
            && (e.Attribute("class")?.Value.Split(' ').Contains(look) ?? false));

    private static Dictionary<string, Box> Nodes(XElement svg) => svg.Descendants(Svg + "g")
        .Where(g => g.Attribute("data-node") is not null)
        .ToDictionary(g => g.Attribute("data-node")!.Value, g => g.Element(Svg + "rect") is XElement rect
            ? new Box(
                Number(rect, "x"),
                Number(rect, "y"),
                Number(rect, "x") + Number(rect, "width"),
                Number(rect, "y") + Number(rect, "height"),
                false)
            : Circle(g.Element(Svg + "circle")!));

    private static Box Circle(XElement circle)
    {
        (double x, double y, double r) = (Number(circle, "cx"), Number(circle, "cy"), Number(circle, "r"));
        return new Box(x - r, y - r, x + r, y + r, true);
    }

    /// <summary>Three fifths of its size for a character, which is more than DejaVu Serif, the widest of the common
    /// fonts, needs for these texts.</summary>
    private static Box TextBox(XElement text)
    {
        double size = Number(text, "font-size");
        double width = text.Nodes().Sum(n => n is XElement span
            ? Characters(span.Value) * (span.Attribute("font-size") is null ? size : Number(span, "font-size"))
            : Characters(((XText)n).Value) * size);
        double x = Number(text, "x")
            - width * text.Attribute("text-anchor")!.Value switch { "start" => 0, "middle" => 0.5, _ => 1 };
        double y = Number(text, "y");
        return new Box(x, y - 0.72 * size, x + width, y + 0.3 * size, false);

        static double Characters(string run) =>
            run.Sum(c => c switch { ' ' or '/' => 0.35, 'W' or '→' => 0.95, _ => 0.6 });
    }

    /// <summary>The corners; a rounded corner counts as the corner itself.</summary>
    private static (double X, double Y)[] Points(XElement path)
    {
        string way = Regex.Replace(
            path.Attribute("d")!.Value, "L[^LQ]+Q(?<corner>[-0-9.]+ [-0-9.]+) [-0-9.]+ [-0-9.]+", "L${corner}");
        return Regex.Matches(way, "[ML]([-0-9.]+) ([-0-9.]+)")
            .Select(m => (Parse(m.Groups[1].Value), Parse(m.Groups[2].Value))).ToArray();

        static double Parse(string number) => double.Parse(number, CultureInfo.InvariantCulture);
    }

    private static double Number(XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);

    private readonly record struct Box(double Left, double Top, double Right, double Bottom, bool IsRound)
    {
        public Box Grown(double by) => new(Left - by, Top - by, Right + by, Bottom + by, IsRound);

        public bool Overlaps(Box other) =>
            Left < other.Right && other.Left < Right && Top < other.Bottom && other.Top < Bottom;

        public bool Contains(Box other) =>
            Left <= other.Left && other.Right <= Right && Top <= other.Top && other.Bottom <= Bottom;

        public double DistanceFromRim((double X, double Y) point)
        {
            (double x, double y) = (Math.Abs(point.X - (Left + Right) / 2), Math.Abs(point.Y - (Top + Bottom) / 2));
            (double w, double h) = ((Right - Left) / 2, (Bottom - Top) / 2);
            return IsRound ? Math.Abs(Math.Sqrt(x * x + y * y) - w) : Math.Abs(Math.Max(x - w, y - h));
        }

        /// <summary>Whether a line between neighbouring points passes through, by clipping it at the four
        /// sides.</summary>
        public bool IsCrossed((double X, double Y)[] points)
        {
            for (int i = 1; i < points.Length; i++)
            {
                (double x, double y) = points[i - 1];
                (double dx, double dy) = (points[i].X - x, points[i].Y - y);
                double from = 0;
                double to = 1;
                Clip(-dx, x - Left);
                Clip(dx, Right - x);
                Clip(-dy, y - Top);
                Clip(dy, Bottom - y);
                if (from < to)
                {
                    return true;
                }

                void Clip(double speed, double room)
                {
                    if (speed < 0)
                    {
                        from = Math.Max(from, room / speed);
                    }
                    else
                    {
                        to = Math.Min(to, speed > 0 ? room / speed : room > 0 ? to : -1);
                    }
                }
            }
            return false;
        }
    }
}
