// Reading a table that a user names: a CSV file of any encoding.

using Bptt.Cli.Console;

namespace Bptt.Cli.Data;

internal static class TableFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="hasHeader">Whether the first row of a CSV names the columns.</param>
    /// <exception cref="DataFaultException">It cannot be read, or holds no table.</exception>
    public static Table Read(string path, bool hasHeader = true) => Parse(Bytes(path), path, hasHeader);

    private static CsvTable Parse(byte[] bytes, string name, bool hasHeader)
    {
        (string text, string? remark) = TextBytes.Decode(bytes, name);
        var table = CsvTable.Read(new StringReader(text), name, hasHeader);
        if (remark is not null)
        {
            table.Remark(remark, isDoubt: true);
        }
        return table;
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
