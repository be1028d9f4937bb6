// fit.svg: well-formed, its texts are text, and its lines run through the numbers of predictions.csv.

using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Bptt.Cli.Tests.Pictures;

public class FitPictureTests
{
    private const string Measured = "rgb(85,85,85)";
    private const string Predicted = "rgb(213,94,0)";

    [Fact]
    public async Task The_texts_are_text_elements()
    {
        (XDocument svg, _, CommandResult result, _) = await FitAsync("y & <z>", "b]]>");

        string heldOut = result.Output.Split('\n')
            .Single(l => l.StartsWith("held-out fit:", StringComparison.Ordinal)).Trim();
        Texts(svg).Should().Contain([heldOut, "y & <z>", "b]]>", "row of the table", "measured", "predicted"]);
        Texts(svg).Count(t => t == "held out from here on").Should().Be(1, "the legend names the border");
        Texts(svg).Should().Contain(t => t.EndsWith("data.csv: measured and predicted", StringComparison.Ordinal));
        Texts(svg).Count(t => t == "measured").Should().Be(1, "the legend names each line once");
        Texts(svg).Should().Contain(["10", "20", "30"], "the rows are marked");
    }

    [Fact]
    public async Task The_lines_run_through_the_numbers_of_the_data()
    {
        (XDocument svg, PredictionsFile predictions, _, _) = await FitAsync("y", "z");

        foreach ((string output, int panel) in new[] { ("y", 0), ("z", 1) })
        {
            (double X, double Y)[] measured = Line(svg, Measured, panel);
            (double X, double Y)[] predicted = Line(svg, Predicted, panel);
            measured.Should().HaveCount(40);
            predicted.Should().HaveCount(40);

            // One straight map from rows to x, and for each panel one from values to y, found from measured extremes.
            double[] values = predictions.Numbers($"{output} measured");
            int low = Array.IndexOf(values, values.Min());
            int high = Array.IndexOf(values, values.Max());
            double perUnit = (measured[high].Y - measured[low].Y) / (values[high] - values[low]);
            perUnit.Should().BeNegative("values grow upwards");
            double OnPaper(double value) => measured[low].Y + perUnit * (value - values[low]);
            double perRow = (measured[39].X - measured[0].X) / 39;
            double[] forecast = predictions.Numbers($"{output} predicted");
            for (int t = 0; t < 40; t++)
            {
                measured[t].X.Should().BeApproximately(measured[0].X + perRow * t, 0.01);
                predicted[t].X.Should().BeApproximately(measured[t].X, 0.01);
                measured[t].Y.Should().BeApproximately(OnPaper(values[t]), 0.01);
                predicted[t].Y.Should().BeApproximately(OnPaper(forecast[t]), 0.01);
            }

            // The axes count in the unit of the data. A label stands a few points below its mark.
            double top = measured.Concat(predicted).Min(p => p.Y);
            double bottom = measured.Concat(predicted).Max(p => p.Y);
            (double Value, double X, double Y)[] labels = Numbers(svg, "end")
                .Where(l => l.Y >= top && l.Y <= bottom).ToArray();
            labels.Length.Should().BeGreaterThan(1);
            labels.Should().OnlyContain(
                l => Math.Abs(l.Y - labels[0].Y - perUnit * (l.Value - labels[0].Value)) < 0.01);
            labels.Select(l => l.Y - OnPaper(l.Value)).Should().OnlyContain(below => below > 0 && below < 8);
            Numbers(svg, "middle").Should().Contain(l => l.Value == 10 && Math.Abs(l.X - measured[9].X) < 0.01);
        }
    }

    [Fact]
    public async Task A_dashed_line_stands_between_training_and_held_out_rows()
    {
        (XDocument svg, PredictionsFile predictions, _, _) = await FitAsync("y", "z");
        int training = predictions.Text("part").Count(p => p == "training");
        (double X, double Y)[] measured = Line(svg, Measured, 0);

        double[] dashed = Polylines(svg).Where(p => p.Style.Contains("stroke-dasharray", StringComparison.Ordinal))
            .Where(p => p.Points[0].X == p.Points[^1].X) // the sample in the legend lies
            .Select(p => p.Points[0].X).ToArray();

        dashed.Should().HaveCount(2).And.OnlyContain(
            x => Math.Abs(x - (measured[training - 1].X + measured[training].X) / 2) < 0.01);
    }

    [Fact]
    public async Task Nothing_is_fetched_and_nothing_is_run()
    {
        (XDocument svg, _, _, string text) = await FitAsync("y", "z");

        svg.Root!.Name.Should().Be(XName.Get("svg", "http://www.w3.org/2000/svg"));
        text.Should().NotContainAny("<script", "<image", "xlink:href", "NaN", "Infinity");
    }

    private static async Task<(XDocument Svg, PredictionsFile Predictions, CommandResult Result, string Text)> FitAsync(
        string first, string second)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.WithLine(Tables.TwoByTwo(40), 1, $"a,b,{first},{second}"));
        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", $"{first},{second}", "--hidden", "2", "--epochs", "30",
            "--out", folder.At("out"));
        result.ShouldBeDone();
        string text = File.ReadAllText(folder.At("out/fit.svg"));
        return (XDocument.Parse(text), PredictionsFile.Of(folder.At("out/predictions.csv")), result, text);
    }

    private static string[] Texts(XDocument svg) =>
        svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value).ToArray();

    /// <summary>The labels of an axis, which are aligned as told, and where they stand.</summary>
    private static IEnumerable<(double Value, double X, double Y)> Numbers(XDocument svg, string anchor) =>
        from text in svg.Descendants()
        where text.Name.LocalName == "text" && text.Attribute("text-anchor")!.Value == anchor
        let place = Regex.Match(text.Attribute("transform")!.Value, @"^translate\(([\d.]+),([\d.]+)\)$")
        where place.Success && Regex.IsMatch(text.Value, @"^-?[\d.]+$")
        select (Number(text.Value), Number(place.Groups[1].Value), Number(place.Groups[2].Value));

    /// <summary>The line of a color in a panel, from above.</summary>
    private static (double X, double Y)[] Line(XDocument svg, string color, int panel) => Polylines(svg)
        .Where(p => p.Style.Contains($"stroke:{color}", StringComparison.Ordinal) && p.Points.Length > 2)
        .ElementAt(panel).Points;

    private static IEnumerable<(string Style, (double X, double Y)[] Points)> Polylines(XDocument svg) =>
        svg.Descendants().Where(e => e.Name.LocalName == "polyline").Select(e => (
            e.Attribute("style")!.Value,
            e.Attribute("points")!.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split(','))
                .Select(p => (Number(p[0]), Number(p[1]))).ToArray()));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
