// Kinds of files: the same table from each of them, whatever it is called.

using System.IO.Compression;
using System.Text;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Parquet;
using Parquet.Schema;

namespace Bptt.Cli.Tests.Data;

public class TableFileTests
{
    private static readonly double[] Inputs = [0.1, 0.2, 0.3];
    private static readonly long[] Whole = [-1, 0, 1];
    private static readonly float?[] Outputs = [1.5f, null, 2.5f];
    private static readonly bool[] Switch = [true, false, true];

    [Fact]
    public async Task Parquet_is_read_with_its_types_and_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("data.parquet", await ParquetAsync());

        Table table = TableFile.Read(path);

        table.Columns.Should().Equal("run", "when", "u", "n", "y", "on");
        table.RowCount.Should().Be(6, "two row groups of three");
        table.Text(0, 3).Should().Be("r1");
        table.Numbers("u").Should().Equal(0.1, 0.2, 0.3, 0.1, 0.2, 0.3);
        table.Numbers("n").Should().Equal(-1, 0, 1, -1, 0, 1);
        table.Numbers("on").Should().Equal(1, 0, 1, 1, 0, 1);
        table.NumbersWhereMeasured("y").Should().Equal(1.5, double.NaN, 2.5, 1.5, double.NaN, 2.5);
        TimeColumn.Of(table, "when").Values.Zip(TimeColumn.Of(table, "when").Values.Skip(1), (a, b) => b - a)
            .Take(2).Should().Equal(60, 60);
        table.PlaceOf(1).Should().Be("row 2");
    }

    [Fact]
    public async Task A_kind_is_known_by_its_first_bytes()
    {
        using var folder = new TemporaryFolder();

        TableFile.Read(folder.File("a.csv", await ParquetAsync())).Columns.Should().Contain("when");
        TableFile.Read(folder.File("b", NumPyFiles.Array([1, 2, 3, 4], 2, 2))).Columns.Should().Equal("c1", "c2");
        TableFile.Read(folder.File("c.txt", Zipped("a,y\n1,2\n"))).Columns.Should().Equal("a", "y");
    }

    [Fact]
    public void Arrays_are_columns_by_name_and_index()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("data.npz", NumPyFiles.Archive(
            ("u", NumPyFiles.Array([1, 10, 2, 20, double.NaN, 30], 3, 2)),
            ("y", NumPyFiles.Array([7, 8, 9], 3)),
            ("fs", NumPyFiles.Array([100]))));

        Table table = TableFile.Read(path);

        table.Columns.Should().Equal("u[0]", "u[1]", "y");
        table.NumbersWhereMeasured("u[0]").Should().Equal(1, 2, double.NaN);
        table.Numbers("u[1]").Should().Equal(10, 20, 30);
        table.Numbers("y").Should().Equal(7, 8, 9);
        table.Remarks.Should().ContainSingle().Which.Text.Should().Contain("'fs'");
    }

    [Fact]
    public void An_array_of_one_row_is_a_series_and_a_transposed_one_is_told()
    {
        using var folder = new TemporaryFolder();
        byte[] y = NumPyFiles.Array([7, 8, 9], 3);
        string row = folder.File("a.npz", NumPyFiles.Archive(("u", NumPyFiles.Array([1, 2, 3], 1, 3)), ("y", y)));
        string two = folder.File("b.npz", NumPyFiles.Archive(
            ("u", NumPyFiles.Array([1, 2, 3, 4, 5, 6], 2, 3)), ("y", y)));

        Table table = TableFile.Read(row);
        Func<Table> transposed = () => TableFile.Read(two);

        table.Columns.Should().Equal("u", "y");
        table.Numbers("u").Should().Equal(1, 2, 3);
        table.Remarks.Should().ContainSingle().Which.Text.Should().Contain("row of 'u' is taken for a series");
        transposed.Should().Throw<DataFaultException>().WithMessage("*u: 2, y: 3. Rows are time steps*array.T*");
    }

    [Theory]
    [InlineData("rows.csv", "a")]
    [InlineData("plain.csv", "c1")]
    [InlineData("rows.npy", "c1")]
    [InlineData("rows.npz", "z[1]")]
    [InlineData("rows.npz", "z")]
    public async Task A_table_that_seems_transposed_is_told(string file, string input)
    {
        using var folder = new TemporaryFolder();
        double[] values = [.. Enumerable.Range(0, 200).Select(t => Math.Sin(t * t))];
        string[] rows = [string.Join(',', values[..100]), string.Join(',', values[100..])];
        byte[] array = NumPyFiles.Array(values, 2, 100);
        _ = folder.File("rows.csv", $"name,{string.Join(',', Enumerable.Range(1, 100))}\na,{rows[0]}\ny,{rows[1]}\n");
        _ = folder.File("plain.csv", string.Join('\n', rows));
        _ = folder.File("rows.npy", array);
        _ = folder.File("rows.npz", NumPyFiles.Archive(("z", array)));
        string[] header = file == "plain.csv" ? ["--no-header"] : [];

        CommandResult fit = await CommandRunner.RunAsync(
            ["fit", folder.At(file), "--inputs", input, "--outputs", "#3", "--out", folder.At("out"), .. header]);

        fit.ShouldBeRefused(1, "Rows are time steps and columns are signals, but this table has 2 rows and 10");
        fit.Error.Length.Should().BeLessThan(600, "a hundred columns are not all listed");
    }

    [Fact]
    public async Task A_fit_to_few_rows_of_many_columns_is_warned_of()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        string csv = string.Join(',', Enumerable.Range(1, 60).Select(i => $"x{i}")) + "\n" + string.Concat(
            Enumerable.Range(0, 15).Select(_ => string.Join(',', Enumerable.Range(0, 60).Select(
                _ => RunTables.Text(random.NextDouble()))) + "\n"));

        CommandResult fit = await CommandRunner.RunAsync(
            "fit", folder.File("wide.csv", csv), "--inputs", "x1", "--outputs", "x2", "--hidden", "1", "--no-checks",
            "--out", folder.At("out"));

        fit.ExitCode.Should().Be(0);
        fit.Error.Should().Contain("warning: ").And.Contain("15 rows and 60 columns: if it is transposed");
    }

    [Fact]
    public async Task All_kinds_are_fitted_alike()
    {
        using var folder = new TemporaryFolder();
        RunTables.Row[] rows = RunTables.Rows(2);
        string csv = RunTables.Csv(rows);
        string[] files =
        [
            folder.File("data.csv", csv),
            folder.File("data.csv.gz", Zipped(csv)),
            folder.File("data.npz", NumPyFiles.Archive(
                ("a", NumPyFiles.Array([.. rows.Select(r => r.A)], rows.Length)),
                ("b", NumPyFiles.Array([.. rows.Select(r => r.B)], rows.Length)),
                ("y", NumPyFiles.Array([.. rows.Select(r => r.Y)], rows.Length)))),
            folder.File("utf16.csv", Encoding.Unicode.GetBytes(csv)),
        ];
        var models = new List<string>();
        foreach (string file in files)
        {
            CommandResult result = await CommandRunner.RunAsync(
                "fit", file, "--inputs", "a,b", "--outputs", "y", "--hidden", "1", "--out", folder.At("out"));
            result.ExitCode.Should().Be(0, result.Error);
            models.Add(File.ReadAllText(folder.At("out/model.json")));
        }

        models.Distinct().Should().ContainSingle();
    }

    [Fact]
    public async Task Standard_input_is_read()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await BpttProcess.RunWithInputAsync(
            RunTables.Csv(RunTables.Rows(2)),
            "fit", "-", "--inputs", "a,b", "--outputs", "y", "--group", "run", "--hidden", "1",
            "--out", folder.At("out"));

        result.ShouldBeDone();
        result.Output.Should().StartWith("standard input: 1 run (30 rows) to train, 1 run (34 rows) held out");
    }

    [Theory]
    [InlineData("windows-1252", "read as Latin-1")]
    [InlineData("utf-16", "read as UTF-16")] // without a mark
    [InlineData("utf-8", null)]
    public void An_encoding_that_is_not_UTF8_is_told(string encoding, string? told)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        using var folder = new TemporaryFolder();
        string path = folder.File("data.csv", Encoding.GetEncoding(encoding).GetBytes("Öl °C,y\n1,2\n3,4\n"));

        Table table = TableFile.Read(path);

        table.Columns.Should().Equal("Öl °C", "y");
        table.Remarks.Should().HaveCount(told is null ? 0 : 1);
        string.Concat(table.Remarks.Select(r => r.Text)).Should().Match($"*{told}*");
    }

    [Fact]
    public void Without_a_header_columns_are_numbered_and_a_header_of_numbers_is_told()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("data.csv", "1,2\n3,4\n");

        Table without = TableFile.Read(path, hasHeader: false);
        Table with = TableFile.Read(path);

        without.Columns.Should().Equal("c1", "c2");
        without.Numbers("c2").Should().Equal(2, 4);
        without.Remarks.Should().BeEmpty();
        with.Numbers("2").Should().Equal(4);
        with.Remarks.Should().ContainSingle(r => r.IsDoubt && r.Text.Contains("--no-header"));
    }

    private static byte[] Zipped(string text)
    {
        using var zipped = new MemoryStream();
        using (var writer = new GZipStream(zipped, CompressionLevel.Fastest))
        {
            writer.Write(Encoding.UTF8.GetBytes(text));
        }
        return zipped.ToArray();
    }

    /// <summary>Two row groups of three rows.</summary>
    private static async Task<byte[]> ParquetAsync()
    {
        var run = new DataField<string>("run");
        var when = new DataField<DateTime>("when");
        var u = new DataField<double>("u");
        var n = new DataField<long>("n");
        var y = new DataField<float?>("y");
        var on = new DataField<bool>("on");
        var stream = new MemoryStream();
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(
            new ParquetSchema(run, when, u, n, y, on), stream))
        {
            for (int group = 0; group < 2; group++)
            {
                using ParquetRowGroupWriter part = writer.CreateRowGroup();
                string name = $"r{group}";
                DateTime start = new(2024, 1, 1 + group, 0, 0, 0, DateTimeKind.Utc);
                await part.WriteAsync(run, [name, name, name]);
                await part.WriteAsync<DateTime>(
                    when, new[] { start, start.AddMinutes(1), start.AddMinutes(2) }.AsMemory());
                await part.WriteAsync<double>(u, Inputs.AsMemory());
                await part.WriteAsync<long>(n, Whole.AsMemory());
                await part.WriteAsync<float>(y, Outputs.AsMemory());
                await part.WriteAsync<bool>(on, Switch.AsMemory());
            }
        }
        return stream.ToArray();
    }
}
