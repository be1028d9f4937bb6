// Rule A: the root namespace holds what a user can name. And what is public serves somebody: each public type is named
// where a user, or code that sees no more than a user does, uses it.

using System.Net;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using DocumentationExample;

namespace Bptt.Tests.Architecture;

public partial class PublicSurfaceTests
{
    public static TheoryData<string> ExampleNames => [.. DocumentationExamples.All.Keys];

    [Fact]
    public void The_root_namespace_holds_public_types_only() =>
        typeof(LinearRnn).Assembly.GetTypes()
            .Where(t => t.Namespace == "Bptt" && !t.IsNested && !t.IsPublic)
            .Where(t => !t.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false))
            .Select(t => t.Name)
            .Should().BeEmpty();

    /// <summary>
    /// What counts, found by the word: code in a README; an example in the library's documentation, compiled here; the
    /// command and its tests, to which the library shows no internals; and the README's walk. A word after a dot, or
    /// before a single equals sign, is the name of a member and does not count; nor does a comment.
    /// </summary>
    [Fact]
    public void Each_public_type_is_named_where_it_is_used()
    {
        string[] uses =
        [
            .. Files(".", "README.md").Select(CodeOf),
            .. Files("src/Bptt", "*.cs").SelectMany(file => ExamplesIn(file).Select(example => example.Code)),
            .. Files("src/Bptt.Cli", "*.cs").Select(WithoutComments),
            .. Files("tests/Bptt.Cli.Tests", "*.cs").Select(WithoutComments),
            WithoutComments("tests/Bptt.Tests/Architecture/ReadmeWalk.cs"),
        ];
        uses.Should().HaveCountGreaterThan(50, "otherwise the files were not found");

        typeof(LinearRnn).Assembly.GetExportedTypes()
            .Where(type => !uses.Any(text => Regex.IsMatch(text, $@"(?<![.\w]){type.Name}(?!\w)(?!\s*=[^=>])")))
            .Select(type => type.FullName)
            .Should().BeEmpty("a public type that nobody shows the use of wants an <example>, or to be internal");
    }

    [Fact]
    public void The_examples_in_the_documentation_are_those_compiled_here()
    {
        string compiled = Repository.Read("tests/Bptt.Tests/Architecture/DocumentationExamples.cs");

        (string Type, string Code)[] examples = [.. Files("src/Bptt", "*.cs").SelectMany(ExamplesIn)];

        examples.Select(e => e.Type).Should().BeEquivalentTo(DocumentationExamples.All.Keys);
        foreach ((string type, string code) in examples)
        {
            code.Should().Be(Region(compiled, type), "it is the example of {0}", type);
        }
    }

    [Theory]
    [MemberData(nameof(ExampleNames))]
    public void An_example_runs_and_prints(string type)
    {
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

    /// <summary>The examples in the documentation comments of a file, with the types that they stand above.</summary>
    private static IEnumerable<(string Type, string Code)> ExamplesIn(string path) =>
        Example().Matches(Repository.Read(path)).Select(match => (
            match.Groups["type"].Value,
            WebUtility.HtmlDecode(string.Concat(match.Groups["line"].Captures.Select(line => line.Value + "\n")))));

    /// <summary>What stands in fences and between backticks.</summary>
    private static string CodeOf(string path) =>
        string.Join('\n', Code().Matches(Repository.Read(path)).Select(match => match.Value));

    private static string WithoutComments(string path) => Comment().Replace(Repository.Read(path), "");

    /// <summary>Paths of files below a folder, from the root of the repository, without what builds leave.</summary>
    private static IEnumerable<string> Files(string folder, string pattern) => Directory
        .EnumerateFiles(Path.Combine(Repository.Root(), folder), pattern, SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Repository.Root(), file))
        .Where(file => !file.Split(Path.DirectorySeparatorChar).Intersect(["bin", "obj"]).Any());

    [GeneratedRegex(
        @"/// <example>\n/// <code>\n(?:/// ?(?<line>.*)\n)+?/// </code>\n/// </example>\n"
        + @"(?:\[.*\]\n)*public "
        + @"(?:(?:sealed|abstract|static) (?:partial )?(?:class|record)|readonly ref struct|enum|interface) "
        + @"(?<type>\w+)")]
    private static partial Regex Example();

    [GeneratedRegex("```.*?```|`[^`\n]+`", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
