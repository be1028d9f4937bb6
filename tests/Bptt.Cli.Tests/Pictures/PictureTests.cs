// The pictures of a training, a flow, a spectrum and lags: as many marks as there are numbers, where they belong,
// whatever the numbers are.

using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Bptt.Cli.Pictures;
using Bptt.Cli.Report;
using OxyPlot;

namespace Bptt.Cli.Tests.Pictures;

public class PictureTests
{
    private const double Infinity = double.PositiveInfinity;

    /// <summary>Curves that a logarithmic axis could stumble over.</summary>
    private static readonly Dictionary<string, double[]> Awkward = new()
    {
        ["one number"] = [3.7],
        ["a power of ten"] = [1],
        ["one zero"] = [0],
        ["zeros"] = [0, 0, 0],
        ["one infinity"] = [Infinity],
        ["constant"] = [0.25, 0.25, 0.25],
        ["zeros between"] = [1, 0, 1e-3, 0, 1e-6],
        ["ending in zero"] = [1e-200, 1e-250, 1e-289, 0],
        ["ending in infinity"] = [1, 1e100, 1e200, 1e308, Infinity],
        ["the whole range"] = [5e-324, 1, double.MaxValue],
        ["rising"] = [1, 10, 100],
        ["thousands"] = Geometric(1, 0.99, 5000),
    };

    public static TheoryData<string> AwkwardNames => new(Awkward.Keys);

    [Theory]
    [MemberData(nameof(AwkwardNames))]
    public void Awkward_curves_are_drawn_inside_the_plot(string what)
    {
        double[] curve = Awkward[what];

        var loss = Drawing.Of(LossPicture.Of(curve, bestEpoch: 0));
        var flow = Drawing.Of(FlowPicture.Of(curve, curve, curve, "verdict"));
        var lags = Drawing.Of(LagPicture.Of(curve, curve, 0.01, smallestWindow: null));

        foreach (Drawing drawing in new[] { loss, flow, lags })
        {
            drawing.ShouldLieInside(drawing.Marks(Drawing.Vermilion));
            drawing.ShouldLieInside(drawing.Marks(Drawing.Blue));
        }
        foreach (Drawing drawing in new[] { loss, flow }) // a lag picture has a floor, below which lines are clipped
        {
            drawing.ShouldLieInside(drawing.Curves(Drawing.Vermilion).SelectMany(c => c));
        }
        bool hasValues = curve.Any(v => v > 0 && double.IsFinite(v));
        flow.Texts.Any(t => t.StartsWith("nothing to draw", StringComparison.Ordinal)).Should().Be(!hasValues);
        (loss.Marks(Drawing.Vermilion).Length + loss.Curves(Drawing.Vermilion).Length > 0).Should().Be(hasValues);
    }

    /// <summary>As a file of its own: every colour has another in dark mode, that of the report.</summary>
    [Fact]
    public void Files_are_light_or_dark_as_the_viewer_prefers()
    {
        double[] curve = Geometric(1, 0.9, 50);
        using var stream = new MemoryStream();
        FlowPicture.Of(curve, curve, curve, "verdict").Write(stream);
        string text = Encoding.UTF8.GetString(stream.ToArray());
        stream.Position = 0;

        string style = XDocument.Load(stream).Root!.Elements().First().Value;
        style.Should().Contain("prefers-color-scheme: dark");
        string[] colors = [.. Regex.Matches(text, @"(?:fill|stroke)(?::|="")(rgb\([\d,]+\)|\w+)")
            .Select(m => m.Groups[1].Value).Where(c => c != "none").Distinct()];
        colors.Should().HaveCountGreaterThan(5).And.OnlyContain(c => style.Contains($"=\"{c}\""));
        string darkOfReport = PageStyle.Css[PageStyle.Css.IndexOf("dark) {", StringComparison.Ordinal)..];
        Picture.Colors.Should().OnlyContain(c => darkOfReport.Contains($"--{c.Name}: {c.Dark};"));
    }

    [Fact]
    public void The_loss_falls_evenly_on_a_logarithmic_axis_and_the_best_epoch_is_ringed()
    {
        double[] losses = Geometric(4, 0.8, 30);
        losses[29] = 5;

        var drawing = Drawing.Of(LossPicture.Of(losses, bestEpoch: 28));

        (double X, double Y)[] line = drawing.Curves(Drawing.Vermilion).Single();
        line.Should().HaveCount(30);
        drawing.Marks(Drawing.Vermilion).Should().HaveCount(30);
        double perEpoch = line[1].Y - line[0].Y;
        perEpoch.Should().BePositive("the loss falls, and y grows downwards");
        for (int i = 0; i < 29; i++)
        {
            line[i].Y.Should().BeApproximately(line[0].Y + perEpoch * i, 0.01);
            line[i].X.Should().BeApproximately(line[0].X + (line[1].X - line[0].X) * i, 0.01);
        }
        line[29].Y.Should().BeLessThan(line[0].Y);
        drawing.Rings(Drawing.Grey).Should().Equal(line[28]);
        drawing.Texts.Should().Contain(["epochs done", "loss", "kept: epoch 28"]);
    }

