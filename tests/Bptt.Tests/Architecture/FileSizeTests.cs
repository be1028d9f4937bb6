// How wide lines, how long files and how full folders may be. It counts only; what stands in them is checked elsewhere.

namespace Bptt.Tests.Architecture;

public class FileSizeTests
{
    /// <summary>As .editorconfig says for *.cs; neither the compiler nor the formatter looks. A column is a char, as in
    /// editors: each letter of the formulas (W_hhᵀ, ∂, ‖) is one.</summary>
    private const int MostColumns = 120;

    [Fact]
    public void No_line_of_code_is_wider_than_120_columns()
    {
        string[] files = [.. Repository.SourceFiles("src"), .. Repository.SourceFiles("tests")];
        files.Should().HaveCountGreaterThan(300, "otherwise the files were not found");

        IEnumerable<string> tooWide = files.SelectMany(file => Repository.Read(file).Split('\n')
            .Select((line, i) => (Where: $"{file}:{i + 1}, {line.Length} columns", Columns: line.Length))
            .Where(line => line.Columns > MostColumns)
            .Select(line => line.Where));

        tooWide.Should().BeEmpty();
    }
}
