// The examples in the documentation are those that are compiled here, and every public type has one or is shown in one.

using System.Net;
using System.Text.RegularExpressions;
using DocumentationExample;

namespace Bptt.TorchSharp.Tests;

public partial class ExampleTests
{
    public static TheoryData<string> Names => [.. DocumentationExamples.All.Keys];

    [Fact]
    public void The_examples_in_the_documentation_are_those_compiled_here()
    {
        string compiled = Read("tests/Bptt.TorchSharp.Tests/DocumentationExamples.cs");

        var examples = Directory.EnumerateFiles(Path.Combine(Root(), "src/Bptt.TorchSharp"), "*.cs")
            .SelectMany(file => Example().Matches(File.ReadAllText(file).ReplaceLineEndings("\n")))
            .ToDictionary(
                match => match.Groups["type"].Value,
                match => WebUtility.HtmlDecode(
                    string.Concat(match.Groups["line"].Captures.Select(line => line.Value + "\n"))));

        examples.Keys.Should().BeEquivalentTo(DocumentationExamples.All.Keys);
        examples.Keys.Should().BeEquivalentTo(
            typeof(LinearRnnLayer).Assembly.GetExportedTypes().Select(type => type.Name), "each type has an example");
        foreach ((string type, string code) in examples)
        {
            code.Should().Be(Region(compiled, type), "it is the example of {0}", type);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_example_runs_and_prints(string type)
    {
        using DisposeScope scope = NewDisposeScope();
        var printed = new StringWriter();

        DocumentationExamples.All[type](printed);

        printed.ToString().Should().NotBeEmpty().And.NotContain("NaN");
    }

    /// <summary>The lines between the marks of an example, without their indentation.</summary>
    private static string Region(string compiled, string type)
    {
        int from = compiled.IndexOf($"        // example of {type} from here\n", StringComparison.Ordinal);
        int to = compiled.IndexOf($"        // example of {type} to here\n", StringComparison.Ordinal);
        string[] lines = compiled[from..to].Split('\n')[1..^1];
        return string.Concat(lines.Select(line => line[Math.Min(8, line.Length)..] + "\n"));
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(Root(), path)).ReplaceLineEndings("\n");

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Bptt.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new InvalidOperationException("Bptt.sln is not above the tests' output.");
    }

    [GeneratedRegex(
        @"/// <example>\n/// <code>\n(?:/// ?(?<line>.*)\n)+?/// </code>\n/// </example>\n"
        + @"(?:\[.*\]\n)*public (?:sealed|static) (?:class|record) (?<type>\w+)")]
    private static partial Regex Example();
}
