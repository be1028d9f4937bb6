// A column that holds the time of each row: numbers, or dates with or without a time of day.

using System.Globalization;

namespace Bptt.Cli.Data;

internal sealed class TimeColumn
{
    /// <summary>What dates may look like beside the form of ISO 8601; a form is taken where it fits every
    /// row.</summary>
    private static readonly string[][] Forms =
    [
        WithTimes("d.M.yyyy"), WithTimes("M/d/yyyy"), WithTimes("d/M/yyyy"), WithTimes("yyyy/M/d"),
    ];

    private readonly Table _table;
    private readonly int _column;

    private TimeColumn(Table table, int column, double[] values, bool isDate)
    {
        _table = table;
        _column = column;
        Values = values;
        IsDate = isDate;
    }

    public string Name => _table.Columns[_column];

    /// <summary>For each row of the table: the number, or the seconds since 1 January 2000.</summary>
    public IReadOnlyList<double> Values { get; }

    public bool IsDate { get; }

    /// <summary>Reads a column that is named as one of times.</summary>
    public static TimeColumn Of(Table table, string name)
    {
        int column = table.IndexOf(name);
        if (TryRead(table, column, out int bad) is TimeColumn time)
        {
            return time;
        }
        throw table.FaultAt(column, bad, "a time, as a number or a date, of the same form in every row");
    }

    /// <summary>Reads a column that may be one of times; null where it is not.</summary>
    /// <param name="table">The table.</param>
    /// <param name="column">The column, from 0.</param>
    /// <param name="bad">The first row that holds no time.</param>
    public static TimeColumn? TryRead(Table table, int column, out int bad)
    {
        double[] values = new double[table.RowCount];
        bad = 0;
        if (table.IsNumeric(column))
        {
            values = table.NumbersWhereMeasured(table.Columns[column]);
            bad = Array.FindIndex(values, double.IsNaN);
            return bad < 0 ? new TimeColumn(table, column, values, isDate: false) : null;
        }
        bad = table.FirstWithoutNumber(column);
        foreach (Func<string, DateTime?> read in Readers())
        {
            int row = 0;
            while (row < values.Length && read(table.Text(column, row)) is DateTime time)
            {
                values[row++] = (time - new DateTime(2000, 1, 1)).TotalSeconds;
            }
            if (row == values.Length)
            {
                return new TimeColumn(table, column, values, isDate: true);
            }
            bad = Math.Max(bad, row);
        }
        return null;
    }

    /// <summary>The time of a row (from 0) as it stands in the table.</summary>
    public string Text(int row) => _table.Text(_column, row);

    /// <summary>Seconds since 1 January 2000 as a date.</summary>
    public static DateTime DateOf(double seconds) => new DateTime(2000, 1, 1).AddSeconds(seconds);

    private static IEnumerable<Func<string, DateTime?>> Readers()
    {
        yield return text => text.Length >= 8
            && char.IsAsciiDigit(text[0])
            && text.Contains('-', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time.UtcDateTime : null;
        foreach (string[] forms in Forms)
        {
            yield return text => DateTime.TryParseExact(
                text, forms, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime time) ? time : null;
        }
    }

    private static string[] WithTimes(string date) =>
    [
        date, $"{date} H:mm", $"{date} H:mm:ss", $"{date} H:mm:ss.FFFFFFF",
        $"{date} h:mm tt", $"{date} h:mm:ss tt",
    ];
}
