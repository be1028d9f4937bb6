// What residuals still hold: how they correlate with themselves and with inputs, and how likely that is by chance. Runs
// no model.
//
//   d  inputs      q  outputs      N  residuals of an output      M  lags

using Bptt.Edge;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>
/// Tests of residuals e_t = y_t − ŷ_t. Where a model explains all that can be explained, they are white and know
/// nothing of the inputs. Whiteness: Q = N(N + 2) Σ_{k=1..M} r_k²/(N − k) of the autocorrelations r_k is χ² with M
/// degrees of freedom (Ljung and Box 1978). Independence of an input: the same of the correlations with inputs 0 to M
/// steps before, after both are made white by autoregressions of their own, is χ² with M + 1 (Haugh 1976).
/// </summary>
/// <remarks>Residuals of a free run are correlated where disturbances are, and need not be white for a good simulator;
/// what correlates with inputs is missing from the model. With many residuals the smallest effect is significant: look
/// at the size of the correlations too.</remarks>
/// <example>
/// <code>
/// Matrix&lt;double&gt; residuals = targets - ForwardPass.Run(model, inputs).Outputs();
/// var analysis = ResidualAnalysis.Of(SequenceBatch.Pack([residuals]), SequenceBatch.Pack([inputs]), lags: 5);
/// Console.WriteLine($"r_1 = {analysis.Autocorrelation(0, 1):G2}");
/// Console.WriteLine($"were they white, with probability {analysis.WhitenessProbability(0):G2}");
/// if (analysis.IndependenceProbability(0, 0) &lt; 0.01)
/// {
///     Console.WriteLine($"input 1 explains more: {analysis.InputCorrelation(0, 0, 2):G2} two steps later");
/// }
/// </code>
/// </example>
public sealed class ResidualAnalysis
{
    private const int MostLags = 20;
    private const int FewestSteps = 8;

    private readonly double[][] _own;        // of each output, lags 0 … M
    private readonly double[] _whiteness;
    private readonly double[,][] _inputs;    // of each output and input, lags 0 … M
    private readonly double[,] _independence;

    private ResidualAnalysis(Series[] residuals, Series[] inputs, int lags)
    {
        Lags = lags;
        Count = residuals.Min(e => e.Count);
        Series[] whitened = [.. inputs.Select(u => u.Whitened(lags))];
        _own =
            [.. residuals.Select(e => Enumerable.Range(0, lags + 1).Select(k => e.Correlation(e, k).Value).ToArray())];
        _whiteness = [.. residuals.Select(e => Probability(e, e, 1, lags))];
        _inputs = new double[residuals.Length, inputs.Length][];
        _independence = new double[residuals.Length, inputs.Length];
        for (int i = 0; i < residuals.Length; i++)
        {
            Series own = residuals[i].Whitened(lags);
            for (int j = 0; j < inputs.Length; j++)
            {
                _inputs[i, j] =
                    [.. Enumerable.Range(0, lags + 1).Select(k => whitened[j].Correlation(own, k).Value)];
                _independence[i, j] = Probability(whitened[j], own, 0, lags);
            }
        }
    }

    /// <summary>M.</summary>
    public int Lags { get; }

    /// <summary>The fewest residuals of an output.</summary>
    public int Count { get; }

    /// <summary>What a correlation of white residuals exceeds once in twenty times: 1.96/√N.</summary>
    public double Bound => 1.96 / Math.Sqrt(Count);

    /// <summary>Analyses residuals.</summary>
    /// <param name="residuals">B sequences of q rows; NaN where a value is missing.</param>
    /// <param name="inputs">B sequences of d rows, as long.</param>
    /// <param name="lags">M, at least 1; where null 20, or a quarter of the steps of the longest sequence where they
    /// are fewer.</param>
    /// <exception cref="ArgumentNullException">A batch is null.</exception>
    /// <exception cref="ArgumentException">Numbers or lengths of sequences differ, an output has fewer than 8
    /// residuals, or M is not below the longest sequence's steps.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="lags"/> is below 1.</exception>
    /// <remarks>Cost O(N·M·(q + 1)(d + 1)).</remarks>
    public static ResidualAnalysis Of(SequenceBatch residuals, SequenceBatch inputs, int? lags = null)
    {
        ArgumentNullException.ThrowIfNull(residuals);
        ArgumentNullException.ThrowIfNull(inputs);
        Guard.AtLeastOne(lags ?? 1, nameof(lags));
        if (!residuals.Lengths.SequenceEqual(inputs.Lengths))
        {
            throw Guard.Error(nameof(inputs), "expected sequences as long as those of the residuals.");
        }
        int longest = residuals.Lengths.Max();
        int most = lags ?? Math.Clamp(longest / 4, 1, MostLags);
        if (most >= longest)
        {
            throw Guard.Error(
                nameof(lags), $"expected fewer lags than the longest sequence has steps, {longest}, got {most}.");
        }
        Series[] errors = Rows(residuals);
        if (errors.Min(e => e.Count) is int count and < FewestSteps)
        {
            throw Guard.Error(
                nameof(residuals), $"expected at least {FewestSteps} residuals of each output, got {count}.");
        }
        return new ResidualAnalysis(errors, Rows(inputs), most);
    }

    /// <summary>r_k of an output; 0 where its residuals are all the same.</summary>
    /// <param name="output">From 0.</param>
    /// <param name="lag">k, 0 to M.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such output or lag.</exception>
    public double Autocorrelation(int output, int lag) => _own[Index(output, _own.Length, nameof(output))][Lag(lag)];

