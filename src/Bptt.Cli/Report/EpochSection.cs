// The part of a report that steps through a training that was watched: poles and loss at some of its epochs. Works
// without a script: a row of radio buttons, which the arrow keys move along, and a rule of style for each.

using System.Globalization;
using System.Numerics;
using System.Text;
using System.Xml.Linq;
using Bptt.Cli.Fitting;
using Bptt.Diagnostics;
using static Bptt.Cli.Report.Html;

namespace Bptt.Cli.Report;

internal static class EpochSection
{
    private const double Size = 320;
    private const double Reach = 1.4; // of the plane, in unit circles

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>The section; nothing where fewer than two epochs were kept.</summary>
    public static IEnumerable<object> Of(IReadOnlyList<EpochMoment> moments)
    {
        if (moments.Count < 2)
        {
            yield break;
        }
        yield return Element("h2", "The training, epoch by epoch");
        yield return Element("style", Style(moments.Count));
        yield return Element(
            "fieldset",
            Element("legend", "Epoch"),
            moments.Select((m, i) => Element(
                "label",
                Element(
                    "input",
                    new XAttribute("type", "radio"),
                    new XAttribute("name", "epoch"),
                    new XAttribute("id", $"epoch-{i}"),
                    i == moments.Count - 1 ? new XAttribute("checked", "checked") : null),
                Element("span", $"{m.Epoch}"))).ToArray<object>(),
            Plane(moments),
            moments.Select((m, i) => Element(
                "p", $"After epoch {m.Epoch}: loss {m.Loss:0.000E+0}, {RadiusText(m)}.").Class($"moment moment-{i}"))
                .ToArray<object>()).Class("epochs");
    }

    private static string RadiusText(EpochMoment moment) =>
        $"spectral radius of W_hh {Words.Magnitude(PolesOf(moment).Select(p => p.Magnitude).DefaultIfEmpty().Max())}";

    private static XElement Plane(IReadOnlyList<EpochMoment> moments)
    {
        double middle = Size / 2;
        return new XElement(
            Svg + "svg",
            new XAttribute("viewBox", Text($"0 0 {Size} {Size}")),
            new XAttribute("class", "square"),
            new XAttribute("role", "img"),
            new XAttribute("aria-labelledby", "epochs-title"),
            new XElement(
                Svg + "title", new XAttribute("id", "epochs-title"), "Eigenvalues of W_hh at the chosen epoch"),
            new XElement(
                Svg + "path",
                new XAttribute("d", Text($"M0 {middle}H{Size}M{middle} 0V{Size}")),
                new XAttribute("style", "fill:none;stroke:var(--frame)")),
            Circle(0, 0, middle / Reach, "fill:none;stroke:var(--grey);stroke-width:1.4"),
            moments.SelectMany(PolesOf).Select(p => At(p, 1.5, "fill:var(--frame)")),
            moments.Select((m, i) => new XElement(
                Svg + "g",
                new XAttribute("class", $"moment moment-{i}"),
                PolesOf(m).Select(p => At(p, 5, "fill:var(--vermilion);stroke:var(--paper)")))));

        XElement At(Complex pole, double radius, string style)
        {
            double by = pole.Magnitude > Reach ? Reach / pole.Magnitude : 1; // those beyond lie on the frame
            return Circle(pole.Real * by * middle / Reach, -pole.Imaginary * by * middle / Reach, radius, style);
        }

        XElement Circle(double x, double y, double radius, string style) => new(
            Svg + "circle",
            new XAttribute("cx", Text($"{middle + x:0.##}")),
            new XAttribute("cy", Text($"{middle + y:0.##}")),
            new XAttribute("r", Text($"{radius:0.##}")),
            new XAttribute("style", style));
    }

    private static Complex[] PolesOf(EpochMoment moment)
    {
        try
        {
            return [.. Spectrum.Of(moment.Parameters.Model).Modes.Select(m => m.Eigenvalue)];
        }
        catch (ArithmeticException)
        {
            return [];
        }
    }

    private static string Style(int count)
    {
        var style = new StringBuilder(
            """

            .epochs { border: 0; padding: 0; margin: 0; }
            .epochs legend { color: var(--note); font-size: .875rem; padding: 0; }
            .epochs label { display: inline-block; margin: 0 .8rem .3rem 0; font-variant-numeric: tabular-nums; }
            .epochs svg { margin: .5rem 0; }
            .moment { display: none; }

            """);
        for (int i = 0; i < count; i++)
        {
            style.Append(
                CultureInfo.InvariantCulture, $".epochs:has(#epoch-{i}:checked) .moment-{i} {{ display: inline; }}\n");
        }
        return style.ToString();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
