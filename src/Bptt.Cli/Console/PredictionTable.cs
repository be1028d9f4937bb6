// Predictions as CSV.

using System.Globalization;
using Bptt.Files;
using CsvHelper;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Console;

internal static class PredictionTable
{
    /// <summary>Writes a row for each prediction: the columns that lead, and for each output the measured value where
    /// there is one and the predicted value, in the unit of the data.</summary>
    /// <param name="writer">Stays open.</param>
    /// <param name="channels">The q outputs.</param>
    /// <param name="predictions">q×N, scaled; NaN where there is none.</param>
    /// <param name="measured">q×N, scaled; NaN, or fewer columns, where a prediction is not measured yet; null where
    /// nothing is.</param>
    /// <param name="leading">Headings, and the cell of prediction t, t from 0.</param>
    public static void Write(
        TextWriter writer,
        IReadOnlyList<Channel> channels,
        Matrix<double> predictions,
        Matrix<double>? measured,
        IReadOnlyList<(string Heading, Func<int, string> Cell)> leading)
    {
        using var csv = new CsvWriter(writer, CultureInfo.InvariantCulture, leaveOpen: true);
        foreach ((string heading, _) in leading)
        {
            csv.WriteField(heading);
        }
        foreach (Channel channel in channels)
        {
            if (measured is not null)
            {
                csv.WriteField($"{channel.Name} measured");
            }
            csv.WriteField($"{channel.Name} predicted");
        }
        csv.NextRecord();

        for (int t = 0; t < predictions.ColumnCount; t++)
        {
            foreach ((_, Func<int, string> cell) in leading)
            {
                csv.WriteField(cell(t));
            }
            for (int i = 0; i < channels.Count; i++)
            {
                if (measured is not null)
                {
                    csv.WriteField(IsMeasured(measured, i, t) ? Number(channels[i], measured[i, t]) : "");
                }
                csv.WriteField(double.IsNaN(predictions[i, t]) ? "" : Number(channels[i], predictions[i, t]));
            }
            csv.NextRecord();
        }
    }

    private static bool IsMeasured(Matrix<double> measured, int i, int t) =>
        t < measured.ColumnCount && !double.IsNaN(measured[i, t]);

    private static string Number(Channel channel, double scaled) =>
        channel.Denormalize(scaled).ToString("G15", CultureInfo.InvariantCulture);
}
