// A plot and its size: written as a file of its own, or as a piece of a page.

using System.Globalization;
using System.Text;
using System.Xml.Linq;
using OxyPlot;

namespace Bptt.Cli.Pictures;

internal sealed class Picture(PlotModel model, double width, double height)
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>The colours of a plot; the property of the page that stands for each in it, so that a page in dark mode
    /// can choose others; and what a file of its own shows in dark mode, as the page does.</summary>
    internal static readonly IReadOnlyList<(OxyColor Color, string Name, string Dark)> Colors =
    [
        (PictureStyle.Paper, "paper", "#14171a"),
        (PictureStyle.Ink, "ink", "#e7e9ec"),
        (PictureStyle.Frame, "frame", "#4a5058"),
        (PictureStyle.Grid, "grid", "#2a2f35"),
        (PictureStyle.Note, "note", "#a0a7b0"),
        (PictureStyle.Grey, "grey", "#c3c7cc"),
        (PictureStyle.Vermilion, "vermilion", "#ff8f45"),
        (PictureStyle.Blue, "blue", "#5db8f0"),
    ];

    /// <summary>Colours as they are written, replaced in dark mode. A viewer that knows no such thing shows the light
    /// ones.</summary>
    private static readonly string DarkMode = "@media (prefers-color-scheme: dark) {"
        + string.Concat(Colors.Select(c => Dark(Rgb(c.Color), c.Dark)))
        + Dark("black", Colors.Single(c => c.Name == "ink").Dark) + "}";

    /// <summary>What is drawn.</summary>
    public PlotModel Model => model;

    /// <summary>Writes an SVG file, light or dark as the viewer prefers.</summary>
    /// <param name="stream">Stays open.</param>
    public void Write(Stream stream)
    {
        var document = XDocument.Parse(Exporter(width, height).ExportToString(model), LoadOptions.PreserveWhitespace);
        document.Root!.AddFirst(new XElement(Svg + "style", DarkMode));
        document.Save(stream, SaveOptions.DisableFormatting);
    }

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
            foreach ((OxyColor color, string property, _) in Colors)
            {
                value.Replace(Rgb(color), $"var(--{property})");
            }
        }
        return value.ToString();
    }

    private static string Dark(string color, string dark) => string.Concat(
        ((string[])["fill", "stroke"]).Select(paint =>
            $"[{paint}=\"{color}\"],[style*=\"{paint}:{color}\"]{{{paint}:{dark}!important}}"));

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
