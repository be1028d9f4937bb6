// Forecasts of a series with their intervals, from a linear RNN that predicts the next row. What is fitted is chosen in
// StructureChoice; the file is in Forecaster.File.cs.
//
//   d  inputs      h  hidden units      q  outputs      T  rows      H  horizon

using Bptt.Edge;
using Bptt.Files;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>
/// A model in predictor form (also: innovations form; Ljung, <i>System Identification</i>, section 4.3): the bias-free
/// linear RNN h_t = W_hh h_{t−1} + W_hx [u_t; y_{t−1}], ŷ_t = W_qh h_t, with known inputs u, or none, and white errors
/// e_t = y_t − ŷ_t. With W_hx = [W_u K] the system itself is W_hh + K W_qh with W_u, which need not be stable: series
/// with a trend and plants that integrate are forecast as well as others.
/// </summary>
/// <remarks>
/// <para>Logarithm, differences and seasonal differences are taken first where that pays. Then it is an ARMA model,
/// with a season where there is one, by maximum likelihood: its polynomials are the entries of W_hh and W_hx; or a
/// network without structure, trained by exact back-propagation through time under an
/// <see cref="Identification.ImpulseResponsePrior"/>. Which of all these is chosen by forecasts of 1 to H rows over
/// three blocks in the second half of the rows given, each from what came before it.</para>
/// <para>Immutable; may be used from many threads.</para>
/// </remarks>
public sealed partial class Forecaster
{
    private const int LeastRows = 8;
    private const double LargestValue = 1e140;

    private readonly PredictorFit _fit;
    private readonly FilterState _at;

    private Forecaster(PredictorFit fit, FilterState at)
    {
        _fit = fit;
        _at = at;
    }

    /// <summary>The network that predicts the next row: d + q inputs, [u_t; y_{t−1}], after transformation and
    /// scaling.</summary>
    public LinearRnn Predictor => _fit.Model;

    /// <summary>d, the number of known inputs.</summary>
    public int InputSize => _fit.InputSize;

    /// <summary>q, the number of outputs.</summary>
    public int OutputSize => _fit.OutputSize;

    /// <summary>The names of the d inputs.</summary>
    public IReadOnlyList<string> InputNames => Array.ConvertAll(_fit.Inputs, c => c.Name);

    /// <summary>The names of the q outputs.</summary>
    public IReadOnlyList<string> OutputNames => Array.ConvertAll(_fit.Outputs, c => c.Name);

    /// <summary>Whether logarithms are modelled.</summary>
    public bool IsLog => _fit.Transform.IsLog;

    /// <summary>d of y_t − y_{t−1}, 0 or 1.</summary>
    public int Differences => _fit.Transform.Differences;

    /// <summary>D of y_t − y_{t−s}, 0 or 1.</summary>
    public int SeasonalDifferences => _fit.Transform.SeasonalDifferences;

    /// <summary>s; 1 for none.</summary>
    public int Season => _fit.Transform.Season;

    /// <summary>What was chosen, in words.</summary>
    public string Description => $"{_fit.Transform}{(_fit.Transform.ToString().Length > 0 ? "; " : "")}{_fit.Kind}";

    /// <summary>Chooses and fits.</summary>
    /// <param name="series">q×T: column t−1 is y_t. At least 8 steps.</param>
    /// <param name="inputs">d×T, known inputs u_t, which may act at the same step; null for none.</param>
    /// <param name="options">What is told; the defaults where null.</param>
    /// <returns>The forecaster, at the last row. Cost of some hundred fits of T rows: seconds for T = 200.</returns>
    /// <exception cref="ArgumentNullException">The series is null.</exception>
    /// <exception cref="ArgumentException">The series is too short, lengths differ, a number is NaN or infinite, names
    /// do not fit, or logarithms are asked for of values that are not above 0.</exception>
    public static Forecaster Fit(
        Matrix<double> series, Matrix<double>? inputs = null, ForecasterOptions? options = null)
    {
        options ??= new ForecasterOptions();
        SeriesRows rows = Rows(series, inputs, options);
        return Of(new StructureChoice(rows, options).Best(), rows, options);
    }

