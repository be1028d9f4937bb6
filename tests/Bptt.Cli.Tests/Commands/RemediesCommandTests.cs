// `bptt remedies`: what it finds on the sample, against a loop written out here, and what it leaves on the disc.

using System.Globalization;
using System.Xml.Linq;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Optimization;
using Bptt.Remedies;
using CsvHelper;

namespace Bptt.Cli.Tests.Commands;

public sealed class RemediesCommandTests : IClassFixture<RemediesCommandTests.Comparison>
{
    private readonly Comparison _comparison;

    public RemediesCommandTests(Comparison comparison)
    {
        _comparison = comparison;
    }

    [Theory]
    [InlineData("none", "diverged")]
    [InlineData("L2", "diverged")]
    [InlineData("truncate lags", "diverged")] // the states explode, not the gradients alone
    [InlineData("clip norm", "learned")]
    [InlineData("clip value", "learned")]
    [InlineData("norm ≤ 1 and clip", "learned")]
    [InlineData("small start", "learned")]
    [InlineData("lags, small start", "learned")]
    [InlineData("Adam", "learned")]
    public void Without_bounds_training_diverges_and_with_them_it_learns(string remedy, string outcome)
    {
        Dictionary<string, string> row = _comparison.Row(remedy);

        row["outcome"].Should().Be(outcome);
        if (outcome == "learned")
        {
            Number(row["best loss"]).Should().BeLessThan(0.05);
            Number(row["held-out fit"]).Should().BeGreaterThan(70);
            row["epochs"].Should().Be("300");
        }
        else
        {
            row["final loss"].Should().BeEmpty();
            int.Parse(row["epochs"], CultureInfo.InvariantCulture).Should().BeLessThan(10);
        }
    }

