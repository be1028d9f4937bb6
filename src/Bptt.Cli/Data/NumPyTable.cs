// Reads arrays of NumPy: one in a .npy file, or several with names in a .npz file. A row of an array is a row of the
// table.

using Bptt.Cli.Console;
using NumSharp;
using NumSharp.IO;

namespace Bptt.Cli.Data;

internal static class NumPyTable
{
    /// <summary>Reads one array: columns c1, c2, ….</summary>
    public static Table ReadArray(byte[] bytes, string name)
    {
        NDArray array = np.load_npy(bytes);
        if (Columns(array, i => $"c{i + 1}") is not List<MemoryColumn> columns)
        {
            throw new DataFaultException($"{name}: expected an array of numbers with one or two dimensions, "
                + $"got {Description(array)}.");
        }
        return new ColumnTable(name, columns, columns[0].Numbers!.Length);
    }

    /// <summary>Reads all arrays of an archive: a column u of an array u with one dimension, columns u[0], u[1], … of
    /// one with two, which one with a single row is told to be taken for a series. What is no series, such as a single
    /// number, is left out and told.</summary>
    public static Table ReadArchive(byte[] bytes, string name)
    {
        using NpzFile archive = np.load_npz(bytes);
        var found = new List<(string Array, List<MemoryColumn> Columns)>();
        var leftOut = new List<string>();
        var turned = new List<string>();
        foreach (string key in archive.Files)
        {
            List<MemoryColumn>? columns = ColumnsOf(archive, key);
            if (columns is { Count: > 1 } && columns[0].Numbers!.Length == 1)
            {
                columns = [new MemoryColumn(key, [.. columns.Select(c => c.Numbers![0])])];
                turned.Add(key);
            }
            if (columns is null || columns[0].Numbers!.Length < 2)
            {
                leftOut.Add(key);
            }
            else
            {
                found.Add((key, columns));
            }
        }
        if (found.Count == 0)
        {
            throw new DataFaultException(
                $"{name}: expected arrays of numbers with one or two dimensions and several rows, got none.");
        }
        int rows = found[0].Columns[0].Numbers!.Length;
        if (found.Any(f => f.Columns[0].Numbers!.Length != rows))
        {
            bool isTurned = found.Any(f => found.Any(o => o.Columns[0].Numbers!.Length == f.Columns.Count));
            throw new DataFaultException($"{name}: expected arrays of as many rows, got "
                + $"{string.Join(", ", found.Select(f => $"{f.Array}: {f.Columns[0].Numbers!.Length}"))}."
                + (isTurned ? " Rows are time steps and columns are signals: array.T transposes one in NumPy." : ""));
        }
        var table = new ColumnTable(name, [.. found.SelectMany(f => f.Columns)], rows);
        if (turned.Count > 0)
        {
            table.Remark($"the single row of {string.Join(", ", turned.Select(Table.Shown))} is taken for a series: "
                + "its numbers are time steps.");
        }
        if (leftOut.Count > 0)
        {
            table.Remark($"of the arrays {string.Join(", ", leftOut.Select(Table.Shown))} nothing is read: "
                + "they are no series of numbers.");
        }
        return table;
    }

    private static List<MemoryColumn>? ColumnsOf(NpzFile archive, string key)
    {
        try
        {
            return archive.IsArray(key)
                ? Columns(archive[key], i => $"{key}[{i}]", key) : null;
        }
        catch (Exception e) when (e is FormatException or NotSupportedException or InvalidOperationException)
        {
            return null; // texts, objects
        }
    }

    /// <summary>A column for each index of the second dimension; null where an array is none of real numbers with one
    /// or two dimensions.</summary>
    private static List<MemoryColumn>? Columns(
        NDArray array, Func<int, string> nameOf, string? single = null)
    {
        if (array.ndim is not (1 or 2) || array.size == 0
            || array.typecode is NPTypeCode.Complex or NPTypeCode.Char or NPTypeCode.String)
        {
            return null;
        }
        double[] values = array.astype(NPTypeCode.Double).copy('C').ToArray<double>();
        int columns = array.ndim == 1 ? 1 : checked((int)array.shape[1]);
        int rows = values.Length / columns;
        var all = new List<MemoryColumn>();
        for (int i = 0; i < columns; i++)
        {
            double[] column = new double[rows];
            for (int t = 0; t < rows; t++)
            {
                column[t] = values[t * columns + i];
            }
            all.Add(new MemoryColumn(array.ndim == 1 && single is not null ? single : nameOf(i), column));
        }
        return all;
    }

    private static string Description(NDArray array) =>
        $"one of {array.ndim} dimensions and type {array.typecode}";
}
