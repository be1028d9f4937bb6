// Which sign in a CSV's cells is the decimal sign, point or comma, and where it cannot be told. Knows no names of
// columns.

using System.Globalization;

namespace Bptt.Cli.Data;

/// <summary>The numbers in the cells of a CSV.</summary>
/// <param name="rows">The cells.</param>
/// <param name="delimiter">What separates them; a comma cannot also be a decimal sign.</param>
internal sealed class DecimalSigns(IReadOnlyList<(int Line, string[] Cells)> rows, char delimiter)
{
    private readonly Dictionary<int, string?> _doubts = [];
    private readonly Dictionary<char, string?> _certain = [];

    /// <summary>A number with a decimal point, or with a decimal comma where commas do not separate cells; null for
    /// what is none. A column keeps to one of the two: what mixes them may hold thousands separators.</summary>
    public double? Number(string cell, ref char? decimalMark)
    {
        char? mark = MarkOf(cell);
        if (mark is not null)
        {
            decimalMark ??= mark;
            if (mark != decimalMark || (mark == ',' && delimiter == ','))
            {
                return null;
            }
        }
        return Parse(cell, mark);
    }

    /// <summary>Why the decimal sign of a column cannot be told: every number with a sign in it reads like one with
    /// thousands separators, and elsewhere the other sign is the decimal one. Null where there is no doubt.</summary>
    public string? DoubtOf(int column)
    {
        if (!_doubts.TryGetValue(column, out string? doubt))
        {
            doubt = FindDoubt(column);
            _doubts[column] = doubt;
        }
        return doubt;
    }

    /// <summary>Whether a cell may be a whole number with thousands separators: 1,210 or 1.000.000.</summary>
    public static bool IsGrouped(string cell)
    {
        if (MarkOf(cell) is not char mark)
        {
            return false;
        }
        string[] groups = cell.TrimStart('+', '-').Split(mark);
        return groups[0].Length is >= 1 and <= 3 && groups[0][0] != '0'
            && groups.Skip(1).All(g => g.Length == 3) && groups.All(g => g.All(char.IsAsciiDigit));
    }

    private string? FindDoubt(int column)
    {
        if (delimiter == ',')
        {
            return null;
        }
        string? grouped = null;
        foreach ((_, string[] cells) in rows)
        {
            string cell = cells[column];
            if (MarkOf(cell) is not null)
            {
                if (!IsGrouped(cell))
                {
                    return null;
                }
                grouped ??= cell;
            }
        }
        if (grouped is null || CertainCell(MarkOf(grouped) == ',' ? '.' : ',') is not string other)
        {
            return null;
        }
        char sign = MarkOf(grouped)!.Value;
        char point = sign == ',' ? '.' : ',';
        return $", which may hold a decimal sign or a thousands separator, as '{other}' elsewhere has a "
            + $"decimal {(point == '.' ? "point" : "comma")}; write it with the same decimal sign";
    }

    /// <summary>A number anywhere whose sign can only be the decimal one.</summary>
    private string? CertainCell(char mark)
    {
        if (!_certain.TryGetValue(mark, out string? cell))
        {
            cell = rows.SelectMany(r => r.Cells).FirstOrDefault(
                c => MarkOf(c) == mark && !IsGrouped(c) && Parse(c, mark) is not null);
            _certain[mark] = cell;
        }
        return cell;
    }

    private static char? MarkOf(string cell) => cell.Contains('.', StringComparison.Ordinal)
        ? '.'
        : cell.Contains(',', StringComparison.Ordinal) ? ',' : null;

    private static double? Parse(string cell, char? mark)
    {
        string normalized = mark == ',' ? cell.Replace(',', '.') : cell;
        return double.TryParse(normalized, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number) ? number : null;
    }
}
