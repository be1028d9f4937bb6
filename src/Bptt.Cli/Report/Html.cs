// The elements that a page is made of, as XHTML: every text is escaped, and the page can be read as XML too.

using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Bptt.Cli.Console;
using Bptt.Cli.Pictures;

namespace Bptt.Cli.Report;

internal static partial class Html
{
    private static readonly XNamespace Xhtml = "http://www.w3.org/1999/xhtml";

    /// <summary>An element of texts, elements and attributes.</summary>
    public static XElement Element(string name, params object?[] content) => new(
        Xhtml + name, content.Select(c => c is string text ? SafeText.Clean(text) : c));

    public static XElement Class(this XElement element, string name)
    {
        element.SetAttributeValue("class", name);
        return element;
    }

    public static XElement List(IEnumerable<string> sentences) =>
        Element("ul", sentences.Select(s => Element("li", Prose(s))).ToArray<object>());

    public static XElement Paragraph(string text) => Element("p", Prose(text));

    /// <summary>A clause as a sentence.</summary>
    public static string Sentence(string clause) => $"{Capital(clause)}.";

    /// <summary>A text that begins with a capital.</summary>
    public static string Capital(string text) => $"{char.ToUpperInvariant(text[0])}{text[1..]}";

    /// <summary>A text in which no number is broken at the sign of its exponent.</summary>
    private static object[] Prose(string text)
    {
        var parts = new List<object>();
        int end = 0;
        foreach (Match number in Exponential().Matches(text))
        {
            parts.Add(SafeText.Clean(text[end..number.Index]));
            parts.Add(Element("span", number.Value).Class("number"));
            end = number.Index + number.Length;
        }
        return [.. parts, SafeText.Clean(text[end..])];
    }

    [GeneratedRegex(@"[\d.]+E[+-]\d+(?: %)?", RegexOptions.CultureInvariant)]
    private static partial Regex Exponential();

    /// <summary>A table that scrolls where the screen is narrower.</summary>
    public static XElement Table(TextTable table)
    {
        var head = Element(
            "thead", Element("tr", table.Columns.Select(c => Scope(Element("th", c), "col")).ToArray<object>()));
        var body = Element("tbody", table.Rows.Select(row => Element(
            "tr", row.Select((cell, i) => i == 0 ? Scope(Element("th", cell), "row") : Element("td", cell))
                .ToArray<object>())).ToArray<object>());
        return Scrolling(Element("table", head, body).Class(table.IsNumeric ? "numbers" : "texts"));
    }

    /// <summary>Names and what they stand for.</summary>
    public static XElement Facts(IEnumerable<(string Name, string Value)> facts) => Element(
        "dl", facts.Select(f => Element("div", Element("dt", f.Name), Element("dd", f.Value))).ToArray<object>());

    /// <summary>A picture with words below.</summary>
    public static XElement Figure(XElement svg, params object?[] caption) =>
        Element(
            "figure",
            svg.Attribute("class")?.Value == "wide"
                ? Element("p", "the picture goes on to the right →").Class("aside") : null,
            Scrolling(svg),
            Element("figcaption", caption));

    /// <summary>Writes a page.</summary>
    /// <param name="stream">Stays open.</param>
    /// <param name="title">As the browser's tab shows it.</param>
    /// <param name="style">CSS without &lt;, &gt; and &amp;, which the two ways to read the page would read
    /// differently.</param>
    /// <param name="body">What is on the page.</param>
    public static void Write(Stream stream, string title, string style, params object?[] body)
    {
        var page = Element(
            "html",
            new XAttribute("lang", "en"),
            Element(
                "head",
                Element("meta", new XAttribute("charset", "utf-8")),
                Element(
                    "meta",
                    new XAttribute("name", "viewport"),
                    new XAttribute("content", "width=device-width, initial-scale=1")),
                Element("meta", new XAttribute("name", "color-scheme"), new XAttribute("content", "light dark")),
                Element("title", title),
                Element("style", style)),
            Element("body", body));
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("<!DOCTYPE html>");
        using (var xml = XmlWriter.Create(writer, new XmlWriterSettings
        {
            OmitXmlDeclaration = true,
            Indent = true,
            IndentChars = " ",
            NewLineChars = "\n",
            CloseOutput = false,
        }))
        {
            page.WriteTo(xml);
        }
        writer.WriteLine();
    }

    /// <summary>A part that scrolls sideways, by the keyboard too.</summary>
    private static XElement Scrolling(XElement inside) =>
        Element("div", new XAttribute("tabindex", "0"), inside).Class("scroll");

    private static XElement Scope(XElement cell, string scope)
    {
        cell.SetAttributeValue("scope", scope);
        return cell;
    }
}