    /// <summary>Chooses and fits on the first rows, then forecasts from every later row but the last, each as if the
    /// rest were not known, beside simple methods.</summary>
    /// <param name="series">q×T, the rows to train on and those held out.</param>
    /// <param name="trainingCount">The rows that train, at least 8; all others are held out.</param>
    /// <param name="inputs">d×T; null for none. Those of held-out rows count as known.</param>
    /// <param name="options">What is told; the defaults where null.</param>
    /// <returns>The errors, and a forecaster of the same structure fitted again on all T rows. Cost as for
    /// <see cref="Fit"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No row is held out, or fewer than 8 train.</exception>
    /// <inheritdoc cref="Fit" path="/exception"/>
    public static ForecastEvaluation Evaluate(
        Matrix<double> series,
        int trainingCount,
        Matrix<double>? inputs = null,
        ForecasterOptions? options = null)
    {
        options ??= new ForecasterOptions();
        SeriesRows rows = Rows(series, inputs, options);
        if (trainingCount < LeastRows || trainingCount >= rows.Count)
        {
            throw Guard.Range(
                nameof(trainingCount),
                $"expected {LeastRows} to {rows.Count - 1} of {rows.Count} rows to train, got {trainingCount}.");
        }
        SeriesRows training = rows.First(trainingCount);
        Structure structure = new StructureChoice(training, options).Best();
        Forecaster judged = Of(structure, training, options);
        Forecaster final = structure.Fit(rows) is null
            ? judged.Update(rows, trainingCount) : Of(structure, rows, options);
        return new ForecastEvaluation(
            final, trainingCount, options.Horizon, ForecastScoring.Of(judged, rows, trainingCount, options.Horizon));
    }

    /// <summary>The next rows and their ranges.</summary>
    /// <param name="horizon">H, at least 1.</param>
    /// <param name="futureInputs">d×H, the inputs of those rows; null where there are no inputs.</param>
    /// <param name="levels">The probabilities of the intervals, each between 0 and 1; 0.8 and 0.95 where null.</param>
    /// <returns>Expected values and intervals. The error k rows ahead has the covariance Σ_{j&lt;k} Ψ_j Σ Ψ_jᵀ, where Σ
    /// is that of the errors of one step and Ψ_j what is left of one after j steps, differences undone; intervals are
    /// Student's, of the degrees of freedom of Σ, and limits of logarithms are taken back. Cost O(H h(h + d + q)).
    /// </returns>
    /// <exception cref="ArgumentNullException">There are inputs and <paramref name="futureInputs"/> is null.
    /// </exception>
    /// <exception cref="ArgumentException">The shape of the inputs does not fit, or a number is NaN or
    /// infinite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The horizon is below 1, or a level is not between 0 and
    /// 1.</exception>
    public SeriesForecast Forecast(
        int horizon, Matrix<double>? futureInputs = null, IReadOnlyList<double>? levels = null)
    {
        Guard.AtLeastOne(horizon, nameof(horizon));
        CheckInputs(futureInputs, horizon, nameof(futureInputs));
        levels ??= [0.8, 0.95];
        if (levels.FirstOrDefault(level => !(level > 0.0 && level < 1.0), 0.5) is double wrong and not 0.5)
        {
            throw Guard.Range(
                nameof(levels), $"expected probabilities between 0 and 1, got {NumberText.Exact(wrong)}.");
        }
        double[][] path = new InnovationsFilter(_fit, _at).Ahead(SeriesRows.RowsOf(futureInputs, horizon), horizon);
        double[][] errors = ForecastErrors.StandardErrors(_fit, horizon);
        PredictionInterval[] intervals = [.. levels.Select(level =>
        {
            double width = StudentT.InvCDF(0.0, 1.0, _fit.Freedom, 0.5 + 0.5 * level);
            return new PredictionInterval(level, Limit(-width), Limit(width));
        })];
        return new SeriesForecast(Limit(0.0), intervals);

        Matrix<double> Limit(double width) => Matrix<double>.Build.Dense(
            OutputSize, horizon, (i, k) => _fit.Transform.Value(path[k][i] + width * errors[k][i]));
    }

    /// <summary>The same model after more measured rows, which move its state and change no weight.</summary>
    /// <param name="series">q×n, the rows that follow the last; NaN where a value is missing: its forecast stands for
    /// it, and the state goes on without a correction.</param>
    /// <param name="inputs">d×n; null where there are no inputs.</param>
    /// <returns>A forecaster at the last of those rows. Cost O(n h(h + d + q)).</returns>
    /// <exception cref="ArgumentNullException">The series is null, or there are inputs and they are null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, a number is infinite, an input is NaN, or logarithms
    /// are modelled and a value is not above 0.</exception>
    public Forecaster Update(Matrix<double> series, Matrix<double>? inputs = null)
    {
        CheckRows(series, inputs);
        return Update(SeriesRows.Of(series, inputs), 0);
    }

