// What a table shows that nobody asked about: columns that may name runs, times that jump or are irregular, rows that
// may be columns. Tells, and changes nothing.

using System.Globalization;
using System.Text.RegularExpressions;

namespace Bptt.Cli.Data;

internal static partial class Suspicions
{
    /// <summary>Differences of times within this of their median are regular.</summary>
    private const double Jitter = 0.1;

    /// <summary>Adds remarks to a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="settings">What is known of its runs and times.</param>
    /// <param name="used">The columns that are inputs and outputs.</param>
    public static void Tell(Table table, DataSettings settings, IReadOnlyCollection<string> used)
    {
        if (settings.Group is null)
        {
            TellGroups(table, settings, used);
        }
        else
        {
            TellScattered(table, settings.Group);
        }
        TimeColumn? time = settings.Time is string named
            ? TimeColumn.Of(table, named)
            : Enumerable.Range(0, table.Columns.Count)
                .Where(i => LooksLikeTime(table.Columns[i]) && !used.Contains(table.Columns[i]))
                .Select(i => TimeColumn.TryRead(table, i, out _)).FirstOrDefault(t => t is not null);
        if (time is not null)
        {
            TellSampling(table, settings, time);
        }
    }

    /// <summary>Adds a remark to a table to be fitted that has many more columns than rows.</summary>
    public static void TellShape(Table table)
    {
        if (table.HintOfShape.Length > 0)
        {
            table.Remark(table.HintOfShape.TrimStart(), isDoubt: true);
        }
    }

    /// <summary>Whether a column's name says that it holds times.</summary>
    public static bool LooksLikeTime(string name) => TimeName().IsMatch(name);

    private static void TellGroups(Table table, DataSettings settings, IReadOnlyCollection<string> used)
    {
        for (int column = 0; column < table.Columns.Count; column++)
        {
            string name = table.Columns[column];
            if (name.Length == 0 || name == settings.Time || used.Contains(name) || LooksLikeTime(name))
            {
                continue;
            }
            if (IsGroup(table, column) is (int values, int row))
            {
                table.Remark(
                    $"column '{name}' changes at {table.PlaceOf(row)} ({values} values), but all rows are taken for "
                        + $"one run; --group {Quoted(name)} makes a run of each value.",
                    isDoubt: true);
                return;
            }
        }
    }

    /// <summary>How many values a column has and where it first changes, where it may name runs: it says so by its
    /// name, or holds words, each in one stretch of rows. Null where not.</summary>
    private static (int Values, int Row)? IsGroup(Table table, int column)
    {
        bool isNamed = GroupName().IsMatch(table.Columns[column]);
        if (!isNamed && table.IsNumeric(column))
        {
            return null;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        int stretches = 0;
        int firstChange = 0;
        string? last = null;
        for (int row = 0; row < table.RowCount; row++)
        {
            string text = table.Text(column, row);
            if (table.IsMissing(column, row) || (isNamed && text.Contains('.', StringComparison.Ordinal)
                && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
            {
                return null; // a measurement
            }
            if (text != last)
            {
                stretches++;
                firstChange = stretches == 2 ? row : firstChange;
                seen.Add(text);
                last = text;
            }
        }
        bool isPlausible = seen.Count >= 2 && 2 * seen.Count <= table.RowCount && (isNamed || stretches == seen.Count);
        return isPlausible && (isNamed || TimeColumn.TryRead(table, column, out _) is null)
            ? (seen.Count, firstChange) : null;
    }

    private static void TellScattered(Table table, string group)
    {
        foreach (Run run in Run.Of(table, group))
        {
            int scattered = Enumerable.Range(1, run.Rows.Length - 1).FirstOrDefault(
                i => run.Rows[i] != run.Rows[i - 1] + 1, -1);
            if (scattered > 0)
            {
                table.Remark(
                    $"the rows of run {Table.Shown(run.Id!)} do not follow each other "
                        + $"(next at {table.PlaceOf(run.Rows[scattered])}); they are put together in the order of the "
                        + "table, as those of other runs.",
                    isDoubt: true);
                return;
            }
        }
    }

    private static void TellSampling(Table table, DataSettings settings, TimeColumn time)
    {
        var steps = new List<(double Length, int From, int To)>();
        foreach (Run run in Run.Of(table, settings.Group))
        {
            steps.AddRange(run.Rows.Zip(
                run.Rows.Skip(1), (from, to) => (time.Values[to] - time.Values[from], from, to)));
        }
        if (steps.Count == 0)
        {
            return;
        }
        (double Length, int From, int To) back = steps.FirstOrDefault(s => s.Length <= 0.0);
        if (back.To > 0)
        {
            string what = back.Length == 0.0 ? "stands still at" : "goes back at";
            table.Remark(
                $"time column '{time.Name}' {what} {table.PlaceOf(back.To)}, from {Table.Shown(time.Text(back.From))} "
                    + $"to {Table.Shown(time.Text(back.To))}, but these rows are taken for one run; "
                    + "--group COLUMN names the run of each row.",
                isDoubt: true);
            return;
        }
        double median = steps.Select(s => s.Length).Order().ElementAt(steps.Count / 2);
        (double Length, int From, int To) largest = steps.MaxBy(s => s.Length);
        double least = steps.Min(s => s.Length);
        if (largest.Length > (1.0 + Jitter) * median || least < (1.0 - Jitter) * median)
        {
            string unit = time.IsDate ? " s" : "";
            table.Remark(
                $"the sampling by '{time.Name}' is irregular, but each row is taken for one step: steps of "
                    + $"{Number(least)} to {Number(largest.Length)}{unit}, median {Number(median)}{unit}; the largest "
                    + $"gap is at {table.PlaceOf(largest.To)}, from {Table.Shown(time.Text(largest.From))} to "
                    + $"{Table.Shown(time.Text(largest.To))}.",
                isDoubt: true);
        }
    }

    private static string Number(double number) => number.ToString("G4", CultureInfo.InvariantCulture);

    private static string Quoted(string name) => name.All(c => char.IsLetterOrDigit(c) || c is '_' or '.' or '-')
        ? name : $"'{name}'";

    [GeneratedRegex(
        @"(^|[\W_])(time|timestamp|date|datetime|zeit|datum)([\W_]|$)|^t([\W_]*(s|sec|ms|h|min)\W*)?$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TimeName();

    [GeneratedRegex(
        @"(^|[\W_])(run|id|group|experiment|batch|trial|session|segment|sequence|series|episode|subject|cycle|file)s?"
            + @"([\W_]?(id|no|nr|number|name))?$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex GroupName();
}
