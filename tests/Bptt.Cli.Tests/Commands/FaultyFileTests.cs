// Files and options at fault in what makes a file usable as it is: runs, missing values, times, the choice of columns,
// other kinds of files, encodings. One line, an exit code, and nothing written.

using System.IO.Compression;
using System.Text;

namespace Bptt.Cli.Tests.Commands;

public class FaultyFileTests
{
    private const int Data = 1;
    private const int Usage = 2;

    /// <summary>Four runs of six rows.</summary>
    private static readonly string Runs = Sheet((run, t) => $"r{run},{0.5 * t},{A(run, t)},{B(run, t)},{Y(run, t)}");

    private static readonly string[] ByRun = ["--group", "run"];

    /// <summary>The file, its name, the options, the exit code, and what the message says.</summary>
    private static readonly Dictionary<string, Fault> Faults = new()
    {
        // Runs.
        ["a group that is no column"] =
            new(Runs, ["--group", "rnu"], Data, "expected a column 'rnu'", "did you mean 'run'?"),
        ["a group without a name"] = new(Runs, ["--group", " "], Usage, "--group: expected the name of a column"),
        ["a group column twice"] = new(
            Runs.Replace("run,t,", "run,run,", StringComparison.Ordinal), ByRun, Data, "expected one column 'run'"),
        ["one run"] = new(
            Sheet((_, t) => $"x,{t},{A(0, t)},{B(1, t)},{Y(2, t)}"), ByRun, Data,
            "expected several runs in column 'run'", "--hold-out time"),
        ["a run for each row"] = new(
            Sheet((run, t) => $"{run}-{t},{t},{A(run, t)},{B(run, t)},{Y(run, t)}"), ByRun, Data,
            "--group: expected column 'run' to have one value in many rows"),
        ["a row without a run"] = new(
            With(Runs, "r1,0.5,", ",0.5,"), ByRun, Data, "line 9, column 'run'", "the name of a run", "an empty cell"),
        ["a row whose run is NaN"] = new(
            With(Runs, "r1,0.5,", "NaN,0.5,"), ByRun, Data, "line 9, column 'run'", "got 'NaN'"),
        ["a run too short to forecast"] = new(
            With(Runs, "r1,0.5,", "lone,0.5,"), [.. ByRun, "--predict-next"], Data,
            "expected at least 2 rows in each run of 'run'", "got 1 in run 'lone'"),
        ["parts of runs that nobody named"] =
            new(Runs, ["--hold-out", "time"], Usage, "Expected --hold-out beside --group"),
        ["a part of another kind"] =
            new(Runs, [.. ByRun, "--hold-out", "rows"], Usage, "--hold-out: expected runs or time, got 'rows'"),
        ["nothing to train in any run"] = new(
            Runs, [.. ByRun, "--hold-out", "time", "--train", "0.1"], Data, "expected at least 2 rows to train on"),
        ["a group beyond the last column"] =
            new(Runs, ["--group", "#6"], Data, "expected a column from #1 to #5, got '#6'"),
        ["an output that is constant in the runs held out"] = new(
            Sheet((run, t) => $"r{run},{t},{A(run, t)},{B(run, t)},{(run < 2 ? Y(run, t) : "3")}"), ByRun, Data,
            "column 'y' to vary in the held-out part", "got 3 throughout"),
        ["an input that is constant in the runs that train"] = new(
            Sheet((run, t) => $"r{run},{t},{(run < 2 ? "1" : A(run, t))},{B(run, t)},{Y(run, t)}"), ByRun, Data,
            "column 'a' to vary in the training part"),

        // Missing values.
        ["an empty input"] = new(
            Cell(1, 2, ""), [], Data, "line 9, column 'a'", "an empty cell", "--missing interpolate"),
        ["an input that is NA"] = new(Cell(1, 2, "NA"), [], Data, "line 9", "'NA'", "--missing interpolate"),
        ["an input that is n/a"] = new(Cell(1, 3, "n/a"), [], Data, "line 9, column 'b'", "'n/a'"),
        ["an input that is null"] = new(Cell(1, 3, "null"), [], Data, "line 9, column 'b'", "'null'"),
        ["an input that is nan"] = new(Cell(1, 3, "nan"), [], Data, "line 9, column 'b'", "'nan'"),
        ["a missing input that is refused"] = new(
            Cell(1, 2, ""), ["--missing", "refuse"], Data, "line 9, column 'a'", "got an empty cell."),
        ["a missing output that is refused"] = new(
            Cell(1, 4, ""), ["--missing", "refuse"], Data, "line 9, column 'y'", "got an empty cell."),
        ["an infinite output"] = new(Cell(1, 4, "inf"), [], Data, "line 9, column 'y'", "got 'inf'"),
        ["a dash for an output"] = new(Cell(1, 4, "-"), [], Data, "line 9, column 'y'", "got '-'"),
        ["a question mark for an output"] = new(Cell(1, 4, "?"), [], Data, "line 9, column 'y'", "got '?'"),
        ["an infinite input to interpolate"] =
            new(Cell(1, 2, "inf"), ["--missing", "interpolate"], Data, "line 9, column 'a'", "got 'inf'"),
        ["an input without any value"] = new(
            Sheet((run, t) => $"r{run},{t},,{B(run, t)},{Y(run, t)}"), ["--missing", "interpolate"], Data,
            "expected column 'a' to hold a value", "got none"),
        ["an input without any value in one run"] = new(
            Sheet((run, t) => $"r{run},{t},{(run == 2 ? "" : A(run, t))},{B(run, t)},{Y(run, t)}"),
            [.. ByRun, "--missing", "interpolate"], Data, "column 'a' to hold a value in run 'r2'"),
        ["an output without any value"] = new(
            Sheet((run, t) => $"r{run},{t},{A(run, t)},{B(run, t)},"), [], Data,
            "expected column 'y' to hold a value in the training part, got none"),
        ["an output that is measured in training only"] = new(
            Sheet((run, t) => $"r{run},{t},{A(run, t)},{B(run, t)},{(run < 2 ? Y(run, t) : "")}"), ByRun, Data,
            "expected column 'y' to hold a value in the held-out part, got none"),
        ["an output that is measured once in training"] = new(
            Sheet((run, t) => $"r{run},{t},{A(run, t)},{B(run, t)},{(run > 1 || run + t == 0 ? Y(run, t) : "")}"),
            ByRun, Data, "column 'y' to vary in the training part"),
        ["outputs that are never measured together"] = new(
            Sheet((run, t) =>
                $"r{run},{t},{A(run, t)},{(t % 2 == 0 ? B(run, t) : "")},{(t % 2 == 1 ? Y(run, t) : "")}"),
            ["--outputs", "b"], Data, "at least 2 training rows in which every output is measured", "got 0")
        { Inputs = "a" },
        ["another way with missing values"] =
            new(Runs, ["--missing", "drop"], Usage, "--missing: expected mask, interpolate or refuse, got 'drop'"),
        ["no way with missing values"] = new(Runs, ["--missing"], Usage, "--missing: expected", "got no value"),

        // Times.
        ["a time that is no column"] = new(Runs, ["--time", "tt"], Data, "expected a column 'tt'"),
        ["times without a name"] = new(Runs, ["--time", ""], Usage, "--time: expected the name of a column"),
        ["a time that is a word"] = new(
            Cell(1, 1, "noon"), ["--time", "t"], Data, "line 9, column 't'", "expected a time", "'noon'"),
        ["a time that is missing"] =
            new(Cell(1, 1, ""), ["--time", "t"], Data, "line 9, column 't'", "expected a time", "an empty cell"),
        ["times of two forms"] = new(
            Sheet((run, t) => $"r{run},{(run < 1 ? $"2024-01-01 00:0{t}" : "1.2.2024")},1,2,3"), ["--time", "t"], Data,
            "line 8, column 't'", "of the same form in every row", "'1.2.2024'"),
        ["a date that does not exist"] = new(
            Sheet((run, t) => $"r{run},2024-02-{10 * run + t + 1:00},1,2,3"), ["--time", "t"], Data,
            "column 't'", "expected a time", "'2024-02-31'"),

        // The choice of columns.
        ["an input in other letters"] =
            new(Runs, [], Data, "expected a column 'A'", "did you mean 'a'?") { Inputs = "A" },
        ["an input that is mistyped"] = new(
            Runs.Replace("a,b", "heater_power,b", StringComparison.Ordinal), [], Data,
            "expected a column 'heater_pwoer'", "did you mean 'heater_power'?")
        { Inputs = "heater_pwoer" },
        ["column 0"] = new(Runs, [], Data, "expected a column from #1 to #5, got '#0'") { Inputs = "#0" },
        ["a number beyond all columns"] =
            new(Runs, [], Data, "expected a column from #1 to #5, got '#99999999999'") { Inputs = "#99999999999" },
        ["a pattern that fits nothing"] = new(Runs, [], Data, "expected a column 'temp*'") { Inputs = "temp*" },
        ["a range from nowhere"] = new(Runs, [], Data, "expected a column 'u1'") { Inputs = "u1..b" },
        ["a range to nowhere"] = new(Runs, [], Data, "expected a column 'u5'") { Inputs = "a..u5" },
        ["a range backwards"] = new(
            Runs, [], Data, "expected a range from a column to one after it", "'b..a'", "'a' comes before 'b'")
        { Inputs = "b..a" },
        ["an exclusion of nothing"] = new(Runs, [], Data, "expected a column 'temp_amb'") { Inputs = "!temp_amb" },
        ["an exclusion of all"] = new(Runs, [], Data, "expected columns, got none by a,!a") { Inputs = "a,!a" },
        ["a quoted name of no column"] = new(Runs, [], Data, "expected a column 'a, b'") { Inputs = "\"a, b\"" },
        ["a quote without an end"] =
            new(Runs, [], Usage, "--inputs: expected names in balanced quotes, got '\"a,b'") { Inputs = "\"a,b" },
        ["an output as an input by its number"] =
            new(Runs, [], Data, "expected 'y' as an input or as an output, got both") { Inputs = "a,#5" },
        ["a number twice"] = new(Runs, [], Usage, "Expected each column once, got '#3' twice") { Inputs = "#3,#3" },
        ["constant inputs alone"] = new(
            Sheet((run, t) => $"r{run},{t},4,5,{Y(run, t)}"), [], Data, "column 'a' to vary in the training part",
            "got 4 throughout"),
        ["a word in a column that is named"] =
            new(Runs, [], Data, "line 2, column 'run'", "expected a finite number, got 'r0'") { Inputs = "run" },

        // Other kinds of files.
        ["a CSV that is called Parquet"] = new(
            Runs, [], Data, "expected a Parquet file, as its name says")
        { File = "data.parquet" },
        ["a CSV that is called npy"] = new(
            Runs, [], Data, "expected a .npy file, as its name says")
        { File = "data.npy" },
        ["a CSV that is called npz"] = new(
            Runs, [], Data, "expected a .npz file, as its name says")
        { File = "data.NPZ" },
        ["a CSV that is called gzip"] = new(
            Runs, [], Data, "expected a gzip file, as its name says")
        { File = "data.csv.gz" },
        ["a Parquet file that is cut off"] = new(
            [.. "PAR1"u8, 0, 0, 0, 0], [], Data, "expected a Parquet file that can be read")
        { File = "data.parquet" },
        ["a Parquet file of rubbish"] = new(
            [.. "PAR1"u8, .. Enumerable.Repeat((byte)7, 300), .. "PAR1"u8], [], Data,
            "expected a Parquet file that can be read"),
        ["an array that is cut off"] = new(
            NumPyFiles.Array([1, 2, 3, 4], 4)[..^9], [], Data, "expected a .npy file that can be read"),
        ["an array without a header"] = new(
            [0x93, .. "NUMPY"u8, 1, 0], [], Data, "expected a .npy file that can be read"),
        ["an array of three dimensions"] = new(
            NumPyFiles.Array([1, 2, 3, 4], 1, 2, 2), [], Data,
            "expected an array of numbers with one or two dimensions"),
        ["a single number"] = new(
            NumPyFiles.Array([1]), [], Data, "expected an array of numbers with one or two dimensions"),
        ["arrays of different lengths"] = new(
            NumPyFiles.Archive(("a", NumPyFiles.Array([1, 2, 3], 3)), ("y", NumPyFiles.Array([1, 2], 2))), [], Data,
            "expected arrays of as many rows", "a: 3", "y: 2"),
        ["an archive without arrays"] = new(
            NumPyFiles.Archive(("fs", NumPyFiles.Array([1]))), [], Data, "expected arrays of numbers", "got none"),
        ["an archive without the column"] = new(
            NumPyFiles.Archive(("a", NumPyFiles.Array([1, 2, 3, 4], 2, 2))), [], Data,
            "expected a column 'a'", "'a[0]', 'a[1]'"),
        ["a workbook"] = new(
            NumPyFiles.Archive(("xl/workbook.xml", [.. "<workbook/>"u8])), [], Data, "expected arrays of numbers"),
        ["a zip that is cut off"] = new([.. "PK"u8, 3, 4, 9, 9], [], Data, "expected a .npz file that can be read"),
        ["a gzip that is cut off"] = new(Zipped(Runs)[..40], [], Data, "expected") { File = "data.csv.gz" },
        ["a gzip of rubbish"] = new([0x1F, 0x8B, 1, 2, 3], [], Data, "expected a gzip file that can be read"),
        ["a gzip of nothing"] = new(Zipped(""), [], Data, "got an empty file"),
        ["an array and no header"] = new(
            NumPyFiles.Array([1, 2, 3, 4], 2, 2), ["--no-header"], Data, "expected no --no-header, which is for CSV"),

        // Decimal signs, encodings and headers.
        ["a comma beside points"] = new(
            "run;t;a;b;y\n" + Repeated("x;1;2.5;1,210;3\nx;2;1.5;2,750;4\n"), [], Data,
            "line 2, column 'b'", "'1,210'", "decimal sign or a thousands separator", "'2.5' elsewhere"),
        ["a point beside commas"] = new(
            "run;t;a;b;y\n" + Repeated("x;1;2,5;1.210;3\nx;2;1,5;2.750;4\n"), [], Data,
            "line 2, column 'b'", "'1.210'", "'2,5' elsewhere"),
        ["a comma beside points, separated by tabs"] = new(
            "run\tt\ta\tb\ty\n" + Repeated("x\t1\t2.5\t12,500\t3\nx\t2\t1.5\t2,750\t4\n"), [], Data,
            "line 2, column 'b'", "'12,500'"),
        ["bytes that are no text"] = new([65, 0, 0, 0, 66, 44, 0, 1, 10, 200], [], Data, "expected a table as text"),
        ["no header"] = new("1,2,3\n4,5,6\n7,8,9\n", [], Data, "expected a column 'a'", "pass --no-header"),
        ["a header that is said to be none"] = new(
            Runs, ["--no-header"], Data, "line 1, column 'c3'", "got 'a'", "without --no-header")
        { Inputs = "c3", Output = "c5" },
        ["names where there are numbers"] =
            new(Runs, ["--no-header"], Data, "expected a column 'a'", "'c1', 'c2'"),
        ["rows of different lengths without a header"] = new(
            "1,2,3\n4,5\n", ["--no-header"], Data, "line 2", "expected 3 cells, as in the first row, got 2"),
        ["nothing without a header"] =
            new("", ["--no-header"], Data, "expected rows of numbers, got an empty file"),
    };

