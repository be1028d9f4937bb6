// `bptt flow`: its numbers against plain loops over the formulas, its pictures, and models at the edges.

using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Bptt.Cli.Data;
using Bptt.Cli.Tests.Fitting;
using Bptt.Cli.Tests.Pictures;

namespace Bptt.Cli.Tests.Commands;

public class FlowCommandTests(HairDryerFit fit) : IClassFixture<HairDryerFit>
{
    private const int Training = 600;

    [Fact]
    public async Task The_flow_of_a_model_file_is_that_of_the_formulas()
    {
        using var folder = new TemporaryFolder();
        double[][] sources = Sources();

        CommandResult result = await Flow(folder, fit.At("model.json"));

        // ‖(W_hhᵀ)ᵏ W_qhᵀ ∂L/∂o_s‖, the root mean square over all s, from k = 0 to k = T − 1.
        var flow = new List<double>();
        for (int k = 0; k < Training; k++)
        {
            flow.Add(RootMeanSquare(sources));
            sources = Array.ConvertAll(sources, Back);
        }
        double left = flow[^1] / flow[0];
        int hundredth = flow.FindLastIndex(f => f > 0.01 * flow[0]) + 1;
        int millionth = flow.FindLastIndex(f => f > 1e-6 * flow[0]) + 1;
        Line(result, "left of a step's gradient: ")
            .Should().Be($"1 % after {hundredth} steps, a millionth after {millionth} steps");
        Match verdict = Regex.Match(
            result.Output,
            @"^gradient flow: vanishing: after 599 steps (\S+) of a step's gradient is left \(",
            RegexOptions.Multiline);
        verdict.Success.Should().BeTrue("of the output {0}", result.Output);
        Number(verdict.Groups[1].Value).Should().BeApproximately(left, 0.06 * left);
    }

