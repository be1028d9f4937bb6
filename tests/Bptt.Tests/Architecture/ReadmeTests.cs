// The README cannot drift: its walk is compiled here and compared, its commands are what the house runs, and the
// folders it names exist.

using System.Globalization;
using System.Text.RegularExpressions;
using Bptt.Graphs;
using MathNet.Numerics.LinearAlgebra;
using ReadmeExample;

namespace Bptt.Tests.Architecture;

public partial class ReadmeTests
{
    private static readonly string Readme = Repository.Read("README.md");

    [Theory]
    [InlineData(0, "README")]
    [InlineData(1, "README, insight,")]
    [InlineData(2, "README, training,")]
    public void The_code_in_the_README_is_the_code_compiled_here(int block, string mark)
    {
        string compiled = Repository.Read("tests/Bptt.Tests/Architecture/ReadmeWalk.cs");
        string body = Between(compiled, $"// {mark} from here\n", $"        // {mark} to here");
        string[] lines = body.Split('\n').Select(l => l.Length >= 8 ? l[8..] : l.Trim()).ToArray();

        string code = CodeBlocks("csharp").ElementAt(block);

        code.Should().Contain(string.Join('\n', lines).Trim());
        foreach (string line in code.Split('\n').Where(l => l.StartsWith("using ", StringComparison.Ordinal)))
        {
            compiled.Should().Contain(line);
        }
    }

    [Fact]
    public void The_optimiser_in_the_README_is_the_example_of_the_documentation()
    {
        string compiled = Repository.Read("tests/Bptt.Tests/Architecture/DocumentationExamples.cs");
        string body = Between(
            compiled,
            "// example of GradientOptimizer from here\n",
            "        // example of GradientOptimizer to here");
        string code = string.Join('\n', body.Split('\n').Select(line => line[Math.Min(8, line.Length)..]));

        CodeBlocks("csharp").ElementAt(3).Should().Be(code);
    }

    [Fact]
    public void The_code_prints_what_the_README_says()
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        (string walk, string insight, string training) = ReadmeWalk.Run();
        CodeBlocks("text").Take(3).Select(block => block.Trim())
            .Should().Equal(walk.Trim(), insight.Trim(), training.Trim());
    }

    [Fact]
    public void The_worked_example_has_the_numbers_of_the_library()
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        (BackwardThroughTime backward, Matrix<double> targets) = ReadmeWalk.Example();
        ForwardPass forward = backward.Forward;
        Matrix<double> whhT = forward.Model.Whh.Transpose();
        Matrix<double> wqhT = forward.Model.Wqh.Transpose();
        Gradients g = backward.Gradients;
        List<string> rows = [];
        for (int t = 1; t <= 3; t++)
        {
            double o = forward.Output(t)[0];
            rows.Add($"| {t} | {Tuple(forward.HiddenState(t))} | {o} | {o - targets[0, t - 1]} |");

            Vector<double> direct = wqhT * backward.OutputGradient(t);
            string passedOn = t == 3 ? "none, by (2)" : Tuple(whhT * backward.HiddenStateGradient(t + 1));
            rows.Add($"| {t} | {backward.OutputGradient(t)[0]} | {passedOn} | {Tuple(direct)} | "
                + $"{Tuple(backward.HiddenStateGradient(t))} |");

            rows.Add($" | {Tuple(whhT.Power(t - 1) * direct)} |");
        }
        rows.Add($" | {Tuple(g.Wqh.Row(0))} |");
        rows.Add($" | {Tuple(g.Whx.Column(0), "; ")} |");
        rows.Add($" | ({string.Join(", ", g.Whh.Row(0))}; {string.Join(", ", g.Whh.Row(1))}) |");
        rows.Add($"= {backward.Loss}.\n");

        rows.Should().OnlyContain(row => Readme.Contains(row));
        double before = (wqhT * backward.OutputGradient(3)).L2Norm();
        double after = (whhT.Power(2) * wqhT * backward.OutputGradient(3)).L2Norm();
        Readme.Should().Contain($"of length {before:F3}, two steps leave the length {after:F3}, a half");

        static string Tuple(Vector<double> values, string between = ", ") => $"({string.Join(between, values)})";
    }

    [Fact]
    public void The_graph_is_the_one_that_is_drawn_today()
    {
        var options = new ComputationGraphOptions { ShowGradients = true, ShowStored = true };

        Repository.Read("src/pictures/graph.svg").TrimEnd()
            .Should().Be(ComputationGraph.Unroll(3, options).ToSvg().TrimEnd());
    }

    [Fact]
    public void The_two_commands_are_those_that_the_house_runs()
    {
        string[] commands = CodeBlocks("sh").SelectMany(b => b.Trim().Split('\n')).ToArray();
        string ci = Repository.Read(".ci/run");
        commands.Should().Contain("dotnet run -c Release --project src/Bptt.Cli -- fit --sample hair-dryer");
        commands.Should().Contain("dotnet test -c Release");
        ci.Should().Contain("dotnet run -c Release").And.Contain("dotnet test -c Release");
    }

    [Fact]
    public void The_folders_and_files_that_the_README_names_exist()
    {
        string[] paths = PathInCode().Matches(Readme).Select(m => m.Groups[1].Value).ToArray();
        paths.Should().NotBeEmpty();
        foreach (string path in paths)
        {
            Path.Exists(Path.Combine(Repository.Root(), path)).Should().BeTrue("the README names {0}", path);
        }
    }

    private static IEnumerable<string> CodeBlocks(string language) =>
        Regex.Matches(Readme, $"```{language}\n(.*?)```", RegexOptions.Singleline).Select(m => m.Groups[1].Value);

    private static string Between(string text, string start, string end)
    {
        int from = text.IndexOf(start, StringComparison.Ordinal) + start.Length;
        return text[from..text.IndexOf(end, StringComparison.Ordinal)];
    }

    [GeneratedRegex(@"`((?:src|tests)/[\w./-]*)`")]
    private static partial Regex PathInCode();
}
