// Data and files at fault: exit code 1, a message that names file and place, and nothing written.

using System.Text;

namespace Bptt.Cli.Tests.Commands;

public class FaultyInputTests
{
    private static readonly string Good = Tables.TwoByTwo(12);

    /// <summary>The table, and what the message says; inputs a and b, output y.</summary>
    private static readonly Dictionary<string, (byte[] Csv, string[] Message)> FaultyTables = new()
    {
        ["empty"] = (Utf8(""), ["got an empty file"]),
        ["header only"] = (Utf8("a,b,y\n"), ["expected rows below the header, got none"]),
        ["header only with byte-order mark"] = (Utf8("\uFEFFa,b,y\r\n"), ["expected rows below the header, got none"]),
        ["a missing column"] = (
            Utf8(Good.Replace("a,b,y,z", "a,c,y,z", StringComparison.Ordinal)),
            ["expected a column 'b'", "'a', 'c', 'y', 'z'"]),
        ["a column of one name twice"] = (
            Utf8(Good.Replace("a,b,y,z", "a,b,y,a", StringComparison.Ordinal)),
            ["expected one column 'a', got several"]),
        ["no header"] = (Utf8(Good[Good.IndexOf('1', StringComparison.Ordinal)..]), ["expected a column 'a'"]),
        ["a word"] = (Line(5, "1,2,oops,4"), ["line 5", "column 'y'", "expected a finite number, got 'oops'"]),
        ["an empty cell"] =
            (Line(5, "1,,3,4"), ["line 5", "column 'b'", "got an empty cell; --missing interpolate"]),
        ["NaN"] = (Line(5, "NaN,2,3,4"), ["line 5", "column 'a'", "got 'NaN'; --missing interpolate"]),
        ["infinity"] = (Line(5, "1,2,inf,4"), ["line 5", "column 'y'", "got 'inf'"]),
        ["too large a number"] = (Line(13, "1,2,1e400,4"), ["line 13", "column 'y'", "got '1e400'"]),
        ["a short row"] = (Line(5, "1,2"), ["line 5", "expected 4 cells, as in the header, got 2"]),
        ["a long row"] = (Line(5, "1,2,3,4,5"), ["line 5", "expected 4 cells, as in the header, got 5"]),
        ["numbers whose squares overflow"] = (Line(5, "1,2,1e200,4"), ["column 'y'", "1E+200"]),
        ["numbers whose squares vanish"] =
            (Utf8(Column(0, t => $"{t % 5}e-200")), ["column 'a'", "a standard deviation of 1.399"]),
        ["a constant output"] =
            (Utf8(Column(2, _ => "0.1")), ["column 'y'", "to vary in the training part", "got 0.1 throughout"]),
        ["an input that is constant at first"] =
            (Utf8(Column(0, t => t < 9 ? "3" : $"{t}")), ["column 'a'", "to vary in the training part"]),
        ["an output that is constant at the end"] = (
            Utf8(Column(2, t => t < 6 ? $"{t}" : "3")),
            ["column 'y'", "to vary in the held-out part", "got 3 throughout"]),
        ["too few rows"] =
            (Utf8("a,b,y\n1,2,3\n2,1,4\n3,5,1\n"), ["at least 2 rows to train on and 2 to hold out", "got 3 rows"]),
        ["one row"] = (Utf8("a,b,y\n1,2,3\n"), ["at least 2 rows to train on and 2 to hold out", "got 1 rows"]),
        ["zeros"] = (new byte[4096], ["expected"]),
        ["a picture"] =
            ([0x89, .. "PNG\r\n\u001a\n\0\0\0\rIHDR\0\0"u8, 0xFF, 0xD8, 0x00, 0x0A, 0x2C, 0x2C, 0x0A], ["expected"]),
        ["JSON"] = (Utf8("{\n  \"a\": [1, 2],\n  \"y\": [3, 4]\n}\n"), ["expected"]),
    };

    public static TheoryData<string> FaultyTableNames => new(FaultyTables.Keys);

    [Theory]
    [MemberData(nameof(FaultyTableNames))]
    public async Task A_faulty_table_is_refused_and_nothing_is_written(string what)
    {
        (byte[] csv, string[] message) = FaultyTables[what];
        using var folder = new TemporaryFolder();
        string path = folder.File("data.csv", csv);
        string[] data = [path, "--inputs", "a,b", "--outputs", "y"];

        CommandResult fit = await CommandRunner.RunAsync(["fit", .. data, "--out", folder.At("out"), "--epochs", "1"]);
        CommandResult check = await CommandRunner.RunAsync(["check", .. data]);

        fit.ShouldBeRefused(1, [path, .. message]);
        fit.Output.Should().BeEmpty();
        check.Should().Be(fit, "both read the data alike");
        folder.Content().Should().Equal("data.csv");
    }

    [Fact]
    public async Task A_missing_file_and_a_folder_instead_of_a_file_are_told()
    {
        using var folder = new TemporaryFolder();
        string missing = folder.At("none.csv");
        string[] columns = ["--inputs", "a", "--outputs", "y", "--out", folder.At("out")];

        (await CommandRunner.RunAsync(["fit", missing, .. columns])).ShouldBeRefused(
            1, missing, "there is no such file");
        (await CommandRunner.RunAsync(["fit", folder.Path, .. columns])).ShouldBeRefused(
            1, folder.Path, "got a folder");
        folder.Content().Should().BeEmpty();
    }

    [Fact]
    public async Task A_sample_without_the_named_column_is_refused()
    {
        CommandResult result = await CommandRunner.RunAsync("check", "--sample", "hair-dryer", "--inputs", "power");

        result.ShouldBeRefused(1, "sample hair-dryer", "'power'", "'heater_power', 'air_temperature'");
    }

    [Theory]
    [InlineData("my input", "my output")]
    [InlineData("the \"a\"", "\"y\"")]
    [InlineData("[red]a", "y[/]")]
    [InlineData("<a>", "y & z")]
    [InlineData("Δ°", "ŷ∂∞")]
    [InlineData("row", "part")]
    [InlineData("-humidity", "-y")]
    public async Task Columns_of_unusual_names_are_fitted(string input, string output)
    {
        using var folder = new TemporaryFolder();
        string header = string.Join(',', new[] { input, "b", output, "z" }
            .Select(n => $"\"{n.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));
        string csv = folder.File("data.csv", Tables.WithLine(Tables.TwoByTwo(30), 1, header));

        CommandResult fit = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", input, "--outputs", $"{output}, z", "--hidden", "2", "--epochs", "2",
            "--out", folder.At("out"));
        CommandResult predict = await CommandRunner.RunAsync("predict", folder.At("out/model.json"), csv);

        fit.ShouldBeDone();
        fit.Output.Should().Contain($"  {output} ", "each of several outputs has its row");
        predict.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task A_control_character_in_a_name_is_refused_or_survives_all_files()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.WithLine(Tables.TwoByTwo(30), 1, "a,b,y\u0001,z"));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "a", "--outputs", "y\u0001", "--hidden", "2", "--epochs", "1",
            "--out", folder.At("out"));

        result.Error.Should().NotContain("unexpected fault");
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Line(int line, string text) => Utf8(Tables.WithLine(Good, line, text));

    /// <summary>The good table with one column replaced.</summary>
    private static string Column(int column, Func<int, string> cell)
    {
        string[] lines = Good.TrimEnd().Split('\n');
        for (int t = 0; t < lines.Length - 1; t++)
        {
            string[] cells = lines[t + 1].Split(',');
            cells[column] = cell(t);
            lines[t + 1] = string.Join(',', cells);
        }
        return string.Join('\n', lines);
    }
}
