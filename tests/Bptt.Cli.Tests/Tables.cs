// Small tables to fit, and how columns of numbers become a table.

using System.Globalization;
using Bptt.Cli.Data;

namespace Bptt.Cli.Tests;

internal static class Tables
{
    private const int GrowingRows = 9000;

    /// <summary>The first 40 rows of <see cref="Growing"/>.</summary>
    public static string GrowingTrainingFraction => $"{40.0 / GrowingRows}";

    /// <summary>Inputs a and b, outputs y and z: y_t = 0.6 y_{t−1} + a_t − 0.5 b_t + noise, z_t = 10 + y_{t−1} +
    /// b_t.</summary>
    public static string TwoByTwo(int rows)
    {
        double[,] table = new double[rows, 4];
        var random = new Random(7);
        double previous = 0.0;
        for (int t = 0; t < rows; t++)
        {
            double a = 2.0 * random.NextDouble() - 1.0;
            double b = 2.0 * random.NextDouble() - 1.0;
            double y = 0.6 * previous + a - 0.5 * b + 0.05 * (random.NextDouble() - 0.5);
            (table[t, 0], table[t, 1], table[t, 2], table[t, 3]) = (a, b, y, 10.0 + previous + b);
            previous = y;
        }
        return Csv(["a", "b", "y", "z"], table);
    }

    /// <summary>Numbers are written so that they are read back bit for bit.</summary>
    public static string Csv(string[] header, double[,] table)
    {
        IEnumerable<string> rows = Enumerable.Range(0, table.GetLength(0)).Select(t => string.Join(
            ',',
            Enumerable.Range(0, header.Length).Select(i => table[t, i].ToString("R", CultureInfo.InvariantCulture))));
        return string.Join('\n', rows.Prepend(string.Join(',', header))) + "\n";
    }

    /// <summary>Columns as the command would read them from a file.</summary>
    public static Dataset Dataset(
        double trainingFraction,
        bool predictNext,
        string[] inputs,
        string[] outputs,
        params (string Name, double[] Values)[] columns)
    {
        double[,] table = new double[columns[0].Values.Length, columns.Length];
        for (int t = 0; t < table.GetLength(0); t++)
        {
            for (int i = 0; i < columns.Length; i++)
            {
                table[t, i] = columns[i].Values[t];
            }
        }
        string csv = Csv(columns.Select(c => c.Name).ToArray(), table);
        return DatasetBuilder.From(
            CsvTable.Read(new StringReader(csv), "data.csv"),
            inputs,
            outputs,
            new DataSettings { PredictNext = predictNext, TrainingFraction = trainingFraction });
    }

    /// <summary>The table with one line (from 1, the header) replaced.</summary>
    public static string WithLine(string csv, int line, string text)
    {
        string[] lines = csv.Split('\n');
        lines[line - 1] = text;
        return string.Join('\n', lines);
    }

    /// <summary>A table of 9000 rows whose first 40 teach growth, which exceeds every double over the others; to be
    /// fitted with <see cref="GrowingTrainingFraction"/>.</summary>
    public static string Growing()
    {
        double[,] table = new double[GrowingRows, 2];
        for (int t = 0; t < GrowingRows; t++)
        {
            table[t, 0] = t % 7 == 0 ? 1.0 : 0.0;
            table[t, 1] = t < 40 ? Math.Pow(1.3, t) : t % 3;
        }
        return Csv(["a", "y"], table);
    }
}
