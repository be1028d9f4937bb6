// A series and its inputs as rows of numbers, one a step: what forecasting works on, also where there is no input.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>T rows of q values and as many of d inputs.</summary>
internal sealed record SeriesRows(double[][] Values, double[][] Inputs)
{
    public int Count => Values.Length;

    public int OutputSize => Values[0].Length;

    public int InputSize => Inputs[0].Length;

    public static SeriesRows Of(Matrix<double> series, Matrix<double>? inputs) =>
        new(RowsOf(series), RowsOf(inputs, series.ColumnCount));

    /// <summary>Columns as rows; of null, empty ones.</summary>
    public static double[][] RowsOf(Matrix<double>? columns, int count) => columns is null
        ? [.. Enumerable.Repeat(Array.Empty<double>(), count)]
        : RowsOf(columns);

    public SeriesRows First(int count) => new(Values[..count], Inputs[..count]);

    /// <summary>The last rows, at most so many.</summary>
    public SeriesRows Last(int count) => count >= Count ? this : new(Values[^count..], Inputs[^count..]);

    /// <summary>One value over all steps.</summary>
    public double[] Series(int output) => Array.ConvertAll(Values, row => row[output]);

    /// <summary>w of the values and differences of the inputs, with <see cref="SeriesTransform.Lost"/> rows
    /// fewer.</summary>
    public SeriesRows Differenced(SeriesTransform transform) => new(
        transform.Difference(Array.ConvertAll(Values, row => Array.ConvertAll(row, transform.Level))),
        transform.Difference(Inputs));

    private static double[][] RowsOf(Matrix<double> columns) =>
        [.. Enumerable.Range(0, columns.ColumnCount).Select(t => columns.Column(t).ToArray())];
}
