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
    /// <exception cref="DataFaultException">A column is not there, an output is empty above a measured one, or there
    /// are too few rows.</exception>
    public static ForecastData From(Table table, string[] inputs, string[] outputs)
    {
        double[][] columns = Array.ConvertAll(outputs, table.NumbersWhereMeasured);
        int count = table.RowCount;
        while (count > 0 && columns.All(c => double.IsNaN(c[count - 1])))
        {
            count--;
        }
        for (int i = 0; i < outputs.Length; i++)
        {
            int empty = Array.FindIndex(columns[i], 0, count, double.IsNaN);
            if (empty >= 0)
            {
                throw new DataFaultException(
                    $"{table.Name}, row {empty + 1}, column '{outputs[i]}': expected a number, got an empty cell; "
                    + "outputs may be empty only in the last rows, which are then forecast.");
            }
        }
        if (count < FewestRows)
        {
            throw new DataFaultException(
                $"{table.Name}: expected at least {FewestRows} measured rows to forecast from, got {count}."
                + table.HintOfShape);
        }
        double[][] known = Array.ConvertAll(inputs, table.Numbers);
        return new ForecastData(
            table.Name,
            inputs,
            outputs,
            Matrix<double>.Build.Dense(outputs.Length, count, (i, t) => columns[i][t]),
            Part(0, count),
            Part(count, table.RowCount - count));

        Matrix<double>? Part(int from, int rows) => inputs.Length == 0 || rows == 0
            ? null : Matrix<double>.Build.Dense(inputs.Length, rows, (i, t) => known[i][from + t]);
    }
}
