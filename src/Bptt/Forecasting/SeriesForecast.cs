// A forecast: values to come and the ranges that they lie in. Data only.
//
//   q  outputs      H  horizon

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>Forecasts of the next H rows, in the unit of the series. Immutable.</summary>
public sealed class SeriesForecast
{
    private readonly Matrix<double> _values;

    internal SeriesForecast(Matrix<double> values, IReadOnlyList<PredictionInterval> intervals)
    {
        _values = values;
        Intervals = intervals;
    }

    /// <summary>H.</summary>
    public int Horizon => _values.ColumnCount;

    /// <summary>The expected values, q×H: column k−1 is k steps ahead. Of a series that is modelled by its logarithm
    /// they are the medians. Every call makes an independent copy.</summary>
    public Matrix<double> Values => _values.Clone();

    /// <summary>A range for each level that was asked for, in that order.</summary>
    public IReadOnlyList<PredictionInterval> Intervals { get; }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() => $"SeriesForecast (q = {_values.RowCount}, H = {Horizon})";
}

/// <summary>The limits between which a value lies with a given probability. Immutable.</summary>
public sealed class PredictionInterval
{
    private readonly Matrix<double> _lower;
    private readonly Matrix<double> _upper;

    internal PredictionInterval(double level, Matrix<double> lower, Matrix<double> upper)
    {
        Level = level;
        _lower = lower;
        _upper = upper;
    }

    /// <summary>The probability, such as 0.95.</summary>
    public double Level { get; }

    /// <summary>The lower limits, q×H. Every call makes an independent copy.</summary>
    public Matrix<double> Lower => _lower.Clone();

    /// <summary>The upper limits, q×H. Every call makes an independent copy.</summary>
    public Matrix<double> Upper => _upper.Clone();

    /// <summary>The level, for a debugger.</summary>
    public override string ToString() => $"PredictionInterval ({NumberText.Significant(100.0 * Level, 4)} %)";
}
