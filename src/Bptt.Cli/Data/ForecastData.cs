// The rows of a table that are measured, and the inputs of those to come.

using Bptt.Cli.Console;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Data;

/// <summary>A series to forecast.</summary>
/// <param name="Name">What messages call the table.</param>
/// <param name="Inputs">The names of the d inputs.</param>
/// <param name="Outputs">The names of the q outputs.</param>
/// <param name="Series">q×T, the measured rows.</param>
/// <param name="Known">d×T, their inputs; null where there are none.</param>
/// <param name="Future">d×n, the inputs of the rows below, whose outputs are empty; null where there are none.</param>
internal sealed record ForecastData(
    string Name,
    string[] Inputs,
    string[] Outputs,
    Matrix<double> Series,
    Matrix<double>? Known,
    Matrix<double>? Future)
{
    private const int FewestRows = 10;

    /// <summary>T, the measured rows.</summary>
    public int Count => Series.ColumnCount;

    /// <summary>How far the inputs to come reach; any number of rows where there are no inputs.</summary>
    public int MostSteps => Inputs.Length == 0 ? int.MaxValue : Future?.ColumnCount ?? 0;

    /// <summary>Takes the named columns of a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="inputs">The names of the inputs.</param>
    /// <param name="outputs">The names of the outputs.</param>
    /// <param name="missing">What is done about missing values above the last measured row.</param>
    /// <param name="isFitted">Whether a model is fitted, which needs some rows and no missing outputs; or else one that
    /// is there goes on over NaN.</param>
    /// <exception cref="DataFaultException">A column is not there, a value is missing that may not be, or there are too
    /// few rows.</exception>
    public static ForecastData From(
        Table table, string[] inputs, string[] outputs, Missing missing = Missing.Mask, bool isFitted = true)
    {
        double[][] columns = Array.ConvertAll(outputs, table.NumbersWhereMeasured);
        int count = table.RowCount;
        while (count > 0 && columns.All(c => double.IsNaN(c[count - 1])))
        {
            count--;
        }
        int fewest = isFitted ? FewestRows : 1;
        if (count < fewest)
        {
            throw new DataFaultException($"{table.Name}: expected at least {fewest} measured "
                + $"row{(fewest == 1 ? "" : "s")} to forecast from, got {count}.{table.HintOfShape}");
        }
        for (int i = 0; i < outputs.Length; i++)
        {
            int first = Array.FindIndex(columns[i], 0, count, double.IsNaN);
            if (first < 0)
            {
                continue;
            }
            if (missing == Missing.Refuse || (isFitted && missing == Missing.Mask))
            {
                string hint = missing == Missing.Refuse ? "" : "; --missing interpolate fills it on a straight line";
                throw table.FaultAt(
                    table.IndexOf(outputs[i]),
                    first,
                    "a number",
                    $"{hint}; outputs may be empty in the last rows, which are then forecast");
            }
            TellMissing(table, $"output '{outputs[i]}'", columns[i][..count], missing);
            if (missing == Missing.Interpolate)
            {
                Filled(table, outputs[i], columns[i][..count]).CopyTo(columns[i], 0);
            }
        }
        double[][] known = Array.ConvertAll(inputs, name => KnownOf(table, name, missing));
        return new ForecastData(
            table.Name,
            inputs,
            outputs,
            Matrix<double>.Build.Dense(outputs.Length, count, (i, t) => columns[i][t]),
            Part(0, count),
            Part(count, table.RowCount - count));

        static void TellMissing(Table table, string what, double[] values, Missing missing)
        {
            string how = missing == Missing.Interpolate ? "interpolated" : "passed over: forecasts stand for them";
            int count = values.Count(double.IsNaN);
            table.Remark($"{count} of {values.Length} values of the {what} are missing and {how}.");
        }

        static double[] Filled(Table table, string name, double[] values) => Gaps.Filled(values)
            ?? throw table.Fault($"expected column '{name}' to hold a value to interpolate from, got none.");

        static double[] KnownOf(Table table, string name, Missing missing)
        {
            double[] values = missing == Missing.Interpolate ? table.NumbersWhereMeasured(name) : table.Numbers(name);
            if (values.Any(double.IsNaN))
            {
                TellMissing(table, $"input '{name}'", values, missing);
            }
            return missing == Missing.Interpolate ? Filled(table, name, values) : values;
        }

        Matrix<double>? Part(int from, int rows) => inputs.Length == 0 || rows == 0
            ? null : Matrix<double>.Build.Dense(inputs.Length, rows, (i, t) => known[i][from + t]);
    }
}
