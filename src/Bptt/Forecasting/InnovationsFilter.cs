// A fitted predictor in use: takes in one measured row after the other, and runs ahead on its own forecasts.
//
//   d  inputs      h  hidden units      q  outputs      δ  the polynomial of differences

using Bptt.Files;

namespace Bptt.Forecasting;

/// <summary>Where a filter stands. Immutable.</summary>
/// <param name="State">h_t of the last row; null before the first w.</param>
/// <param name="Latest">w_t of the last row, scaled; null before the first.</param>
/// <param name="Values">The last rows of values, as many as differences lose at most.</param>
/// <param name="Inputs">The last rows of inputs, likewise.</param>
internal sealed record FilterState(double[]? State, double[]? Latest, double[][] Values, double[][] Inputs)
{
    public static FilterState Before { get; } = new(null, null, [], []);
}

/// <summary>Moves the state of the network on from row to row.</summary>
internal sealed class InnovationsFilter
{
    /// <summary>Of states that are the same.</summary>
    private const double Rounding = 1e-9;

    private readonly PredictorFit _fit;
    private readonly double[] _whh; // column after column, as the others
    private readonly double[] _whx;
    private readonly double[] _wqh;
    private readonly List<double[]> _levels; // z
    private readonly List<double[]> _inputs;
    private double[]? _state;
    private double[]? _latest;

    public InnovationsFilter(PredictorFit fit, FilterState? at = null)
    {
        at ??= FilterState.Before;
        _fit = fit;
        _whh = fit.Model.Whh.ToColumnMajorArray();
        _whx = fit.Model.Whx.ToColumnMajorArray();
        _wqh = fit.Model.Wqh.ToColumnMajorArray();
        _levels = [.. at.Values.Select(row => Array.ConvertAll(row, fit.Transform.Level))];
        _inputs = [.. at.Inputs];
        (_state, _latest) = (at.State, at.Latest);
    }

    private InnovationsFilter(InnovationsFilter other)
    {
        (_fit, _whh, _whx, _wqh) = (other._fit, other._whh, other._whx, other._wqh);
        (_state, _latest) = (other._state, other._latest);
        _levels = [.. other._levels];
        _inputs = [.. other._inputs];
    }

    public FilterState At => new(
        _state,
        _latest,
        [.. _levels.Select(row => Array.ConvertAll(row, _fit.Transform.Value))],
        [.. _inputs]);

    /// <summary>Whether the state and what differences reach back to are those of another filter of the same fit, but
    /// for rounding.</summary>
    public bool IsAt(InnovationsFilter other) => _state is not null && other._state is not null
        && IsNear(_state, other._state) && IsNear(_latest!, other._latest!)
        && _levels.Zip(other._levels).All(l => IsNear(l.First, l.Second));

    /// <summary>Whether a row may be missing: the rows before tell what it was to be.</summary>
    public bool CanMiss => _levels.Count == _fit.Transform.Lost;

    /// <summary>Takes a measured row.</summary>
    /// <param name="values">y_t, length q; NaN where an output is missing, which its forecast stands for.</param>
    /// <param name="inputs">u_t, length d.</param>
    /// <returns>The scaled error of the forecast of this row, 0 for what is missing; null for the rows that differences
    /// lose.</returns>
    public double[]? Advance(double[] values, double[] inputs) =>
        AdvanceLevel(Array.ConvertAll(values, _fit.Transform.Level), inputs);

    /// <summary>z of the next rows, q numbers each; each forecast is taken for measured in the next. The filter stays
    /// where it is.</summary>
    /// <param name="inputs">The inputs of those rows.</param>
    /// <param name="horizon">How many.</param>
    public double[][] Ahead(double[][] inputs, int horizon)
    {
        var ahead = new InnovationsFilter(this);
        double[][] path = new double[horizon][];
        for (int k = 0; k < horizon; k++)
        {
            double[] forecast = Product(_wqh, ahead.Next(inputs[k]), _fit.OutputSize);
            double[] history = ahead.History(ahead._levels, _fit.OutputSize);
            path[k] = new double[forecast.Length];
            for (int i = 0; i < forecast.Length; i++)
            {
                path[k][i] = _fit.Outputs[i].Denormalize(forecast[i]) - history[i];
            }
            ahead.AdvanceLevel(path[k], inputs[k]);
        }
        return path;
    }

    private double[]? AdvanceLevel(double[] level, double[] inputs)
    {
        double[]? error = null;
        if (_levels.Count == _fit.Transform.Lost)
        {
            double[] state = Next(inputs);
            double[] history = History(_levels, level.Length);
            error = Product(_wqh, state, level.Length);
            for (int i = 0; i < level.Length; i++)
            {
                level[i] = double.IsNaN(level[i]) ? _fit.Outputs[i].Denormalize(error[i]) - history[i] : level[i];
            }
            double[] measured = Scaled(_fit.Outputs, level, history);
            for (int i = 0; i < error.Length; i++)
            {
                error[i] = measured[i] - error[i];
            }
            (_state, _latest) = (state, measured);
        }
        Keep(_levels, level);
        Keep(_inputs, inputs);
        return error;
    }

    /// <summary>h of the next row.</summary>
    private double[] Next(double[] inputs)
    {
        if (_state is null)
        {
            return _fit.Start;
        }
        double[] known = Scaled(_fit.Inputs, inputs, History(_inputs, inputs.Length));
        double[] next = Product(_whh, _state, _state.Length);
        double[] driven = Product(_whx, [.. known, .. _latest!], _state.Length);
        for (int i = 0; i < next.Length; i++)
        {
            next[i] += driven[i];
        }
        return next;
    }

    /// <summary>Σ_{i≥1} δ_i z_{t−i}.</summary>
    private double[] History(List<double[]> rows, int size)
    {
        ReadOnlySpan<double> polynomial = _fit.Transform.Polynomial;
        double[] sum = new double[size];
        for (int k = 1; k < polynomial.Length; k++)
        {
            for (int i = 0; i < size && polynomial[k] != 0.0; i++)
            {
                sum[i] += polynomial[k] * rows[^k][i];
            }
        }
        return sum;
    }

    private void Keep(List<double[]> rows, double[] row)
    {
        rows.Add(row);
        if (rows.Count > _fit.Transform.Lost)
        {
            rows.RemoveAt(0);
        }
    }

    private static bool IsNear(double[] left, double[] right)
    {
        double bound = Rounding * Math.Max(left.Max(Math.Abs), right.Max(Math.Abs));
        return left.Zip(right).All(x => Math.Abs(x.First - x.Second) <= bound);
    }

    private static double[] Scaled(Channel[] channels, double[] values, double[] history)
    {
        double[] scaled = new double[channels.Length];
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = channels[i].Normalize(values[i] + history[i]);
        }
        return scaled;
    }

    private static double[] Product(double[] matrix, double[] vector, int rows)
    {
        double[] product = new double[rows];
        for (int j = 0; j < vector.Length; j++)
        {
            for (int i = 0; i < rows; i++)
            {
                product[i] += matrix[j * rows + i] * vector[j];
            }
        }
        return product;
    }
}
