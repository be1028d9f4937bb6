// Forecasts as CSV.

using System.Globalization;
using Bptt.Forecasting;
using CsvHelper;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Console;

internal static class ForecastTable
{
    /// <summary>Writes a row for each step: the row of the table that it stands for (from 1), and for each output the
    /// forecast and the limits of each interval, in the unit of the data.</summary>
    /// <param name="writer">Stays open.</param>
    /// <param name="outputs">The names of the outputs.</param>
    /// <param name="measured">The rows that are measured.</param>
    /// <param name="forecast">What follows.</param>
    public static void Write(
        TextWriter writer, IReadOnlyList<string> outputs, int measured, SeriesForecast forecast)
    {
        Matrix<double> values = forecast.Values;
        (string Level, Matrix<double> Lower, Matrix<double> Upper)[] limits =
            [.. forecast.Intervals.Select(i => (Percent(i.Level), i.Lower, i.Upper))];
        using var csv = new CsvWriter(writer, CultureInfo.InvariantCulture, leaveOpen: true);
        csv.WriteField("row");
        foreach (string output in outputs)
        {
            csv.WriteField(output);
            foreach ((string level, _, _) in limits)
            {
                csv.WriteField($"{output} lower {level}");
                csv.WriteField($"{output} upper {level}");
            }
        }
        csv.NextRecord();
        for (int k = 0; k < forecast.Horizon; k++)
        {
            csv.WriteField(measured + k + 1);
            for (int i = 0; i < outputs.Count; i++)
            {
                csv.WriteField(Number(values[i, k]));
                foreach ((_, Matrix<double> lower, Matrix<double> upper) in limits)
                {
                    csv.WriteField(Number(lower[i, k]));
                    csv.WriteField(Number(upper[i, k]));
                }
            }
            csv.NextRecord();
        }
    }

    /// <summary>A level as people write it: 80, 99.5.</summary>
    public static string Percent(double level) => (100.0 * level).ToString("0.######", CultureInfo.InvariantCulture);

    private static string Number(double number) => number.ToString("G15", CultureInfo.InvariantCulture);
}
