// A table with named columns, read from CSV: comma, semicolon or tab, decimal point or comma, with or without quotes and
// byte-order mark. Cells are text until a column is asked for as numbers.

using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace Bptt.Cli.Data;

internal sealed class CsvTable
{
    private readonly string[] _header;
    private readonly List<(int Line, string[] Cells)> _rows;
    private readonly char _delimiter;

    private CsvTable(string name, string[] header, List<(int Line, string[] Cells)> rows, char delimiter)
    {
        Name = name;
        _header = header;
        _rows = rows;
        _delimiter = delimiter;
    }

    /// <summary>What messages call the table.</summary>
    public string Name { get; }

    /// <summary>Rows below the header.</summary>
    public int RowCount => _rows.Count;

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Columns => _header;

    /// <summary>Reads a file.</summary>
    public static CsvTable Read(string path)
    {
        if (Directory.Exists(path))
        {
            throw new DataFaultException($"{path}: expected a CSV file, got a folder.");
        }
        if (!File.Exists(path))
        {
            throw new DataFaultException($"{path}: there is no such file.");
        }
        try
        {
            using var reader = new StreamReader(path);
            return Read(reader, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFaultException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads text to its end.</summary>
    public static CsvTable Read(TextReader reader, string name)
    {
        string text = reader.ReadToEnd();
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new DataFaultException($"{name}: expected a header and rows of numbers, got an empty file.");
        }

        char delimiter = Delimiter(text);
        using var parser = new CsvParser(new StringReader(text), new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            TrimOptions = TrimOptions.Trim,
            BadDataFound = bad => throw new DataFaultException(
                $"{name}, line {bad.Context.Parser?.RawRow}: expected cells in balanced quotes, got {bad.Field}."),
        });

        parser.Read();
        string[] header = parser.Record!;
        var rows = new List<(int, string[])>();
        while (parser.Read())
        {
            string[] cells = parser.Record!;
            if (cells.Length != header.Length)
            {
                throw new DataFaultException(
                    $"{name}, line {parser.RawRow}: expected {header.Length} cells, as in the header, got {cells.Length}.");
            }
            rows.Add((parser.RawRow, cells));
        }
        if (rows.Count == 0)
        {
            throw new DataFaultException($"{name}: expected rows below the header, got none.");
        }
        return new CsvTable(name, header, rows, delimiter);
    }

    /// <summary>Whether there is a column of that name.</summary>
    public bool Has(string column) => Array.IndexOf(_header, column) >= 0;

    /// <summary>A column as numbers.</summary>
    public double[] Numbers(string column)
    {
        int index = Array.IndexOf(_header, column);
        if (index < 0)
        {
            throw new DataFaultException(
                $"{Name}: expected a column '{column}', got the columns {string.Join(", ", _header.Select(h => $"'{h}'"))}.");
        }
        if (Array.LastIndexOf(_header, column) != index)
        {
            throw new DataFaultException($"{Name}: expected one column '{column}', got several.");
        }

        char? decimalMark = null;
        double[] numbers = new double[_rows.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            (int line, string[] cells) = _rows[i];
            numbers[i] = Number(cells[index], ref decimalMark) ?? throw new DataFaultException(
                $"{Name}, line {line}, column '{column}': expected a finite number, got {Shown(cells[index])}.");
        }
        return numbers;
    }

    /// <summary>A number with a decimal point, or with a decimal comma where commas do not separate cells. A column
    /// keeps to one of the two: what mixes them may hold thousands separators.</summary>
    private double? Number(string cell, ref char? decimalMark)
    {
        char? mark = cell.Contains('.', StringComparison.Ordinal) ? '.' : cell.Contains(',', StringComparison.Ordinal) ? ',' : null;
        if (mark is not null)
        {
            decimalMark ??= mark;
            if (mark != decimalMark || (mark == ',' && _delimiter == ','))
            {
                return null;
            }
        }
        string normalized = mark == ',' ? cell.Replace(',', '.') : cell;
        return double.TryParse(normalized, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number) ? number : null;
    }

    private static string Shown(string cell) => cell.Length == 0 ? "an empty cell" : $"'{cell}'";

    /// <summary>The separator that occurs most often in the header outside quotes; semicolon where there is only one
    /// column, so that a decimal comma does not split it.</summary>
    private static char Delimiter(string text)
    {
        var counts = new Dictionary<char, int> { [','] = 0, [';'] = 0, ['\t'] = 0 };
        bool quoted = false;
        foreach (char c in text.TrimStart('\r', '\n'))
        {
            if (c == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && c is '\r' or '\n')
            {
                break;
            }
            else if (!quoted && counts.TryGetValue(c, out int count))
            {
                counts[c] = count + 1;
            }
        }
        KeyValuePair<char, int> most = counts.MaxBy(c => c.Value);
        return most.Value == 0 ? ';' : most.Key;
    }
}
