// A table of texts, the same on a terminal and on a page.

using Spectre.Console;

namespace Bptt.Cli.Console;

/// <summary>A table. No text in it is markup.</summary>
internal sealed class TextTable
{
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

    public void WriteTo(Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < Columns.Count; i++)
        {
            var column = new TableColumn(Markup.Escape(Columns[i]));
            table.AddColumn(IsNumeric && i > 0 ? column.RightAligned().NoWrap() : column);
        }
        foreach (string[] row in _rows)
        {
            table.AddRow(Array.ConvertAll(row, Markup.Escape));
        }
        terminal.Ansi.Write(table);
    }
}
