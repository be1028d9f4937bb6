// A table as text: aligned columns for a terminal, or Markdown for a README. Knows nothing of what the cells mean.

using System.Text;

namespace Bptt.Benchmarks;

/// <summary>Rows of text under headers; the first <paramref name="leftAligned"/> columns are words, the others
/// numbers.</summary>
internal sealed class Table(int leftAligned, params string[] headers)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public string ToText(bool markdown)
    {
        var text = new StringBuilder();
        int[] widths =
            [.. headers.Select(
                (header, i) => _rows.Select(row => row[i].Length).Append(Math.Max(header.Length, 3)).Max())];
        AppendLine(text, headers, widths, markdown);
        string[] rules = [.. widths.Select((width, i) => markdown && i >= leftAligned
            ? new string('-', width - 1) + ':'
            : new string(markdown ? '-' : '─', width))];
        AppendLine(text, rules, widths, markdown);
        foreach (string[] row in _rows)
        {
            AppendLine(text, row, widths, markdown);
        }
        return text.ToString();
    }

    private void AppendLine(StringBuilder text, string[] cells, int[] widths, bool markdown)
    {
        IEnumerable<string> padded =
            cells.Select((cell, i) => i < leftAligned ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]));
        string line = string.Join(markdown ? " | " : "  ", padded);
        text.Append(markdown ? $"| {line} |" : line.TrimEnd()).Append('\n');
    }
}