    [Fact]
    public async Task The_losses_of_truncated_windows_are_those_of_the_formulas()
    {
        using var folder = new TemporaryFolder();
        double[][] sources = Sources();
        double[][] states = States();

        CommandResult result = await Flow(folder, fit.At("model.json"));

        // C_k = Σ_s (W_hhᵀ)ᵏ W_qhᵀ ∂L/∂o_s h_{s−k−1}ᵀ; their sum over all k is ∂L/∂W_hh, over k < n what a window of n
        // leaves.
        var contributions = new List<double[]>();
        for (int k = 0; k < Training; k++)
        {
            double[] contribution = new double[64];
            for (int s = k; s < Training; s++)
            {
                for (int i = 0; i < 64; i++)
                {
                    contribution[i] += sources[s][i / 8] * states[s - k][i % 8];
                }
            }
            contributions.Add(contribution);
            sources = Array.ConvertAll(sources, Back);
        }
        double[] whole = Sum(contributions);
        var printed = Regex.Matches(result.Output, @"^ +(\d+) steps? +(\S+) % ", RegexOptions.Multiline)
            .ToDictionary(
                m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture), m => Number(m.Groups[2].Value));
        printed.Keys.Should().Contain([1, 2, 5, 10, 20]);
        foreach ((int window, double percent) in printed.Where(p => p.Value > 1e-6))
        {
            double error = 100 * Norm(Difference(whole, Sum(contributions.Take(window)))) / Norm(whole);
            percent.Should().BeApproximately(error, 0.06 * error, "of a window of {0} steps", window);
        }
        Match sentence = Regex.Match(
            result.Output,
            @"^truncation: a window of (\d+) steps loses (\S+) % of ∂L/∂W_hh\r?$",
            RegexOptions.Multiline);
        int smallest = int.Parse(sentence.Groups[1].Value, CultureInfo.InvariantCulture);
        Number(sentence.Groups[2].Value).Should().Be(printed[smallest]).And.BeLessThanOrEqualTo(1);
        Norm(Difference(whole, Sum(contributions.Take(smallest - 1)))).Should().BeGreaterThan(0.01 * Norm(whole));
    }

    [Fact]
    public async Task Three_pictures_are_written_that_nothing_is_fetched_for()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "flow", "--sample", "sunspots", "--hidden", "5", "--out", folder.Path);

        result.ShouldBeDone();
        folder.Content().Should().Equal("eigenvalues.svg", "flow.svg", "lags.svg");
        result.Output.Should().ContainAll(folder.Content().Select(folder.At));
        foreach (string file in folder.Content())
        {
            string text = File.ReadAllText(folder.At(file));
            XDocument.Parse(text).Root!.Name.LocalName.Should().Be("svg");
            text.Should().NotContainAny("<script", "<image", "xlink:href", "NaN", "Infinity");
        }
        var spectrum = new Drawing(XDocument.Load(folder.At("eigenvalues.svg")).Root!);
        spectrum.Marks(Drawing.Vermilion).Should().HaveCount(5);
        string verdict = Line(result, "gradient flow: ");
        new Drawing(XDocument.Load(folder.At("flow.svg")).Root!).Texts.Should().Contain(verdict);
    }

    [Fact]
    public async Task A_random_model_is_the_one_that_a_training_begins_with()
    {
        using var folder = new TemporaryFolder();
        string[] data = ["--sample", "sunspots", "--hidden", "3", "--seed", "4"];
        await CommandRunner.RunAsync(
            ["fit", .. data, "--epochs", "1", "--learning-rate", "1e-300", "--out", folder.At("fit")]);

        CommandResult random = await CommandRunner.RunAsync(["flow", .. data, "--out", folder.At("random")]);
        CommandResult file = await CommandRunner.RunAsync(
            "flow", "--sample", "sunspots", "--model", folder.At("fit/model.json"), "--out", folder.At("file"));

        random.Output.Should().StartWith("sample sunspots: 215 rows; random model of 3 hidden units, seed 4");
        file.Output.Should().StartWith($"sample sunspots: 215 rows; {folder.At("fit/model.json")}, 3 hidden units");
        Body(file).Should().Be(Body(random));
        random.Output.Should().Contain("\nspectral radius of W_hh: 0.9000, norm 0.9,");

        static string Body(CommandResult result)
        {
            int start = result.Output.IndexOf('\n', StringComparison.Ordinal);
            return result.Output[start..result.Output.IndexOf("written:", StringComparison.Ordinal)];
        }
    }

    [Theory]
    [InlineData("1", "1", "gradient flow: stable: ", "neither leaves the range of double precision nor falls to zero")]
    [InlineData("0", "1", "gradient flow: vanishing: ", "falls below 1E-290, to zero, after 1 step")]
    [InlineData("-0.5", "1", "gradient flow: vanishing: ", "falls below 1E-290, to zero, after ")]
    [InlineData("1.5", "1", "gradient flow: exploding: ", "exceeds the range of double precision after ")]
    [InlineData("1e200", "1", "first number that is not finite: h_", "exceeds the range of double precision after ")]
    [InlineData(
        "0.5",
        "0",
        "gradient flow: no gradient: ",
        "truncation: not defined, ∂L/∂W_hh is zero",
        "gradient of one output: falls below 1E-290, to zero, after 0 steps")]
    [InlineData(
        "0",
        "1",
        "response to an input at step 1: falls below 1E-290, to zero, from step 2 on",
        "gradient of one output: falls below 1E-290, to zero, after 1 step\n")]
    [InlineData(
        "1e100",
        "1",
        "response to an input at step 1: exceeds the range of double precision at step 5\n",
        "of double precision after 4 steps",
        "∂L/∂W_hh is not finite")]
    [InlineData("1e200", "1", "spectral radius of W_hh: 1.00E+200, norm 1.00E+200", "\n  1.00E+200 ")]
    [InlineData("-1e-7", "1", "spectral radius of W_hh: 1.00E-7, norm 1.00E-7", "\n  -1.00E-7 ")]
    [InlineData("0.99998", "1", "34657 steps")]
    [InlineData("1e-320", "1", "gradient flow: vanishing: ", "falls below 1E-290, to zero, after 1 step")]
    public async Task A_model_of_one_unit_is_told_apart_whatever_its_weight(
        string whh, string wqh, params string[] parts)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        string model = folder.File("model.json", Model(whh, wqh));

        CommandResult result = await CommandRunner.RunAsync("flow", csv, "--model", model, "--out", folder.At("out"));

        result.ShouldBeDone();
        result.Output.Should().ContainAll(parts).And.NotContainAny("NaN", "∞");
        foreach (string file in Directory.GetFiles(folder.At("out")))
        {
            File.ReadAllText(file).Should().NotContainAny("NaN", "Infinity");
        }
        File.Exists(folder.At("out/eigenvalues.svg")).Should().BeTrue();
    }

    [Theory]
    [InlineData("0.999, 0.5", "0, 0.998", "powers of W_hh: at most 125", " in norm, after 693 steps\n")]
    // 1.8E+8 after 10⁹ steps
    [InlineData("0.999999999, 0.5", "0, 0.9999999989", "powers of W_hh: at least ", ", the largest that was found\n")]
    [InlineData("0, 1.7e308", "1.7e308, 0", "powers of W_hh: grow without bound", "eigenvalue of W_hh")]
    [InlineData(
        "1.7e308, 1.7e308",
        "1.7e308, 1.7e308",
        "powers of W_hh: grow without bound",
        "spectral radius of W_hh: infinite")]
    public async Task How_large_powers_become_is_claimed_only_where_it_is_known(
        string first, string second, params string[] parts)
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        string model = folder.File("model.json", Model("W", "1")
            .Replace("[[W]]", $"[[{first}], [{second}]]", StringComparison.Ordinal)
            .Replace("\"whx\": [[1]]", "\"whx\": [[1], [1]]", StringComparison.Ordinal)
            .Replace("\"wqh\": [[1]]", "\"wqh\": [[1, 1]]", StringComparison.Ordinal)
            .Replace("[0]", "[0, 0]", StringComparison.Ordinal));

        CommandResult result = await CommandRunner.RunAsync("flow", csv, "--model", model, "--out", folder.At("out"));

        result.ShouldBeDone();
        result.Output.Should().ContainAll(parts).And.NotContainAny("NaN", "∞", "Infinity");
        foreach (string file in Directory.GetFiles(folder.At("out")))
        {
            File.ReadAllText(file).Should().NotContainAny("NaN", "Infinity");
        }
    }

    [Theory]
    [InlineData("flow")]
    [InlineData("check")]
    [InlineData("fit")]
    public async Task More_hidden_units_than_memory_could_hold_are_refused(string command)
    {
        using var folder = new TemporaryFolder();
        foreach (string hidden in new[] { "100000", "2000000000" })
        {
            string[] output = command == "check" ? [] : ["--out", folder.Path];
            CommandResult result = await CommandRunner.RunAsync(
                [command, "--sample", "sunspots", "--hidden", hidden, .. output]);

            result.ShouldBeRefused(1, "--hidden: expected a model of at most ", $"got {hidden} hidden units");
        }
    }

    [Fact]
    public async Task A_forecast_of_the_next_row_takes_its_targets_there()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(41));
        await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a,y", "--outputs", "y", "--predict-next", "--hidden", "2", "--epochs", "1",
            "--learning-rate", "1e-300", "--out", folder.At("out"));

        CommandResult file = await CommandRunner.RunAsync(
            "flow", csv, "--model", folder.At("out/model.json"), "--out", folder.Path);
        CommandResult random = await CommandRunner.RunAsync(
            "flow", csv, "--inputs", "a,y", "--outputs", "y", "--predict-next", "--hidden", "2", "--out", folder.Path);

        file.ShouldBeDone();
        file.Output.Should().Contain(": 24 rows; ");
        Line(file, "gradient flow: ").Should().Be(Line(random, "gradient flow: "));
        Line(file, "truncation: ").Should().Be(Line(random, "truncation: "));
    }

    [Fact]
    public async Task More_modes_than_a_screen_holds_are_summed_up()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "flow", "--sample", "sunspots", "--hidden", "64", "--out", folder.Path);

        result.ShouldBeDone();
        Match more = Regex.Match(result.Output, @"^ +(\d+) more", RegexOptions.Multiline);
        int shown = Regex.Matches(
            result.Output, @"^ +-?\d\.\d{4}( [±+-] \d\.\d{4}i)? +0\.9000 ", RegexOptions.Multiline)
            .Sum(m => m.Value.Contains('±', StringComparison.Ordinal) ? 2 : 1);
        (shown + int.Parse(more.Groups[1].Value, CultureInfo.InvariantCulture)).Should().Be(64);
    }

    [Theory]
    [InlineData("{\"format\": \"other\"}", "bptt-linear-rnn")]
    [InlineData("{", "not valid JSON")]
    [InlineData("", "not valid JSON")]
    public async Task A_damaged_model_file_is_refused(string content, string message)
    {
        using var folder = new TemporaryFolder();
        string model = folder.File("model.json", content);

        CommandResult result = await CommandRunner.RunAsync(
            "flow", "--sample", "sunspots", "--model", model, "--out", folder.At("out"));

        result.ShouldBeRefused(1, model, message);
        folder.Content().Should().Equal("model.json");
    }

    [Fact]
    public async Task Files_that_do_not_fit_are_refused()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        string model = folder.File("model.json", Model("1", "1"));
        string few = folder.File("few.csv", Tables.TwoByTwo(4));
        string huge = folder.File(
            "huge.json", Model("1", "1").Replace("\"scale\": 1", "\"scale\": 1e-308", StringComparison.Ordinal));

        await Refused("none.json", "none.json: there is no such file.", csv);
        await Refused(folder.Path, "expected a model file, got a folder", csv);
        await Refused(model, "sample hair-dryer: expected a column 'a'", "--sample", "hair-dryer");
        await Refused(
            model, "expected at least 2 rows to train on and 2 to hold out, got 4 rows", few, "--train", "0.9");
        await Refused(
            huge, "expected column 'y' to stay finite when scaled as the model tells (mean 0, scale 1E-308)", csv);
        folder.Content().Should().Equal("data.csv", "few.csv", "huge.json", "model.json");

        async Task Refused(string file, string message, params string[] data) => (await CommandRunner.RunAsync(
            ["flow", .. data, "--model", file, "--out", folder.At("out")])).ShouldBeRefused(1, message);
    }

    private static Task<CommandResult> Flow(TemporaryFolder folder, string model) =>
        CommandRunner.RunAsync("flow", "--sample", "hair-dryer", "--model", model, "--out", folder.Path);

    /// <summary>A model file of one unit, input a and output y as they are.</summary>
    private static string Model(string whh, string wqh) =>
        $$"""
        {"format": "bptt-linear-rnn", "version": 1, "stepsAhead": 0, "initialState": [0],
        "inputs": [{"name": "a", "mean": 0, "scale": 1}], "outputs": [{"name": "y", "mean": 0, "scale": 1}],
        "whx": [[1]], "whh": [[{{whh}}]], "wqh": [[{{wqh}}]]}
        """;

    private static string Line(CommandResult result, string beginning) =>
        result.Output.Split('\n')
            .Single(l => l.StartsWith(beginning, StringComparison.Ordinal))[beginning.Length..].TrimEnd();

    /// <summary>W_hhᵀ g.</summary>
    private double[] Back(double[] gradient)
    {
        double[] back = new double[8];
        for (int i = 0; i < 8; i++)
        {
            for (int j = 0; j < 8; j++)
            {
                back[j] += fit.Model.Whh[i][j] * gradient[i];
            }
        }
        return back;
    }

    /// <summary>W_qhᵀ ∂L/∂o_s = W_qhᵀ (o_s − y_s)/T of all training steps.</summary>
    private double[][] Sources()
    {
        double[] predicted = Normalized("outputs", fit.Predictions.Numbers("air_temperature predicted"));
        double[] measured = Normalized("outputs", fit.Predictions.Numbers("air_temperature measured"));
        return Enumerable.Range(0, Training)
            .Select(s => fit.Model.Wqh[0].Select(w => w * (predicted[s] - measured[s]) / Training).ToArray()).ToArray();
    }

    /// <summary>h_0 … h_{T−1} of the training part.</summary>
    private double[][] States()
    {
        double[] input = Normalized(
            "inputs", Sample.All.Single(s => s.Name == "hair-dryer").Read().Numbers("heater_power"));
        var states = new List<double[]> { fit.Model.InitialState };
        for (int t = 0; t < Training - 1; t++)
        {
            states.Add(Enumerable.Range(0, 8)
                .Select(i => fit.Model.Whx[i][0] * input[t] + ModelFile.Dot(fit.Model.Whh[i], states[^1])).ToArray());
        }
        return [.. states];
    }

    private double[] Normalized(string kind, double[] values)
    {
        (_, double mean, double scale) = fit.Model.Channel(kind, 0);
        return Array.ConvertAll(values, v => (v - mean) / scale);
    }

    private static double[] Sum(IEnumerable<double[]> matrices) =>
        matrices.Aggregate(new double[64], (sum, matrix) => sum.Zip(matrix, (a, b) => a + b).ToArray());

    private static double[] Difference(double[] left, double[] right) => left.Zip(right, (a, b) => a - b).ToArray();

    private static double Norm(double[] values) => Math.Sqrt(ModelFile.Dot(values, values));

    private static double RootMeanSquare(double[][] vectors) => Math.Sqrt(vectors.Average(v => ModelFile.Dot(v, v)));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
