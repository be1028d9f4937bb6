// A label in the notation of the documentation, W_hhᵀ ∂L/∂h_2, taken apart into what stands on the line, below and
// above it, and put together again as HTML or SVG.

using System.Globalization;
using System.Text;

namespace Bptt.Graphs;

internal static class GraphLabel
{
    private const double SmallScale = 0.72;
    private const double Lowered = 0.24;
    private const double Raised = 0.34;

    private enum Place
    {
        Line,
        Below,
        Above,
    }

    /// <summary>With <c>sub</c> and <c>sup</c> elements, as Mermaid has them.</summary>
    public static string Html(string label) => Html(label, "", "");

    /// <summary>The same as a part of Graphviz' HTML-like labels, where sub- and superscripts are as large as the rest
    /// unless they are told not to be.</summary>
    /// <param name="label">In the notation of the documentation.</param>
    /// <param name="size">Of the rest, in points.</param>
    public static string Dot(string label, int size) =>
        Html(label, $"<font point-size=\"{Number(Math.Round(SmallScale * size))}\">", "</font>");

    private static string Html(string label, string open, string close)
    {
        var html = new StringBuilder();
        foreach ((string text, Place place) in Runs(label))
        {
            string escaped = Escaped(text);
            html.Append(place switch
            {
                Place.Below => $"<sub>{open}{escaped}{close}</sub>",
                Place.Above => $"<sup>{open}{escaped}{close}</sup>",
                _ => escaped,
            });
        }
        return html.ToString();
    }

    /// <summary>The content of an SVG <c>text</c> element. Sub- and superscripts are moved by <c>dy</c>, which every
    /// viewer knows, and which the run after them takes back. Blanks count at the edge of an element only where
    /// <c>xml:space</c> preserves them.</summary>
    public static string Svg(string label, double size)
    {
        var svg = new StringBuilder();
        double height = 0.0;
        foreach ((string text, Place place) in Runs(label))
        {
            double target = place switch { Place.Below => Lowered, Place.Above => -Raised, _ => 0.0 } * size;
            string small = place == Place.Line
                ? ""
                : $" font-size=\"{Number(SmallScale * size)}\""
                    + (char.IsAsciiDigit(text[0]) ? " font-style=\"normal\"" : "");
            string dy = Number(target - height) == "0" ? "" : $" dy=\"{Number(target - height)}\"";
            string escaped = Escaped(text);
            svg.Append(small + dy == "" ? escaped : $"<tspan{small}{dy}>{escaped}</tspan>");
            height = target;
        }
        return svg.ToString();
    }

    /// <summary>At least as wide as the label is in any common font.</summary>
    public static double Width(string label, double size) => Runs(label).Sum(
        run => size * (run.Place == Place.Line ? 1.0 : SmallScale) * run.Text.Sum(c => c switch
        {
            'W' or 'L' or 'm' or 'w' or '→' or 'Σ' => 0.95,
            ' ' or '.' or ',' or ':' or ';' or '/' or '(' or ')' or 'i' or 'l' => 0.4,
            _ => 0.66,
        }));

    /// <summary>For the text and the attributes of XML and HTML.</summary>
    public static string Escaped(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("\"", "&quot;", StringComparison.Ordinal);

    /// <summary>A coordinate, to a hundredth.</summary>
    public static string Number(double value)
    {
        string text = value.ToString("0.##", CultureInfo.InvariantCulture);
        return text == "-0" ? "0" : text;
    }

    /// <summary>An underscore lowers the letters and digits that follow, or what braces hold; ^ raises what braces
    /// hold, and ᵀ is raised.</summary>
    private static List<(string Text, Place Place)> Runs(string label)
    {
        List<(string, Place)> runs = [];
        int at = 0;
        while (at < label.Length)
        {
            int end;
            if (label[at] == 'ᵀ')
            {
                runs.Add(("T", Place.Above));
                at++;
            }
            else if (label[at] is '_' or '^' && at + 1 < label.Length && label[at + 1] == '{')
            {
                end = label.IndexOf('}', at);
                runs.Add((label[(at + 2)..end], label[at] == '_' ? Place.Below : Place.Above));
                at = end + 1;
            }
            else if (label[at] == '_')
            {
                for (end = at + 1; end < label.Length && char.IsAsciiLetterOrDigit(label[end]);)
                {
                    end++;
                }
                runs.Add((label[(at + 1)..end], Place.Below));
                at = end;
            }
            else
            {
                end = label.IndexOfAny(['_', '^', 'ᵀ'], at + 1);
                end = end < 0 ? label.Length : end;
                runs.Add((label[at..end], Place.Line));
                at = end;
            }
        }
        return runs;
    }
}
