// A table of texts, the same on a terminal and on a page.

using Spectre.Console;

namespace Bptt.Cli.Console;

/// <summary>A table. No text in it is markup.</summary>
internal sealed class TextTable
{
    /// <summary>The space on both sides of a column, and the line that stands between it and the next.</summary>
    private const int Around = 3;

    private readonly List<string[]> _rows = [];

    /// <summary>An empty table.</summary>
    /// <param name="columns">The headings. The first column is of names, which stand left.</param>
    public TextTable(params string[] columns)
    {
        Columns = columns;
    }

    /// <summary>The headings.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>A text for each column.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Rows => _rows;

    /// <summary>Whether the columns after the first hold numbers, which stand right.</summary>
    public bool IsNumeric { get; init; } = true;

    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>As a table. On a terminal that is too narrow headings are broken between words, and texts are; where
    /// that does not suffice, each row is a list, so that no name and no number is cut off.</summary>
    public void WriteTo(Terminal terminal)
    {
        int width = terminal.Ansi.Profile.Width;
        int[] least = [.. Enumerable.Range(0, Columns.Count).Select(LeastWidth)];
        int[] wished = [.. least.Select((w, i) => Math.Max(w, Columns[i].Length))];
        if (least.Sum(w => w + Around) <= width)
        {
            bool isTight = IsNumeric && wished.Sum(w => w + Around) > width;
            terminal.Ansi.Write(AsTable(isTight ? least : null));
            return;
        }
        int longest = Columns.Skip(1).Max(heading => heading.Length);
        foreach (string[] row in _rows)
        {
            terminal.Output.WriteLine(row[0]);
            for (int i = 1; i < row.Length; i++)
            {
                terminal.Output.WriteLine($"  {Columns[i].PadRight(longest)}  {row[i]}".TrimEnd());
            }
        }
    }

    /// <summary>Of a column from which nothing is cut off.</summary>
    private int LeastWidth(int column)
    {
        IEnumerable<string> cells = _rows.Select(row => row[column]);
        IEnumerable<string> unbroken = IsNumeric ? cells : cells.SelectMany(Words);
        return unbroken.Concat(Words(Columns[column])).Max(text => text.Length);

        static string[] Words(string text) => text.Split(' ');
    }

    /// <param name="widths">Of the columns; null for what they take.</param>
    private Table AsTable(int[]? widths)
    {
        Table table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < Columns.Count; i++)
        {
            TableColumn column = new TableColumn(Markup.Escape(Columns[i])).Width(widths?[i]);
            table.AddColumn(IsNumeric && i > 0 ? column.RightAligned().NoWrap() : column);
        }
        foreach (string[] row in _rows)
        {
            table.AddRow(Array.ConvertAll(row, Markup.Escape));
        }
        return table;
    }
}