    /// <summary>The probability of autocorrelations as large as these, or larger, were the residuals white.</summary>
    /// <param name="output">From 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such output.</exception>
    public double WhitenessProbability(int output) => _whiteness[Index(output, _own.Length, nameof(output))];

    /// <summary>The correlation of an output's residuals with an input some steps before, both made white.</summary>
    /// <param name="output">From 0.</param>
    /// <param name="input">From 0.</param>
    /// <param name="lag">0 to M.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such output, input or lag.</exception>
    public double InputCorrelation(int output, int input, int lag) => _inputs[
        Index(output, _own.Length, nameof(output)), Index(input, _inputs.GetLength(1), nameof(input))][Lag(lag)];

    /// <summary>The probability of correlations with an input as large as these, or larger, did residuals know nothing
    /// of it.</summary>
    /// <param name="output">From 0.</param>
    /// <param name="input">From 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such output or input.</exception>
    public double IndependenceProbability(int output, int input) => _independence[
        Index(output, _own.Length, nameof(output)), Index(input, _inputs.GetLength(1), nameof(input))];

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() =>
        $"ResidualAnalysis ({_own.Length} outputs, {_inputs.GetLength(1)} inputs, {Lags} lags)";

    private int Lag(int lag) => Index(lag, Lags + 1, nameof(lag));

    private static int Index(int value, int count, string name) => value >= 0 && value < count
        ? value : throw Guard.Range(name, $"expected 0 to {count - 1}, got {value}.");

    private static double Probability(Series before, Series after, int first, int last)
    {
        double n = Math.Min(before.Count, after.Count);
        double sum = 0.0;
        int terms = 0;
        for (int k = first; k <= last; k++)
        {
            (double r, double deviation) = before.Correlation(after, k);
            if (deviation > 0.0)
            {
                sum += r / deviation * (r / deviation);
                terms++;
            }
        }
        return terms == 0 ? 1.0 : 1.0 - ChiSquared.CDF(terms, (n + 2.0) / n * sum);
    }

    private static Series[] Rows(SequenceBatch batch)
    {
        Matrix<double>[] sequences = [.. Enumerable.Range(0, batch.Count).Select(batch.Sequence)];
        return
        [
            .. Enumerable.Range(0, batch.RowCount).Select(
                i => new Series([.. sequences.Select(s => s.Row(i).ToArray())])),
        ];
    }

    /// <summary>One signal over all sequences, without its mean; NaN where it is missing.</summary>
    private sealed class Series
    {
        private readonly double[][] _values;
        private readonly double _variance;

        public Series(double[][] values)
        {
            Count = values.Sum(v => v.Count(x => !double.IsNaN(x)));
            double mean = Count == 0 ? 0.0 : values.Sum(v => v.Where(x => !double.IsNaN(x)).Sum()) / Count;
            _values = Array.ConvertAll(values, v => Array.ConvertAll(v, x => x - mean));
            _variance = Count == 0 ? 0.0
                : _values.Sum(v => v.Where(x => !double.IsNaN(x)).Sum(x => x * x)) / Count;
        }

        public int Count { get; }

        /// <summary>Of this and another a number of steps later, Σ x_{t−k} y_t/(N σ_x σ_y) scaled up to the pairs that
        /// would be there were none missing; and its standard deviation where both are white and independent.</summary>
        public (double Value, double Deviation) Correlation(Series later, int lag)
        {
            double sum = 0.0;
            int pairs = 0;
            for (int b = 0; b < _values.Length; b++)
            {
                for (int t = lag; t < _values[b].Length; t++)
                {
                    double product = _values[b][t - lag] * later._values[b][t];
                    if (!double.IsNaN(product))
                    {
                        sum += product;
                        pairs++;
                    }
                }
            }
            double size = Math.Sqrt(_variance) * Math.Sqrt(later._variance) * pairs;
            double part = _values.Sum(v => Math.Max(0.0, v.Length - lag)) / _values.Sum(v => v.Length);
            return pairs == 0 ? (0.0, 0.0) : (size > 0.0 ? part * sum / size : 0.0, part / Math.Sqrt(pairs));
        }

        /// <summary>What an autoregression of so many lags leaves, by Levinson's recursion.</summary>
        public Series Whitened(int lags)
        {
            int order = Math.Min(lags, Count / 10);
            double[] coefficients = new double[order + 1];
            coefficients[0] = 1.0;
            double error = 1.0;
            double[] r = [.. Enumerable.Range(0, order + 1).Select(k => k == 0 ? 1.0 : Correlation(this, k).Value)];
            for (int k = 1; k <= order && error > 1e-10; k++)
            {
                double reflection = -Enumerable.Range(0, k).Sum(i => coefficients[i] * r[k - i]) / error;
                double[] next = [.. coefficients];
                for (int i = 1; i <= k; i++)
                {
                    next[i] = coefficients[i] + reflection * coefficients[k - i];
                }
                coefficients = next;
                error *= 1.0 - reflection * reflection;
            }
            return new Series(Array.ConvertAll(_values, v => v.Select((_, t) => Filtered(v, t)).ToArray()));

            double Filtered(double[] values, int t)
            {
                if (t < order)
                {
                    return double.NaN;
                }
                double sum = 0.0;
                for (int i = 0; i <= order; i++)
                {
                    sum += coefficients[i] * values[t - i];
                }
                return sum;
            }
        }
    }
}
