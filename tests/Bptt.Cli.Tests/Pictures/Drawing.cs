// An SVG as a reader sees it: its lines, marks and texts by colour, on paper or in a page.

using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Bptt.Cli.Pictures;

namespace Bptt.Cli.Tests.Pictures;

internal sealed class Drawing(XElement svg)
{
    public const string Grey = "rgb(85,85,85)";
    public const string Vermilion = "rgb(213,94,0)";
    public const string Blue = "rgb(0,114,178)";

    /// <summary>What the picture's file would hold, which must be one that XML allows.</summary>
    public static Drawing Of(Picture picture)
    {
        using var stream = new MemoryStream();
        picture.Write(stream);
        string text = Encoding.UTF8.GetString(stream.ToArray()).TrimStart('\uFEFF');
        XElement svg = XDocument.Parse(text).Root!;
        string.Concat(svg.Descendants().Attributes().Select(a => a.Value)).Should().NotContainAny("NaN", "Infinity");
        return new Drawing(svg);
    }

    public string[] Texts => Elements("text").Select(e => e.Value).ToArray();

    /// <summary>The lines of a colour through more than two points: curves, no axes and no marks of a legend.</summary>
    public (double X, double Y)[][] Curves(string color) => Lines(color).Where(l => l.Length > 2).ToArray();

    /// <summary>All lines of a colour.</summary>
    public (double X, double Y)[][] Lines(string color) => Elements("polyline")
        .Where(e => e.Attribute("style")!.Value.Contains($"stroke:{color}", StringComparison.Ordinal))
        .Select(
            e => e.Attribute("points")!.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Point).ToArray())
        .ToArray();

    /// <summary>Filled circles of a colour within the plot, above the legend.</summary>
    public (double X, double Y)[] Marks(string color) => Circles($"fill:{color}");

    /// <summary>Rings of a colour within the plot.</summary>
    public (double X, double Y)[] Rings(string color) => Circles($"fill:none;stroke:{color}");

    /// <summary>Where the plot lies.</summary>
    public (double Left, double Top, double Right, double Bottom) Plot
    {
        get
        {
            // Clipping regions are those of the whole picture, of the plot and of the legend.
            XElement plot = Elements("clipPath").Select(c => c.Elements().Single()).Where(r => Number(r, "x") > 0)
                .MaxBy(r => Number(r, "width") * Number(r, "height"))!;
            return (
                Number(plot, "x"),
                Number(plot, "y"),
                Number(plot, "x") + Number(plot, "width"),
                Number(plot, "y") + Number(plot, "height"));
        }
    }

    /// <summary>Every line and mark lies within the plot, with none on its frame.</summary>
    public void ShouldLieInside(IEnumerable<(double X, double Y)> points)
    {
        (double left, double top, double right, double bottom) = Plot;
        points.Where(p => p.X <= left || p.X >= right || p.Y <= top || p.Y >= bottom).Should().BeEmpty();
    }

    private (double X, double Y)[] Circles(string style) => Elements("ellipse")
        .Where(e => e.Attribute("style")!.Value.Contains(style, StringComparison.Ordinal))
        .Select(e => (X: Number(e, "cx"), Y: Number(e, "cy")))
        .Where(p => p.Y < Plot.Bottom + 10)
        .ToArray();

    private IEnumerable<XElement> Elements(string name) => svg.Descendants().Where(e => e.Name.LocalName == name);

    private static (double X, double Y) Point(string text)
    {
        double[] numbers = text.Split(',').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        return (numbers[0], numbers[1]);
    }

    private static double Number(XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
