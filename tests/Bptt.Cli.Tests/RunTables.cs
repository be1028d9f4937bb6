// Tables of several experiments with one system: y_t = 0.7 y_{t−1} + a_t − 0.4 b_t and some noise, each run from rest.

using System.Globalization;

namespace Bptt.Cli.Tests;

internal static class RunTables
{
    /// <summary>A row of a run: its run, its step from 0, inputs and output.</summary>
    internal readonly record struct Row(int Run, int Step, double A, double B, double Y);

    /// <summary>Runs of different lengths: 30, 34, 38, ….</summary>
    public static Row[] Rows(int runs = 5, double noise = 0.02)
    {
        var random = new Random(11);
        var rows = new List<Row>();
        for (int run = 0; run < runs; run++)
        {
            double y = 0.0;
            for (int t = 0; t < 30 + 4 * run; t++)
            {
                double a = Rounded(2.0 * random.NextDouble() - 1.0);
                double b = Rounded(2.0 * random.NextDouble() - 1.0);
                y = 0.7 * y + a - 0.4 * b;
                rows.Add(new Row(run, t, a, b, Rounded(y + noise * (random.NextDouble() - 0.5))));
            }
        }
        return [.. rows];
    }

    /// <summary>A table with the columns run, t (0.1 a step), a, b, y.</summary>
    public static string Csv(IEnumerable<Row> rows, Func<Row, string>? output = null) => "run,t,a,b,y\n"
        + string.Concat(rows.Select(r =>
            $"r{r.Run},{Text(0.1 * r.Step)},{Text(r.A)},{Text(r.B)},{output?.Invoke(r) ?? Text(r.Y)}\n"));

    /// <summary>A number as tables hold it.</summary>
    public static string Text(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);

    private static double Rounded(double number) => Math.Round(number, 6);
}
