// Which columns of a table are meant: by name, in quotes where it holds commas, by number (#3), as a range (u1..u5), by
// a pattern (temp*) or as an exclusion (!temp_amb).

using System.Globalization;
using System.Text.RegularExpressions;

namespace Bptt.Cli.Data;

internal static class ColumnList
{
    private const string RangeSign = "..";

    /// <summary>The items of lists that are separated by commas outside quotes, as they were written. A quote begins
    /// where a name does.</summary>
    public static List<string> Split(IEnumerable<string> lists)
    {
        var items = new List<string>();
        foreach (string list in lists)
        {
            _ = Scan(list, items);
        }
        return items;
    }

    /// <summary>The items of lists as plain names: ranges, patterns and exclusions mean nothing here.</summary>
    public static string[] Names(IEnumerable<string> lists) =>
        [.. Split(lists).Select(item => IsInQuotes(item) ? Unquoted(item) : item)];

    /// <summary>Whether every quote in a list that begins a name also ends.</summary>
    public static bool IsBalanced(string list) => Scan(list, []);

    /// <summary>Whether an item stands for more than one column: an exclusion, a range or a pattern.</summary>
    public static bool StandsForMany(string item) => item.StartsWith('!')
        || item.Contains(RangeSign, StringComparison.Ordinal)
        || item.Contains('*', StringComparison.Ordinal)
        || item.Contains('?', StringComparison.Ordinal);

    /// <summary>The one column that is meant.</summary>
    public static string One(Table table, string item) => table.Has(item) ? item
        : IsInQuotes(item) ? Known(table, Unquoted(item))
        : NumberOf(table, item) ?? Known(table, item);

    /// <summary>The columns that are meant, each once, in the order in which they are named.</summary>
    /// <param name="table">The table.</param>
    /// <param name="items">What <see cref="Split"/> gave. Where the first excludes, all columns come before it.</param>
    /// <param name="reserved">Columns that patterns, ranges and exclusions do not stand for.</param>
    public static List<string> Resolve(Table table, IReadOnlyList<string> items, IReadOnlyCollection<string> reserved)
    {
        var names = new List<string>();
        for (int i = 0; i < items.Count; i++)
        {
            string item = items[i];
            if (item.StartsWith('!') && !table.Has(item))
            {
                if (i == 0)
                {
                    names.AddRange(Free(table.Columns));
                }
                string[] excluded = [.. Meant(table, item[1..].TrimStart(), name => name)];
                names.RemoveAll(excluded.Contains);
            }
            else
            {
                names.AddRange(Meant(table, item, Free).Where(n => !names.Contains(n)).Distinct().ToArray());
            }
        }
        return names.Count > 0 ? names : throw table.Fault(
            $"expected columns, got none by {string.Join(',', items)}.");

        IEnumerable<string> Free(IEnumerable<string> columns) =>
            columns.Where(c => c.Length > 0 && !reserved.Contains(c));
    }

    private static IEnumerable<string> Meant(
        Table table, string item, Func<IEnumerable<string>, IEnumerable<string>> free)
    {
        if (table.Has(item) || IsInQuotes(item))
        {
            return [One(table, item)];
        }
        int range = item.IndexOf(RangeSign, StringComparison.Ordinal);
        if (range > 0 && range + RangeSign.Length < item.Length)
        {
            string from = One(table, item[..range].Trim());
            string to = One(table, item[(range + RangeSign.Length)..].Trim());
            (int first, int last) = (table.IndexOf(from), table.IndexOf(to));
            return first <= last ? free(table.Columns.Skip(first).Take(last - first + 1)) : throw table.Fault(
                $"expected a range from a column to one after it, got '{item}', where '{to}' comes before '{from}'.");
        }
        if (item.Contains('*', StringComparison.Ordinal) || item.Contains('?', StringComparison.Ordinal))
        {
            var pattern = new Regex(
                $"^{Regex.Escape(item).Replace("\\*", ".*", StringComparison.Ordinal)
                    .Replace("\\?", ".", StringComparison.Ordinal)}$",
                RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            string[] matches = [.. table.Columns.Where(c => pattern.IsMatch(c))];
            return matches.Length > 0 ? free(matches) : throw table.Unknown(item);
        }
        return [One(table, item)];
    }

    /// <summary>The column of a number such as #3; null where it is none.</summary>
    private static string? NumberOf(Table table, string item)
    {
        if (!item.StartsWith('#') || item.Length == 1 || !item.Skip(1).All(char.IsAsciiDigit))
        {
            return null;
        }
        return int.TryParse(item[1..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= 1 && number <= table.Columns.Count
            ? Known(table, table.Columns[number - 1])
            : throw table.Fault($"expected a column from #1 to #{table.Columns.Count}, got '{item}'.");
    }

    private static string Known(Table table, string name)
    {
        _ = table.IndexOf(name);
        return name;
    }

    /// <summary>Adds the items of one list; returns whether the last quote ends.</summary>
    private static bool Scan(string list, List<string> items)
    {
        int start = 0;
        bool isQuoted = false;
        for (int i = 0; i <= list.Length; i++)
        {
            if (i == list.Length || (list[i] == ',' && !isQuoted))
            {
                string item = list[start..i].Trim();
                start = i + 1;
                if (item.Length > 0)
                {
                    items.Add(item);
                }
            }
            else if (list[i] == '"' && (isQuoted || BeginsName(list[start..i].Trim())))
            {
                isQuoted = !isQuoted;
            }
        }
        return !isQuoted;
    }

    /// <summary>Whether a name begins after what stands before it in its item; inside one, two quotes are
    /// one.</summary>
    private static bool BeginsName(string before) => before.TrimStart('!') is "" or ['"', .., '"']
        || before.EndsWith(RangeSign, StringComparison.Ordinal);

    private static bool IsInQuotes(string item) => item is ['"', .., '"']
        && !item[1..^1].Replace("\"\"", "", StringComparison.Ordinal).Contains('"', StringComparison.Ordinal);

    private static string Unquoted(string item) => item[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal);
}
