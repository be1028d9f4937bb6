// `bptt fit … --report`: one page that holds all it shows and says what the command prints, whatever the data and the
// fit.

using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Report;
using Bptt.Cli.Tests.Pictures;

namespace Bptt.Cli.Tests.Report;

public class ReportTests
{
    private static readonly XNamespace Xhtml = "http://www.w3.org/1999/xhtml";
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public async Task The_page_is_one_of_five_files_and_the_results_are_as_without_it()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));

        CommandResult plain = await Fit(csv, folder.At("plain"));
        CommandResult report = await Fit(csv, folder.At("report"), "--report");

        plain.Output.Should().NotContain("report.html");
        report.ShouldBeDone();
        report.Output.Should().Contain($"fit.svg, {folder.At("report/report.html")}");
        string[] files = ["fit.svg", "model.json", "predictions.csv", "report.html", "checkpoint.json"];
        Directory.GetFiles(folder.At("report")).Select(Path.GetFileName).Should().BeEquivalentTo(files);
        Directory.GetFiles(folder.At("plain")).Select(Path.GetFileName)
            .Should().BeEquivalentTo(files.Except(["report.html"]));
        foreach (string file in files[..3])
        {
            File.ReadAllBytes(folder.At($"report/{file}"))
                .Should().Equal(File.ReadAllBytes(folder.At($"plain/{file}")));
        }
    }

    [Fact]
    public async Task The_same_run_gives_the_same_page_byte_by_byte()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));

        await Fit(csv, folder.At("a"), "--report");
        await Fit(csv, folder.At("b"), "--report");

        File.ReadAllBytes(folder.At("b/report.html")).Should().Equal(File.ReadAllBytes(folder.At("a/report.html")));
    }

    [Fact]
    public async Task The_page_says_what_is_printed()
    {
        using var folder = new TemporaryFolder();
        string[] data = ["--sample", "sunspots"];

        CommandResult fit = await CommandRunner.RunAsync([
            "fit", .. data, "--hidden", "4", "--optimizer", "adam", "--epochs", "40", "--learn-state", "--report",
            "--out", folder.Path,
        ]);
        CommandResult flow = await CommandRunner.RunAsync(
            ["flow", .. data, "--model", folder.At("model.json"), "--out", folder.Path]);
        CommandResult start = await CommandRunner.RunAsync(["flow", .. data, "--hidden", "4", "--out", folder.Path]);

        fit.ShouldBeDone();
        XElement page = Page(folder.At("report.html"));
        string text = Text(page);
        text.Should().ContainAll(
            $"Held-out fit: {After(fit, "held-out fit: ")}",
            After(fit, "gradient check before training: "),
            After(fit, "gradient check after training: "),
            $"Gradient flow: {After(flow, "gradient flow: ")}.",
            $"The model: {After(flow, "gradient flow: ")}.",
            $"Start of the training: {After(start, "gradient flow: ")}.",
            $"Left of a step's gradient: {After(flow, "left of a step's gradient: ")}.",
            $"Truncation: {After(flow, "truncation: ")}.",
            $"Start of the training: truncation: {After(start, "truncation: ")}.",
            $"Powers of W_hh: {After(flow, "powers of W_hh: ")}.",
            $"Spectral radius of W_hh: {After(flow, "spectral radius of W_hh: ")}.",
            "215 to train, 93 held out",
            "40 of 40",
            $"{After(fit, "training: ").Split(". ")[0]}.",
            "Start: random orthogonal, radius 0.9, seed 1.",
            "Optimiser: Adam");
        foreach (string name in new[] { "spectral radius of W_hh", "‖∂L/∂h_1‖", "‖∂L/∂h_T‖" })
        {
            Fact(page, name).Should().Be(After(fit, $"{name}: "));
        }

        // Every row of a printed table stands in a table of the page.
        string[] rows = page.Descendants(Xhtml + "tr")
            .Select(r => string.Join(' ', r.Elements().Select(c => c.Value))).Select(Squeezed).ToArray();
        string[] printed = fit.Output.Split('\n').Concat(flow.Output.Split('\n'))
            .Where(l => l.StartsWith("  ", StringComparison.Ordinal) && l.Trim().Length > 0).Select(Squeezed).ToArray();
        printed.Length.Should().BeGreaterThan(12);
        rows.Should().Contain(printed);

        static string After(CommandResult result, string beginning) =>
            result.Output.Split('\n')
                .Single(l => l.StartsWith(beginning, StringComparison.Ordinal))[beginning.Length..].TrimEnd();
    }

    [Fact]
    public async Task The_pictures_hold_a_point_for_each_number()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(50));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", "y,z", "--hidden", "3", "--optimizer", "adam", "--epochs", "25",
            "--report", "--out", folder.At("out"));

        result.ShouldBeDone();
        XElement page = Page(folder.At("out/report.html"));
        var pictures = page.Descendants(Svg + "svg")
            .ToDictionary(s => s.Element(Svg + "title")!.Attribute("id")!.Value.Split('-')[0], s => new Drawing(s));
        pictures.Keys.Should().Equal(
            "fit", "rest", "loss", "steps", "gains", "residuals", "flow", "eigenvalues", "lags");
        pictures["fit"].Curves("var(--grey)").Select(c => c.Length).Should().Equal(50, 50);
        pictures["fit"].Curves("var(--vermilion)").Select(c => c.Length).Should().Equal(50, 50);
        pictures["loss"].Curves("var(--vermilion)").Single().Should().HaveCount(26);
        pictures["loss"].Marks("var(--vermilion)").Should().HaveCount(26);
        pictures["eigenvalues"].Marks("var(--vermilion)").Should().HaveCount(3);
        pictures["flow"].Curves("var(--vermilion)").Single().Length.Should().BeLessThanOrEqualTo(30);
        pictures["lags"].Marks("var(--blue)").Length.Should().BeInRange(2, 30);
        Drawing[] all = [.. pictures.Values];
        all.SelectMany(d => d.Texts).Should().NotContain(t => t.Contains("rgb", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("<y>", "a & b")]
    [InlineData("\"y\"", "</style><script>alert(1)</script>")]
    [InlineData("y]]>", "<!-- &amp; &#x41;")]
    [InlineData("Δ° ŷ", "http://example.com/")]
    public async Task Names_of_columns_and_files_are_text_and_nothing_else(string first, string second)
    {
        using var folder = new TemporaryFolder();
        string header = string.Join(',', new[] { "a", "b", first, second }
            .Select(n => $"\"{n.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));
        string csv = folder.File("d<&>'\u0001.csv", Tables.WithLine(Tables.TwoByTwo(30), 1, header));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", $"{first},{second}", "--hidden", "2", "--epochs", "2",
            "--report", "--out", folder.At("out"));

        result.ShouldBeDone();
        XElement page = Page(folder.At("out/report.html"), first.Contains("http") || second.Contains("http"));
        Fact(page, "outputs").Should().Be($"{first}, {second}");
        Fact(page, "data").Should().Be(csv.Replace('\u0001', '\uFFFD'));
        page.Descendants(Svg + "text").Select(t => t.Value).Should().Contain([first, second]);
        page.Descendants(Xhtml + "th").Select(t => t.Value.Trim()).Should().Contain([first, second]);
    }

    [Fact]
    public async Task A_training_that_diverges_is_reported_too()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));

        CommandResult result = await Fit(csv, folder.At("out"), "--report", "--learning-rate", "1e30");

        result.ShouldBeRefused(1, "diverged", "after 1 epoch");
        Text(Page(folder.At("out/report.html"))).Should().Contain("The training diverged")
            .And.Contain("after 1 epoch").And.Contain("1E+30");
    }

    [Fact]
    public async Task A_free_run_that_leaves_the_range_of_numbers_is_reported_too()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.Growing());

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a", "--outputs", "y", "--train", Tables.GrowingTrainingFraction, "--hidden", "2",
            "--epochs", "300", "--learning-rate", "0.05", "--report", "--out", folder.At("out"));

        result.ShouldBeRefused(1, "leaves the range of numbers");
        Text(Page(folder.At("out/report.html"))).Should().Contain("Held-out fit: diverged");
    }

    [Theory]
    [InlineData(4, "0.5", "1", "1")]
    [InlineData(5, "0.6", "1", "3")]
    [InlineData(12, "0.5", "9", "1")]
    [InlineData(12, "0.5", "2", "40")]
    public async Task The_smallest_tables_and_models_have_a_page(int rows, string train, string hidden, string epochs)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(rows));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,b", "--outputs", "y", "--train", train, "--hidden", hidden, "--epochs", epochs,
            "--report", "--out", folder.At("out"));

        result.ExitCode.Should().Be(0, "of {0}", result.Error);
        Page(folder.At("out/report.html"));
    }

    [Fact]
    public void A_training_that_was_stopped_says_so()
    {
        var data = DatasetBuilder.From(
            CsvTable.Read(new StringReader(Tables.TwoByTwo(60)), "data.csv"), ["a", "b"], ["y"], new DataSettings());
        var settings = new FitSettings
        {
            Method = FitMethod.Adam,
            Epochs = 30,
            LearningRate = 0.02,
            Seed = 3,
            LearnsInitialState = true,
        };
        TrainedFit fit = FitTraining.Run(
            data,
            FitPlan.Of(settings, data, 4),
            checkpoint: null,
            _ => { },
            _ => { },
            new CancellationToken(canceled: true));
        using var stream = new MemoryStream();

        ReportPage.Write(stream, data, fit, order: null, new FitReport(data, fit));

        stream.Position = 0;
        XElement page = Page(stream);
        Text(page).Should().Contain("The training was stopped after epoch 0");
        Fact(page, "epochs").Should().Be("0 of 30");
        Fact(page, "initial state h_0").Should().Be("learned");
    }

    [Fact]
    public void Checks_that_are_stopped_are_not_made_and_fail_nothing()
    {
        var data = DatasetBuilder.From(
            CsvTable.Read(new StringReader(Tables.TwoByTwo(60)), "data.csv"), ["a", "b"], ["y"], new DataSettings());
        TrainedFit fit = FitTraining.Run(
            data,
            FitPlan.Of(new FitSettings { Epochs = 3, Seed = 3 }, data, 2),
            checkpoint: null,
            _ => { },
            _ => { },
            CancellationToken.None);
        var report = new FitReport(data, fit, isChecked: true, new CancellationToken(canceled: true));

        report.CheckBefore.Should().BeNull();
        report.CheckAfter.Should().BeNull();
        report.GradientsHold.Should().BeTrue();
        using var stream = new MemoryStream();
        ReportPage.Write(stream, data, fit, order: null, report);
        stream.Position = 0;
        Text(Page(stream)).Should().Contain("After training: gradient check not made");
    }

    [Fact]
    public async Task Without_checks_none_is_told()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));

        CommandResult result = await Fit(csv, folder.At("out"), "--no-checks");

        result.ShouldBeDone();
        result.Output.Should().NotContain("gradient check").And.Contain("held-out fit:");
    }

    [Fact]
    public async Task A_page_that_cannot_be_written_leaves_the_other_files()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        Directory.CreateDirectory(folder.At("out/report.html"));

        CommandResult result = await Fit(csv, folder.At("out"), "--report");

        result.ShouldBeRefused(1, folder.At("out/report.html"));
        folder.Content().Should().Contain(["out/model.json", "out/predictions.csv", "out/fit.svg"])
            .And.NotContain(p => p.EndsWith(".tmp"));
    }

    private static Task<CommandResult> Fit(string csv, string output, params string[] more) => CommandRunner.RunAsync(
        [
            "fit", csv, "--inputs", "a,b", "--outputs", "y", "--hidden", "3", "--optimizer", "adam", "--epochs", "5",
            "--out", output, .. more,
        ]);

    private static XElement Page(string path, bool namesAddresses = false)
    {
        using FileStream stream = File.OpenRead(path);
        return Page(stream, namesAddresses);
    }

    /// <summary>Reads a page as XML and makes sure of what every page keeps to.</summary>
    private static XElement Page(Stream stream, bool namesAddresses = false)
    {
        string text = new StreamReader(stream).ReadToEnd();
        text.Should().StartWith("<!DOCTYPE html>\n<html ");
        using var reader = XmlReader.Create(
            new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        XElement page = XDocument.Load(reader).Root!;
        page.Name.Should().Be(Xhtml + "html");

        // It fetches nothing and runs nothing.
        string[] names = page.Descendants().Select(e => e.Name.LocalName).ToArray();
        names.Should().NotContain(
            ["script", "link", "img", "image", "iframe", "object", "use", "a", "base", "foreignObject"]);
        XAttribute[] attributes = page.DescendantsAndSelf().Attributes().ToArray();
        attributes.Select(a => a.Name.LocalName).Should().NotContain(["src", "href", "srcset", "data"])
            .And.NotContain(n => n.StartsWith("on", StringComparison.Ordinal));
        attributes.Where(a => !a.IsNamespaceDeclaration).Select(a => a.Value)
            .Should().NotContain(v => v.Contains("http", StringComparison.Ordinal));
        string style = page.Descendants(Xhtml + "style").Single().Value;
        style.Should().NotContainAny("http", "url(", "@import", "<", ">", "&");
        Regex.Matches(text, "url\\((?!#)").Should().BeEmpty();
        if (!namesAddresses)
        {
            text.Replace(Xhtml.NamespaceName, "", StringComparison.Ordinal).Replace(
                Svg.NamespaceName, "", StringComparison.Ordinal)
                .Should().NotContain("http");
        }

        // Ids are unique, and what refers to one finds it.
        string[] ids = attributes.Where(a => a.Name == "id").Select(a => a.Value).ToArray();
        ids.Should().OnlyHaveUniqueItems();
        Regex.Matches(text, @"url\(#([^)]*)\)").Select(m => m.Groups[1].Value).Distinct().Should().BeSubsetOf(ids);
        attributes.Where(a => a.Name == "aria-labelledby").Select(a => a.Value).Should().BeSubsetOf(ids);

        // A browser would take an empty element of another name for an open one.
        page.Descendants().Where(e => e.Name.Namespace == Xhtml && e.IsEmpty).Select(e => e.Name.LocalName).Distinct()
            .Should().BeEquivalentTo(["meta"]);

        // Colours are the page's, and each is defined for day and for night.
        IEnumerable<string> colors = Regex.Matches(text, @"var\(--([a-z]+)\)")
            .Select(m => m.Groups[1].Value).Distinct();
        foreach (string color in colors)
        {
            Regex.Matches(style, $@"--{color}: #[0-9a-f]{{6}};").Should().HaveCount(2, "of --{0}", color);
        }
        string drawn = string.Concat(
            page.Descendants(Svg + "svg").DescendantsAndSelf().Attributes().Select(a => a.Value));
        drawn.Should().NotContainAny("rgb(", "black", "NaN", "Infinity");
        Text(page).Should().NotContainAny("NaN", "Infinity");
        return page;
    }

    /// <summary>The text of the body, with single blanks.</summary>
    private static string Text(XElement page) => Squeezed(page.Element(Xhtml + "body")!.Value);

    private static string Squeezed(string text) => Regex.Replace(text, @"\s+", " ").Trim();

    private static string Fact(XElement page, string name) =>
        page.Descendants(Xhtml + "dt").Single(t => t.Value == name).ElementsAfterSelf().Single().Value;
}