    public static TheoryData<string> FaultNames => new(Faults.Keys);

    [Theory]
    [MemberData(nameof(FaultNames))]
    public async Task A_fault_is_told_in_one_line_and_nothing_is_written(string what)
    {
        Fault fault = Faults[what];
        using var folder = new TemporaryFolder();
        string path = folder.File(fault.File, fault.Content);

        CommandResult result = await CommandRunner.RunAsync(
        [
            "fit", path, "--inputs", fault.Inputs, "--outputs", fault.Output, .. fault.Options,
            "--hidden", "1", "--epochs", "1", "--out", folder.At("out"),
        ]);

        result.ShouldBeRefused(fault.ExitCode, fault.Message);
        result.Output.Should().BeEmpty();
        result.Error.Split('\n').Should().ContainSingle(l => l.StartsWith("error: ", StringComparison.Ordinal));
        folder.Content().Should().Equal(fault.File);
    }

    [Fact]
    public void Each_kind_of_fault_is_there() => Faults.Should().HaveCountGreaterThan(75);

    private static string A(int run, int t) => $"{(7 * run + 3 * t) % 11}";

    private static string B(int run, int t) => $"{(5 * run + t * t) % 13}";

    private static string Y(int run, int t) => $"{(3 * run + 5 * t) % 17}";

