// Reading a table that a user names: CSV of any encoding, compressed or not, Parquet or NumPy, from a file or standard
// input. What a file is, its first bytes say.

using System.IO.Compression;
using Bptt.Cli.Console;

namespace Bptt.Cli.Data;

internal static class TableFile
{
    /// <summary>The path that stands for standard input.</summary>
    public const string StandardInput = "-";

    /// <summary>What is read, in words.</summary>
    public const string Formats =
        $"CSV (also .csv.gz), Parquet, .npy or .npz, or {StandardInput} for one of them from standard input";

    private static readonly (string Name, string[] Extensions, byte[] Begin)[] Kinds =
    [
        ("a Parquet file", [".parquet", ".pq"], [.. "PAR1"u8]),
        ("a .npy file", [".npy"], [0x93, .. "NUMPY"u8]),
        ("a .npz file", [".npz"], [.. "PK"u8, 3, 4]),
        ("a gzip file", [".gz"], [0x1F, 0x8B]),
    ];

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path, or <see cref="StandardInput"/>.</param>
    /// <param name="hasHeader">Whether the first row of a CSV names the columns.</param>
    /// <exception cref="DataFaultException">It cannot be read, or holds no table.</exception>
    public static Table Read(string path, bool hasHeader = true)
    {
        if (path == StandardInput)
        {
            using Stream input = System.Console.OpenStandardInput();
            using var copy = new MemoryStream();
            input.CopyTo(copy);
            return Parse(copy.ToArray(), "standard input", hasHeader);
        }
        byte[] bytes = Bytes(path);
        (string Name, string[] Extensions, byte[] Begin) said =
            Kinds.FirstOrDefault(k => k.Extensions.Contains(Path.GetExtension(path).ToLowerInvariant()));
        if (said.Name is not null && !bytes.AsSpan().StartsWith(said.Begin))
        {
            throw new DataFaultException(
                $"{path}: expected {said.Name}, as its name says, but it does not begin like one.");
        }
        return Parse(bytes, path, hasHeader);
    }

    private static Table Parse(byte[] bytes, string name, bool hasHeader)
    {
        int kind = Array.FindIndex(Kinds, k => bytes.AsSpan().StartsWith(k.Begin));
        if (kind == 3)
        {
            return Parse(Attempt(name, Kinds[kind].Name, () => Unzipped(bytes)), name, hasHeader);
        }
        if (kind < 0)
        {
            return ParseText(bytes, name, hasHeader);
        }
        if (!hasHeader)
        {
            throw new DataFaultException(
                $"{name}: expected no --no-header, which is for CSV: {Kinds[kind].Name} has none.");
        }
        Table table = Attempt(name, Kinds[kind].Name, () => kind switch
        {
            0 => ParquetTable.Read(bytes, name),
            1 => NumPyTable.ReadArray(bytes, name),
            _ => NumPyTable.ReadArchive(bytes, name),
        });
        return table.RowCount > 0 && table.Columns.Count > 0 ? table : throw table.Fault("expected rows, got none.");
    }

    private static CsvTable ParseText(byte[] bytes, string name, bool hasHeader)
    {
        (string text, string? remark) = TextBytes.Decode(bytes, name);
        var table = CsvTable.Read(new StringReader(text), name, hasHeader);
        if (remark is not null)
        {
            table.Remark(remark, isDoubt: true);
        }
        return table;
    }

    private static byte[] Unzipped(byte[] bytes)
    {
        using var zipped = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        zipped.CopyTo(plain);
        return plain.ToArray();
    }

    /// <summary>Whatever a library throws at a damaged file is a fault of the file.</summary>
    private static T Attempt<T>(string name, string kind, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not DataFaultException and not OutOfMemoryException)
        {
            string message = e.Message.ReplaceLineEndings(" ").TrimEnd('.');
            throw new DataFaultException($"{name}: expected {kind} that can be read: {message}.", e);
        }
    }

    private static byte[] Bytes(string path)
    {
        if (Directory.Exists(path))
        {
            throw new DataFaultException($"{path}: expected a file with a table, got a folder.");
        }
        if (!File.Exists(path))
        {
            throw new DataFaultException($"{path}: there is no such file.");
        }
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFaultException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}
