// How wide lines, how long files and how full folders may be. It counts only; what stands in them is checked elsewhere.

namespace Bptt.Tests.Architecture;

public class FileSizeTests
{
    /// <summary>As .editorconfig says for *.cs; neither the compiler nor the formatter looks. A column is a char, as in
    /// editors: each letter of the formulas (W_hhᵀ, ∂, ‖) is one.</summary>
    private const int MostColumns = 120;

    private const int MostLines = 350;
    private const int MostFiles = 25;

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

    [Fact]
    public void No_file_of_the_sources_is_longer_than_350_lines()
    {
        IEnumerable<string> tooLong = Repository.SourceFiles("src")
            .Select(file => (File: file, Lines: Repository.Read(file).TrimEnd('\n').Split('\n').Length))
            .Where(file => file.Lines > MostLines)
            .Select(file => $"{file.File}, {file.Lines} lines");

        tooLong.Should().BeEmpty();
    }

    [Fact]
    public void No_folder_of_the_sources_holds_more_than_25_files()
    {
        IEnumerable<string> tooFull = Repository.SourceFiles("src")
            .GroupBy(file => file[..file.LastIndexOf('/')])
            .Where(folder => folder.Count() > MostFiles)
            .Select(folder => $"{folder.Key}, {folder.Count()} files");

        tooFull.Should().BeEmpty();
    }
}
