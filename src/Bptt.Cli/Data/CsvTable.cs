// A table read from CSV text: comma, semicolon or tab, decimal point or comma, with or without quotes and header. Cells
// are text until a column is asked for as numbers; how the bytes of a file become text is not known here.

using System.Globalization;
using Bptt.Cli.Console;
using CsvHelper;
using CsvHelper.Configuration;

namespace Bptt.Cli.Data;

internal sealed class CsvTable : Table
{
    private readonly List<(int Line, string[] Cells)> _rows;
    private readonly DecimalSigns _signs;
    private readonly bool _hasHeader;

    private CsvTable(
        string name, string[] columns, bool hasHeader, List<(int Line, string[] Cells)> rows, char delimiter)
        : base(name, columns, rows.Count)
    {
        _rows = rows;
        _hasHeader = hasHeader;
        _signs = new DecimalSigns(rows, delimiter);
    }

    /// <summary>Reads text to its end.</summary>
    public static CsvTable Read(TextReader reader, string name, bool hasHeader = true)
    {
        string text = reader.ReadToEnd();
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new DataFaultException(
                $"{name}: expected {(hasHeader ? "a header and " : "")}rows of numbers, got an empty file.");
        }

        char delimiter = Delimiter(text);
        (string[] first, List<(int, string[])> rows) = Rows(text, delimiter, name, hasHeader);
        if (rows.Count == 0)
        {
            throw new DataFaultException($"{name}: expected rows below the header, got none.");
        }
        string[] columns = hasHeader ? first : [.. Enumerable.Range(1, first.Length).Select(i => $"c{i}")];
        if (Array.Find(columns, h => h.Any(char.IsControl)) is string unprintable)
        {
            throw new DataFaultException(
                $"{name}: expected column names without control characters, got {Shown(unprintable)}.");
        }
        var table = new CsvTable(name, columns, hasHeader, rows, delimiter);
        if (table.HeaderLooksLikeNumbers)
        {
            table.Remark(
                "the first row looks like numbers and is taken for the header; with --no-header it is data, "
                    + "and columns are named c1, c2, ….",
                isDoubt: true);
        }
        return table;
    }

    /// <inheritdoc/>
    public override string Text(int column, int row) => _rows[row].Cells[column];

    /// <inheritdoc/>
    public override bool IsMissing(int column, int row) => MissingValue.Is(_rows[row].Cells[column]);

    /// <inheritdoc/>
    public override string PlaceOf(int row) => $"line {_rows[row].Line}";

    /// <inheritdoc/>
    protected override string HintOfUnknown => HeaderLooksLikeNumbers
        ? " The first row looks like numbers: pass --no-header, columns are then named c1, c2, …."
        : "";

    /// <inheritdoc/>
    protected override string HintOfCell(int column, int row) =>
        _signs.DoubtOf(column) is string doubt && DecimalSigns.IsGrouped(_rows[row].Cells[column]) ? doubt
        : row == 0 && !_hasHeader ? "; without --no-header the first row is the header"
        : "";

    /// <inheritdoc/>
    protected override Func<int, double?> NumbersOf(int column)
    {
        bool isDoubtful = _signs.DoubtOf(column) is not null;
        char? decimalMark = null;
        return row =>
        {
            string cell = _rows[row].Cells[column];
            return isDoubtful && DecimalSigns.IsGrouped(cell) ? null : _signs.Number(cell, ref decimalMark);
        };
    }

    private bool HeaderLooksLikeNumbers =>
        _hasHeader && Columns.All(c => double.TryParse(c, NumberStyles.Float, CultureInfo.InvariantCulture, out _));

    /// <summary>The first row, and the rows with the lines they begin in: all of them, or those below a
    /// header.</summary>
    private static (string[] First, List<(int Line, string[] Cells)> Rows) Rows(
        string text, char delimiter, string name, bool hasHeader)
    {
        int line = 0;
        using var parser = new CsvParser(new StringReader(text), new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            TrimOptions = TrimOptions.Trim,
            IgnoreBlankLines = false, // a blank line between rows is a row that is missing
            BadDataFound = bad => throw new DataFaultException(
                $"{name}, line {line}: expected cells in balanced quotes, got {Shown(bad.Field)}."),
        });

        string[]? first = null;
        int? blankLine = null;
        var rows = new List<(int, string[])>();
        while (true)
        {
            line = parser.RawRow + 1; // where the next row begins; it may end lines below
            if (!parser.Read())
            {
                return (first!, rows);
            }
            string[] cells = parser.Record!;
            if (cells.Length == 0 || (cells.Length == 1 && string.IsNullOrWhiteSpace(parser.RawRecord)))
            {
                blankLine ??= line;
                continue;
            }
            if (first is null)
            {
                first = cells;
                blankLine = null;
                if (hasHeader)
                {
                    continue;
                }
            }
            if (blankLine is not null)
            {
                throw new DataFaultException(
                    $"{name}, line {blankLine}: expected a row, got a blank line.");
            }
            if (cells.Length != first.Length)
            {
                throw new DataFaultException($"{name}, line {line}: expected {first.Length} cells, as in the "
                    + $"{(hasHeader ? "header" : "first row")}, got {cells.Length}.");
            }
            rows.Add((line, cells));
        }
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
