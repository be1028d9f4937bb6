// Every README of the repository: its links lead somewhere, and the members it names exist.

using System.Reflection;
using System.Text.RegularExpressions;

namespace Bptt.Tests.Architecture;

public partial class PagesTests
{
    private const BindingFlags PublicOrProtected =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;

    public static TheoryData<string> Pages => [.. Directory
        .EnumerateFiles(Repository.Root(), "*.md", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Repository.Root(), file).Replace('\\', '/'))
        .Where(file => !file.Split('/').Intersect(["bin", "obj", ".git", "artifacts"]).Any())
        .Order(StringComparer.Ordinal)];

    [Fact]
    public void The_pages_are_found() => Pages.Count.Should().BeGreaterThan(8);

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_lead_somewhere(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root(), page))!;

        foreach (string link in Links().Matches(WithoutFences(page)).Select(m => m.Groups["target"].Value))
        {
            if (Uri.TryCreate(link, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https")
            {
                continue;
            }
            string[] parts = link.Split('#');
            string target = parts[0].Length == 0
                ? Path.Combine(Repository.Root(), page)
                : Path.Combine(folder, parts[0]);
            Path.Exists(target).Should().BeTrue("{0} links to {1}", page, link);
            if (parts.Length > 1)
            {
                Anchors(target).Should().Contain(parts[1], "{0} links to {1}", page, link);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Members_that_are_named_exist(string page)
    {
        var types = typeof(LinearRnn).Assembly.GetExportedTypes().ToLookup(type => type.Name.Split('`')[0]);
        string[] codes = [.. Codes().Matches(WithoutFences(page)).Select(m => m.Value)];

        foreach (Match named in codes.SelectMany(code => Members().Matches(code)))
        {
            string member = named.Groups["member"].Value;
            Type[] candidates = [.. types[named.Groups["type"].Value]];
            (candidates.Length == 0 || candidates.Any(type =>
                    type.GetMember(member, PublicOrProtected).Any(m => m is not MethodBase { IsPrivate: true })))
                .Should().BeTrue("{0} names {1}", page, named.Value);
        }
    }

    private static IEnumerable<string> Anchors(string path) =>
        Headings().Matches(File.ReadAllText(path)).Select(m => string.Concat(m.Groups["text"].Value.Trim()
            .ToLowerInvariant()
            .Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')
            .Select(c => c == ' ' ? '-' : c)));

    private static string WithoutFences(string page) => Fences().Replace(Repository.Read(page), "");

    [GeneratedRegex(@"!?\[[^\]]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex("^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();

    [GeneratedRegex("`[^`\n]+`")]
    private static partial Regex Codes();

    [GeneratedRegex(@"(?<![\w.])(?<type>[A-Z]\w+)\.(?<member>[A-Z]\w+)")]
    private static partial Regex Members();
}
