// The map from formulas to files cannot drift: what it names stands in the code, above a line that computes.

using System.Text.RegularExpressions;

namespace Bptt.Tests.Architecture;

public partial class FormulaMapTests
{
    private const string Forward = "ForwardPass.cs";
    private const string Backward = "BackwardThroughTime.cs";

    [Theory]
    [InlineData(Forward)]
    [InlineData(Backward)]
    public void Each_formula_of_the_map_stands_above_a_line_of_code_in_the_file_it_names(string map)
    {
        Entry[] entries = Read(map);
        entries.Length.Should().BeGreaterThan(3);
        foreach (Entry entry in entries)
        {
            string[] lines = Repository.Read($"src/Bptt/{entry.File}").Split('\n');
            Enumerable.Range(0, lines.Length - 1)
                .Any(i => IsFormula(lines[i], entry) && IsCode(lines[i + 1]))
                .Should().BeTrue(
                    "{0} says that {1} {2} stands above code in {3}", map, entry.Number, entry.Formula, entry.File);
        }
    }

    [Fact]
    public void The_table_of_the_README_is_the_map()
    {
        (string, string)[] map = [.. Read(Forward).Concat(Read(Backward)).Select(entry =>
            ($"{entry.Number} {entry.Formula}".Trim(), $"`src/Bptt/{entry.File}`"))];

        string readme = Repository.Read("README.md");
        string table = readme[readme.IndexOf("| formula | read it as |", StringComparison.Ordinal)..];
        string[] rows = table[..table.IndexOf("\n\n", StringComparison.Ordinal)].Split('\n')[2..];
        rows.Select(row => row.Split('|', StringSplitOptions.TrimEntries))
            .Select(cells => (cells[1], cells[^2]))
            .Should().Equal(map);
    }

    [Fact]
    public void The_map_has_all_five_formulas_of_the_derivation() =>
        Read(Backward).Select(entry => entry.Number).Distinct()
            .Should().Equal("(1)", "(2)", "(3)", "(4)", "(5)", "");

    private static Entry[] Read(string map) => [.. MapLine().Matches(Repository.Read($"src/Bptt/{map}"))
        .Select(m => new Entry(m.Groups["number"].Value, m.Groups["formula"].Value, m.Groups["file"].Value))];

    /// <summary>A comment inside a type, not the map itself and not the documentation of a member.</summary>
    private static bool IsFormula(string line, Entry entry) =>
        line.StartsWith("    ", StringComparison.Ordinal)
        && line.TrimStart().StartsWith("// ", StringComparison.Ordinal)
        && line.Contains(entry.Formula, StringComparison.Ordinal)
        && (entry.Number.Length == 0 || line.Contains(entry.Number, StringComparison.Ordinal));

    private static bool IsCode(string line) =>
        line.Trim().Length > 1 && !line.TrimStart().StartsWith("//", StringComparison.Ordinal);

    [GeneratedRegex(
        @"^//   (?<number>\(\d\)|   )  (?<formula>\S.*?\S) {3,}(?<file>[\w./]+\.cs)$", RegexOptions.Multiline)]
    private static partial Regex MapLine();

    private sealed record Entry(string Spaced, string Formula, string File)
    {
        public string Number => Spaced.Trim();
    }
}