    [Fact]
    public void The_flow_has_three_curves_and_ends_where_nothing_is_left()
    {
        double[] mean = [.. Geometric(1e-3, 0.5, 200), 0];
        double[] last = Geometric(2e-3, 0.5, 201);

        var drawing = Drawing.Of(FlowPicture.Of(mean, last, Geometric(4e-3, 0.5, 201), "the verdict"));

        int shown = drawing.Curves(Drawing.Vermilion).Single().Length;
        shown.Should().Be(40, "0.5⁴⁰ < 1e-12 < 0.5³⁹");
        drawing.Curves(Drawing.Blue).Single().Should().HaveCount(shown);
        drawing.Curves(Drawing.Grey).Single().Should().HaveCount(shown);
        double[] heights =
            [.. new[] { Drawing.Vermilion, Drawing.Blue, Drawing.Grey }.Select(c => drawing.Curves(c).Single()[7].Y)];
        (heights[0] - heights[1])
            .Should().BeApproximately(heights[1] - heights[2], 0.01, "each is twice the one before");
        drawing.Texts.Should().Contain(
            ["the verdict", "mean over all steps", "last step", "predicted envelope", "k, steps back"]);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1e-8)]
    [InlineData(0.84)]
    [InlineData(1.0)]
    [InlineData(1.3)]
    [InlineData(1e6)]
    public void Eigenvalues_stand_where_they_are_and_circles_are_round(double radius)
    {
        Complex[] eigenvalues =
            [.. new[] { 0.4, -0.4, 2.2, Math.PI }.Select(angle => Complex.FromPolarCoordinates(radius, angle)), 0];

        var drawing = Drawing.Of(EigenvaluePicture.Of(eigenvalues));

        (double X, double Y)[] unit = radius > 100
            ? [drawing.Marks(Drawing.Vermilion)[^1]] // too small to be drawn
            : drawing.Curves(Drawing.Grey).Single();
        (double X, double Y) center =
            ((unit.Max(p => p.X) + unit.Min(p => p.X)) / 2, (unit.Max(p => p.Y) + unit.Min(p => p.Y)) / 2);
        double scale = (unit.Max(p => p.X) - unit.Min(p => p.X)) / 2;
        (unit.Max(p => p.Y) - unit.Min(p => p.Y)).Should().BeApproximately(2 * scale, 0.02);
        drawing.ShouldLieInside(unit);
        (double X, double Y)[] points = drawing.Marks(Drawing.Vermilion);
        points.Should().HaveCount(5);
        for (int i = 0; i < 5 && radius < 100; i++)
        {
            points[i].X.Should().BeApproximately(center.X + scale * eigenvalues[i].Real, 0.05);
            points[i].Y.Should().BeApproximately(center.Y - scale * eigenvalues[i].Imaginary, 0.05);
        }
        if (radius > 0.1)
        {
            (double X, double Y)[] circle = drawing.Curves(Drawing.Blue).Single();
            double width = circle.Max(p => p.X) - circle.Min(p => p.X);
            (circle.Max(p => p.Y) - circle.Min(p => p.Y)).Should().BeApproximately(width, 0.02);
            drawing.ShouldLieInside(circle);
            Math.Abs(points[3].X - center.X)
                .Should().BeApproximately(width / 2, 0.05, "the eigenvalue at -ρ lies on the circle");
        }
    }

    [Fact]
    public void Each_lag_has_a_stem_and_the_smallest_window_a_ring()
    {
        double[] contributions = Geometric(0.5, 0.7, 40);
        double[] errors = Geometric(0.9, 0.7, 40);
        contributions[3] = 0;

        var drawing = Drawing.Of(LagPicture.Of(contributions, errors, 0.01, smallestWindow: 14));

        drawing.Marks(Drawing.Blue).Should().HaveCount(39);
        (double X, double Y)[] line = drawing.Curves(Drawing.Vermilion).Single();
        line.Should().HaveCount(40);
        drawing.Rings(Drawing.Grey).Should().Equal(line[13]);
        line[0].X.Should().BeApproximately(
            drawing.Marks(Drawing.Blue)[1].X, 0.01, "a window of one step leaves out lags from 1 on");
        drawing.Texts.Should().Contain([
            "1 %", "k = 14", "lag k adds", "error of a window of k steps",
            "a truncation window of 14 loses at most 1 %",
        ]);
    }

    [Fact]
    public void A_window_beyond_what_is_drawn_has_no_ring()
    {
        var drawing = Drawing.Of(LagPicture.Of([1, 0, 0], [0, 0, 0], 0.01, smallestWindow: 1));

        drawing.Rings(Drawing.Grey).Should().BeEmpty();
        drawing.Marks(Drawing.Blue).Should().HaveCount(1);
    }

    [Fact]
    public void A_long_curve_keeps_its_ends_its_extremes_and_its_gaps()
    {
        var random = new Random(3);
        DataPoint[] points = Enumerable.Range(0, 123_456).Select(i => new DataPoint(i, random.NextDouble())).ToArray();
        points[70_001] = new DataPoint(70_001, 9);
        points[70_002] = new DataPoint(70_002, -9);
        points[90_000] = new DataPoint(90_000, double.NaN);

        DataPoint[] thinned = Curve.Thinned(points).ToArray();

        thinned.Length.Should().BeLessThan(3100);
        thinned.Should().Contain([points[0], points[^1], points[70_001], points[70_002], points[90_000]]);
        thinned.Select(p => p.X).Should().BeInAscendingOrder();
        thinned.Should().BeSubsetOf(points);
        Curve.Thinned(points[..2000]).Should().Equal(points[..2000]);
    }

    [Theory]
    [InlineData(0, "1")]
    [InlineData(2.698970004336019, "500")]
    [InlineData(-3, "0.001")]
    [InlineData(-1.6989700043360187, "0.02")]
    [InlineData(-4, "10⁻⁴")]
    [InlineData(-6.698970004336019, "2·10⁻⁷")]
    [InlineData(308, "10³⁰⁸")]
    public void Decades_are_labelled_as_people_write_them(double logarithm, string label)
    {
        DecadeAxis.Label(logarithm).Should().Be(label);
    }

    [Fact]
    public void Labels_of_an_axis_are_few_however_wide_it_is()
    {
        foreach (double low in new[] { 0.9, 0.1, 1e-3, 1e-7, 1e-12, 1e-40, 1e-200, 1e-290 })
        {
            new DecadeAxis([low, 1]).GetTickValues(out IList<double> labels, out _, out IList<double> minor);

            labels.Count.Should().BeInRange(2, 9, "of {0} to 1", low);
            minor.Count.Should().BeLessThan(100);
        }
    }

    [Fact]
    public void In_a_page_a_picture_has_its_own_ids_the_pages_colours_and_no_size()
    {
        Picture picture = LossPicture.Of(Geometric(1, 0.5, 10), bestEpoch: 9);
        var before = Drawing.Of(picture);

        XElement svg = picture.ForPage("loss", "what it shows <&>", 480, 360, "wide");

        string text = svg.ToString();
        text.Should().NotContain("rgb(").And.NotContain("black")
            .And.Contain("var(--ink)").And.Contain("var(--vermilion)").And.Contain("var(--paper)");
        svg.Attribute("width").Should().BeNull();
        svg.Attribute("viewBox")!.Value.Should().Be("0 0 480 360");
        svg.Attribute("class")!.Value.Should().Be("wide");
        string[] ids = svg.Descendants().Attributes("id").Select(a => a.Value).ToArray();
        ids.Should().OnlyHaveUniqueItems().And.OnlyContain(id => id.StartsWith("loss-", StringComparison.Ordinal));
        string[] used = svg.Descendants()
            .Attributes("clip-path").Select(a => a.Value["url(#".Length..^1]).Distinct().ToArray();
        used.Should().NotBeEmpty().And.BeSubsetOf(ids);
        svg.Elements().First().Value.Should().Be("what it shows <&>");
        svg.Attribute("aria-labelledby")!.Value.Should().Be(svg.Elements().First().Attribute("id")!.Value);
        Drawing.Of(picture).Texts.Should().Equal(before.Texts, "the file's picture stays as it was");
        new Drawing(svg).Texts.Should().NotContain("loss of the training", "the page has a heading of its own");
    }

    [Fact]
    public void Text_that_no_xml_may_hold_is_replaced_and_all_other_stays()
    {
        SafeText.Clean("a\u0001b\ud83d\ude00<&>\ud800c\uFFFE\t").Should().Be("a\uFFFDb\ud83d\ude00<&>\uFFFDc\uFFFD\t");
    }

    private static double[] Geometric(double first, double ratio, int count) =>
        Enumerable.Range(0, count).Select(k => first * Math.Pow(ratio, k)).ToArray();
}
