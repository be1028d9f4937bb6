// A table with named columns, read from CSV: comma, semicolon or tab, decimal point or comma, with or without quotes
// and byte-order mark. Cells are text until a column is asked for as numbers.

using System.Globalization;
using Bptt.Cli.Console;
using CsvHelper;
using CsvHelper.Configuration;

namespace Bptt.Cli.Data;

internal sealed class CsvTable
{
    private const int MostShown = 60;

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
        int line = 0;
        using var parser = new CsvParser(new StringReader(text), new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            TrimOptions = TrimOptions.Trim,
            IgnoreBlankLines = false, // a blank line between rows is a row that is missing
            BadDataFound = bad => throw new DataFaultException(
                $"{name}, line {line}: expected cells in balanced quotes, got {Shown(bad.Field)}."),
        });

        string[]? header = null;
        int? blankLine = null;
        var rows = new List<(int, string[])>();
        while (true)
        {
            line = parser.RawRow + 1; // where the next row begins; it may end lines below
            if (!parser.Read())
            {
                break;
            }
            string[] cells = parser.Record!;
            if (cells.Length == 0 || (cells.Length == 1 && string.IsNullOrWhiteSpace(parser.RawRecord)))
            {
                blankLine ??= line;
            }
            else if (header is null)
            {
                header = cells;
                blankLine = null;
            }
            else if (blankLine is not null)
            {
                throw new DataFaultException($"{name}, line {blankLine}: expected a row, got a blank line.");
            }
            else if (cells.Length != header.Length)
            {
                throw new DataFaultException(
                    $"{name}, line {line}: expected {header.Length} cells, as in the header, got {cells.Length}.");
            }
            else
            {
                rows.Add((line, cells));
            }
        }
        if (rows.Count == 0)
        {
            throw new DataFaultException($"{name}: expected rows below the header, got none.");
        }
        if (Array.Find(header!, h => h.Any(char.IsControl)) is string unprintable)
        {
            throw new DataFaultException(
                $"{name}: expected column names without control characters, got {Shown(unprintable)}.");
        }
        return new CsvTable(name, header!, rows, delimiter);
    }

    /// <summary>Whether there is a column of that name.</summary>
    public bool Has(string column) => Array.IndexOf(_header, column) >= 0;

    /// <summary>A column as numbers.</summary>
    public double[] Numbers(string column) => Numbers(column, emptyIs: null);

    /// <summary>A column as numbers, with NaN for an empty cell: what is not measured yet.</summary>
    public double[] NumbersWhereMeasured(string column) => Numbers(column, emptyIs: double.NaN);

    private double[] Numbers(string column, double? emptyIs)
    {
        int index = Array.IndexOf(_header, column);
        if (index < 0)
        {
            throw new DataFaultException(
                $"{Name}: expected a column '{column}', got the columns {string.Join(", ", _header.Select(Shown))}.");
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
            double? whereEmpty = cells[index].Length == 0 ? emptyIs : null;
            numbers[i] = whereEmpty ?? Number(cells[index], ref decimalMark) ?? throw new DataFaultException(
                $"{Name}, line {line}, column '{column}': expected a finite number, got {Shown(cells[index])}.");
        }
        return numbers;
    }

    /// <summary>A number with a decimal point, or with a decimal comma where commas do not separate cells. A column
    /// keeps to one of the two: what mixes them may hold thousands separators.</summary>
    private double? Number(string cell, ref char? decimalMark)
    {
        char? mark = cell.Contains('.', StringComparison.Ordinal)
            ? '.'
            : cell.Contains(',', StringComparison.Ordinal) ? ',' : null;
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

    /// <summary>A cell as messages show it: its beginning, and nothing that a terminal would obey.</summary>
    private static string Shown(string cell)
    {
        string printable = string.Concat(cell.Take(MostShown).Select(c => char.IsControl(c) ? '\uFFFD' : c));
        return cell.Length == 0 ? "an empty cell" : cell.Length > MostShown ? $"'{printable}…'" : $"'{printable}'";
    }

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