    private static string Sheet(Func<int, int, string> row) => "run,t,a,b,y\n" + string.Concat(
        Enumerable.Range(0, 24).Select(i => row(i / 6, i % 6) + "\n"));

    private static string Repeated(string rows) => string.Concat(Enumerable.Repeat(rows, 5));

    private static string With(string csv, string old, string replacement)
    {
        csv.Should().Contain(old);
        return csv.Replace(old, replacement, StringComparison.Ordinal);
    }

    /// <summary>The runs with one cell of the second row of a run replaced.</summary>
    private static string Cell(int run, int column, string text) => Sheet((r, t) =>
    {
        string[] cells = [$"r{r}", $"{0.5 * t}", A(r, t), B(r, t), Y(r, t)];
        cells[column] = r == run && t == 1 ? text : cells[column];
        return string.Join(',', cells);
    });

    private static byte[] Zipped(string text)
    {
        using var zipped = new MemoryStream();
        using (var writer = new GZipStream(zipped, CompressionLevel.Fastest))
        {
            writer.Write(Encoding.UTF8.GetBytes(text));
        }
        return zipped.ToArray();
    }

    private sealed record Fault(byte[] Content, string[] Options, int ExitCode, params string[] Message)
    {
        public Fault(string content, string[] options, int exitCode, params string[] message)
            : this(Encoding.UTF8.GetBytes(content), options, exitCode, message)
        {
        }

        public string Inputs { get; init; } = "a,b";

        public string Output { get; init; } = "y";

        public string File { get; init; } = "data.csv";
    }
}