    /// <summary>How many of the first rows of a series this forecaster has seen: after so many of them, from h_1 on,
    /// its state is reached. The series then goes on from there, and <see cref="Update(Matrix{double},
    /// Matrix{double})"/> takes the other rows.</summary>
    /// <param name="series">q×n; NaN where a value is missing.</param>
    /// <param name="inputs">d×n; null where there are no inputs.</param>
    /// <returns>0 where the state is not reached. Where models forget, rows before those that were seen may be others.
    /// Cost O(n h(h + d + q)).</returns>
    /// <inheritdoc cref="Update(Matrix{double}, Matrix{double})" path="/exception"/>
    public int CountSeen(Matrix<double> series, Matrix<double>? inputs = null)
    {
        CheckRows(series, inputs);
        var rows = SeriesRows.Of(series, inputs);
        var here = new InnovationsFilter(_fit, _at);
        var filter = new InnovationsFilter(_fit);
        int seen = 0;
        for (int t = 0; t < rows.Count; t++)
        {
            if (!filter.CanMiss && rows.Values[t].Any(double.IsNaN))
            {
                return 0;
            }
            filter.Advance(rows.Values[t], rows.Inputs[t]);
            seen = filter.IsAt(here) ? t + 1 : seen;
        }
        return seen;
    }

    /// <summary>The sizes and what was chosen, for a debugger.</summary>
    public override string ToString() => $"Forecaster (q = {OutputSize}, d = {InputSize}; {Description})";

    internal PredictorFit Fitted => _fit;

    private static Forecaster Of(Structure structure, SeriesRows rows, ForecasterOptions options)
    {
        PredictorFit fit = structure.Fit(rows) ?? throw Guard.Error(
            "series", $"expected a series that {structure.Kind} can be fitted to; other options may help.");
        fit = fit with
        {
            Inputs = Renamed(fit.Inputs, options.InputNames),
            Outputs = Renamed(fit.Outputs, options.OutputNames),
        };
        return new Forecaster(fit, FilterState.Before).Update(rows, 0);
    }

    private static Channel[] Renamed(Channel[] channels, IReadOnlyList<string>? names) => names is null
        ? channels : [.. channels.Select((c, i) => new Channel(names[i], c.Mean, c.Scale))];

    private Forecaster Update(SeriesRows rows, int from)
    {
        var filter = new InnovationsFilter(_fit, _at);
        for (int t = from; t < rows.Count; t++)
        {
            filter.Advance(rows.Values[t], rows.Inputs[t]);
        }
        return new Forecaster(_fit, filter.At);
    }

    private static SeriesRows Rows(Matrix<double> series, Matrix<double>? inputs, ForecasterOptions options)
    {
        Guard.NotEmpty(series, "q×T", nameof(series));
        Guard.Finite(series, nameof(series));
        if (series.ColumnCount < LeastRows)
        {
            throw Guard.Error(
                nameof(series),
                $"expected at least {LeastRows} steps, got {series.ColumnCount}"
                + $"{(series.RowCount > series.ColumnCount ? Guard.ColumnsAreSteps : "")}.");
        }
        if (inputs is not null)
        {
            Guard.NotEmpty(inputs, "d×T", nameof(inputs));
            Guard.Shape(inputs, inputs.RowCount, series.ColumnCount, "d×T, as long as the series", nameof(inputs));
            Guard.Finite(inputs, nameof(inputs));
        }
        if (options.OutputNames is { } outputs)
        {
            Guard.Length(outputs.Count, series.RowCount, "a name for each output", nameof(options));
        }
        if (options.InputNames is { } names)
        {
            Guard.Length(names.Count, inputs?.RowCount ?? 0, "a name for each input", nameof(options));
        }
        if (series.Enumerate().Max(Math.Abs) is double largest and > LargestValue)
        {
            throw Guard.Error(
                nameof(series), $"expected numbers whose squares can be added, got {NumberText.Exact(largest)}.");
        }
        RequireLog(series, options.Log == true);
        return SeriesRows.Of(series, inputs);
    }

    private void CheckRows(Matrix<double> series, Matrix<double>? inputs)
    {
        Guard.NotEmpty(series, "q×n", nameof(series));
        Guard.NotSteps(series, OutputSize, "q×n", nameof(series));
        Guard.Shape(series, OutputSize, series.ColumnCount, "q×n", nameof(series));
        Guard.Finite(series.Map(y => double.IsNaN(y) ? 0.0 : y), nameof(series));
        CheckInputs(inputs, series.ColumnCount, nameof(inputs));
        RequireLog(series, IsLog);
    }

    private static void RequireLog(Matrix<double> series, bool isLog)
    {
        double least = series.Enumerate().Where(y => !double.IsNaN(y)).DefaultIfEmpty(1.0).Min();
        if (isLog && least <= 0.0)
        {
            throw Guard.Error(
                nameof(series), $"expected values above 0, whose logarithms exist, got {NumberText.Exact(least)}.");
        }
    }

    private void CheckInputs(Matrix<double>? inputs, int count, string name)
    {
        if (InputSize == 0)
        {
            return;
        }
        ArgumentNullException.ThrowIfNull(inputs, name);
        Guard.Shape(inputs, InputSize, count, "d rows, a column for each step", name);
        Guard.Finite(inputs, name);
    }
}