    [Fact]
    public void A_row_is_gradient_descent_written_out()
    {
        Sample sample = Sample.All.Single(s => s.Name == "hair-dryer");
        var data = DatasetBuilder.From(
            sample.Read(),
            sample.Inputs,
            sample.Outputs,
            new DataSettings { PredictNext = sample.PredictNext, TrainingFraction = sample.TrainingFraction });
        LinearRnn model = Initializer.Orthogonal(1, 8, 1, seed: 1, spectralRadius: 1.3);
        var clipping = new GlobalNormClipping(1.0);
        var sgd = new Sgd(0.05);
        Objective objective = data.Training.Objective;
        double largest = 0.0;
        for (int epoch = 0; epoch < 300; epoch++)
        {
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, data.Training.Inputs), objective);
            largest = Math.Max(largest, backward.Gradients.GlobalNorm());
            model = sgd.Step(model, clipping.Apply(backward.Gradients).Gradients);
        }

        Dictionary<string, string> row = _comparison.Row("clip norm");

        double final = objective.Loss(ForwardPass.Run(model, data.Training.Inputs));
        Number(row["final loss"]).Should().BeApproximately(final, 1e-12 * final);
        Number(row["largest gradient norm"]).Should().BeApproximately(largest, 1e-12 * largest);
    }

    [Fact]
    public void Each_remedy_has_a_row_a_panel_and_a_line_of_the_table_in_the_same_order()
    {
        string[] names = [.. Remedy.All(new RemedySettings(8, 1, 300, 0.05, 1.3)).Select(r => r.Name)];

        _comparison.Rows.Select(r => r["remedy"]).Should().Equal(names);
        _comparison.Rows.Should().OnlyContain(r => Number(r["seconds"]) >= 0.0);
        string[] lines = _comparison.Result.Output.Split('\n');
        lines.Where(l => names.Any(n => l.StartsWith($"  {n}: ", StringComparison.Ordinal)))
            .Should().HaveCount(names.Length);
        var svg = XDocument.Load(_comparison.At("remedies.svg"));
        string[] texts = [.. svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value)];
        texts.Where(names.Contains).Should().Equal(names);
        texts.Where(t => t.StartsWith("diverged after ", StringComparison.Ordinal)).Should()
            .HaveCount(_comparison.Rows.Count(r => r["outcome"] == "diverged"));
        File.ReadAllText(_comparison.At("remedies.svg")).Should().NotContainAny("NaN", "Infinity");
    }

    [Fact]
    public void The_sentences_say_what_the_table_shows()
    {
        string[] lines = _comparison.Result.Output.Split('\n', StringSplitOptions.TrimEntries);
        Dictionary<string, string> best = _comparison.Rows.Where(r => r["outcome"] is "learned" or "converged").MinBy(
            r => Number(r["best loss"]))!;

        lines.Should().Contain("diverged: " + Names("diverged"))
            .And.Contain("no better than the training mean: " + Names("not learned"));
        lines.Should().ContainSingle(l => l.StartsWith("smallest training loss: ", StringComparison.Ordinal))
            .Which.Should().StartWith($"smallest training loss: {best["remedy"]}, ");

        string Names(string outcome) =>
            string.Join(", ", _comparison.Rows.Where(r => r["outcome"] == outcome).Select(r => r["remedy"]));
    }

    [Fact]
    public void Two_files_are_written_and_named()
    {
        _comparison.Result.ShouldBeDone();
        _comparison.Result.Output.Should().StartWith(
            "sample hair-dryer: 600 rows to train, 400 held out; 8 hidden units, start of radius 1.3, seed 1");
        _comparison.Result.Output
            .Should().Contain($"written: {_comparison.At("remedies.csv")}, {_comparison.At("remedies.svg")}");
        Directory.GetFiles(_comparison.At("")).Select(Path.GetFileName)
            .Should().BeEquivalentTo("remedies.csv", "remedies.svg");
    }

    [Fact]
    public async Task A_table_of_ones_own_with_several_outputs_is_compared_too()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));

        CommandResult result = await CommandRunner.RunAsync(
            "remedies", csv, "--inputs", "a,b", "--outputs", "y,z", "--hidden", "2", "--epochs", "3", "--radius", "0.8",
            "--out", folder.At("out"));

        result.ShouldBeDone();
        result.Output.Should().Contain("24 rows to train, 16 held out; 2 hidden units, start of radius 0.8");
        result.Output.Should().Contain("diverged: no training");
    }

    [Fact]
    public async Task A_start_beyond_every_number_is_told_and_drawn()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "remedies", "--hidden", "2", "--epochs", "2", "--radius", "1e200", "--out", folder.Path);

        result.ShouldBeDone();
        result.Output.Should().MatchRegex(@"\n +none: gradient descent +diverged +0 +not finite +not finite ");
        XDocument.Load(folder.At("remedies.svg"));
    }

    [Theory]
    [InlineData("remedies.csv")]
    [InlineData("remedies.svg")]
    public async Task A_file_that_cannot_be_written_is_told(string blocked)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At(blocked));

        CommandResult result = await CommandRunner.RunAsync(
            "remedies", "--hidden", "1", "--epochs", "1", "--out", folder.Path);

        result.ShouldBeRefused(1, folder.At(blocked));
        folder.Content().Should().NotContain(p => p.EndsWith(".tmp"));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_refused_before_the_trainings()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("file", "a file, no folder");

        CommandResult result = await CommandRunner.RunAsync("remedies", "--out", file);

        result.ShouldBeRefused(1, $"The output folder '{file}' cannot be written");
        result.Output.Should().BeEmpty();
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>One comparison with all defaults.</summary>
    public sealed class Comparison : IAsyncLifetime, IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        internal CommandResult Result { get; private set; } = null!;

        internal Dictionary<string, string>[] Rows { get; private set; } = [];

        public async Task InitializeAsync()
        {
            Result = await CommandRunner.RunAsync("remedies", "--out", _folder.Path);
            using var reader = new StreamReader(At("remedies.csv"));
            using var csv = new CsvReader(reader, CultureInfo.InvariantCulture);
            Rows = [.. csv.GetRecords<dynamic>().Select(
                r => ((IDictionary<string, object>)r).ToDictionary(p => p.Key, p => (string)p.Value))];
        }

        public Task DisposeAsync() => Task.CompletedTask;

        public void Dispose() => _folder.Dispose();

        internal string At(string name) => _folder.At(name);

        internal Dictionary<string, string> Row(string remedy) => Rows.Single(r => r["remedy"] == remedy);
    }
}
