// A plot and its size: written as a file of its own, or as a piece of a page.

using System.Globalization;
using System.Text;
using System.Xml.Linq;
using OxyPlot;

namespace Bptt.Cli.Pictures;

internal sealed class Picture(PlotModel model, double width, double height)
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>The colours of a plot, and the property of the page that stands for each in it, so that a page in dark
    /// mode can choose others.</summary>
    private static readonly (OxyColor Color, string Name)[] PageColors =
    [
        (PictureStyle.Paper, "paper"),
        (PictureStyle.Ink, "ink"),
        (PictureStyle.Frame, "frame"),
        (PictureStyle.Grid, "grid"),
        (PictureStyle.Note, "note"),
        (PictureStyle.Grey, "grey"),
        (PictureStyle.Vermilion, "vermilion"),
        (PictureStyle.Blue, "blue"),
    ];

    /// <summary>What is drawn.</summary>
    public PlotModel Model => model;

    /// <summary>Writes an SVG file.</summary>
    /// <param name="stream">Stays open.</param>
    public void Write(Stream stream) => Exporter(width, height).Export(model, stream);

    /// <summary>
    /// The picture as an element of a page that has headings of its own: without the title, as wide as the page lets it
    /// be, its colours given by the page (<c>var(--ink)</c> and so on), its ids beginning with a given name.
    /// </summary>
    /// <param name="name">Unique in the page.</param>
    /// <param name="description">What a reader who does not see the picture is told.</param>
    /// <param name="pageWidth">In points, with text of 14: the picture is scaled from there.</param>
    /// <param name="pageHeight">Likewise.</param>
    /// <param name="style">A class of the page's style.</param>
    public XElement ForPage(string name, string description, double pageWidth, double pageHeight, string? style = null)
    {
        (string title, string subtitle, OxyThickness padding, double fontSize) =
            (model.Title, model.Subtitle, model.Padding, model.DefaultFontSize);
        (model.Title, model.Subtitle, model.Padding, model.DefaultFontSize) =
            (null, null, new OxyThickness(2, 8, 12, 2), 14);
        string text = Exporter(pageWidth, pageHeight).ExportToString(model);
        (model.Title, model.Subtitle, model.Padding, model.DefaultFontSize) = (title, subtitle, padding, fontSize);

        XElement drawn = XDocument.Parse(text).Root!;
        foreach (XAttribute attribute in drawn.DescendantsAndSelf().Attributes().ToArray())
        {
            attribute.Value = ForPage(attribute, name);
        }
        return new XElement(
            Svg + "svg",
            new XAttribute("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {pageWidth} {pageHeight}")),
            style is null ? null : new XAttribute("class", style),
            new XAttribute("role", "img"),
            new XAttribute("aria-labelledby", $"{name}-title"),
            new XElement(Svg + "title", new XAttribute("id", $"{name}-title"), SafeText.Clean(description)),
            drawn.Nodes());
    }

    private static string ForPage(XAttribute attribute, string name)
    {
        if (attribute.Name == "id")
        {
            return $"{name}-{attribute.Value}";
        }
        var value = new StringBuilder(attribute.Value).Replace("url(#", $"url(#{name}-");
        if (attribute.Name == "style" || attribute.Name == "fill" || attribute.Name == "stroke")
        {
            value.Replace("black", Rgb(OxyColors.Black)); // the one colour that the exporter calls by name
            foreach ((OxyColor color, string property) in PageColors)
            {
                value.Replace(Rgb(color), $"var(--{property})");
            }
        }
        return value.ToString();
    }

    private static string Rgb(OxyColor color) => $"rgb({color.R},{color.G},{color.B})";

    private static SvgExporter Exporter(double width, double height) => new()
    {
        Width = width,
        Height = height,
        TextMeasurer = new RoomyTextMeasurer(width, height),
        UseVerticalTextAlignmentWorkaround = true, // not every viewer knows dominant-baseline
    };

    /// <summary>The viewer chooses the font. OxyPlot measures Helvetica without leading; DejaVu Sans, common on Linux,
    /// is wider and would be cut off, and lines would touch.</summary>
    private sealed class RoomyTextMeasurer(double width, double height)
        : PdfRenderContext(width, height, OxyColors.White)
    {
        private const double WidthRoom = 1.6;
        private const double HeightRoom = 1.4;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            // What the font's table does not hold, such as the superscripts of 10⁻⁷, would count as nothing.
            string known = string.Concat((text ?? "").Select(c => c < 128 ? c : '0'));
            OxySize size = base.MeasureText(known, fontFamily, fontSize, fontWeight);
            return new OxySize(size.Width * WidthRoom, size.Height * HeightRoom);
        }
    }
}
