// One training set of an estimation, all steps or those that a fold keeps, and the candidates fitted to it. Compares
// nothing.
//
//   d  inputs      q  outputs      B  sequences      n  order

using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>How a candidate is fitted.</summary>
internal enum EstimationMethod
{
    /// <summary>Least output error of the free run.</summary>
    OutputError,

    /// <summary>Least prediction error one step ahead, run freely.</summary>
    PredictionError,

    /// <summary>A regression on past inputs and outputs, run freely.</summary>
    Regression,
}

/// <summary>What tells one candidate from another.</summary>
internal readonly record struct CandidateKey(EstimationMethod Method, FreeParts Parts, bool HasPrior, int Order);

/// <summary>A candidate as it is run freely: x_{t+1} = A x_t + B u_t, y_t = C x_t + D u_t + c from x_1, for channels of
/// size 1.</summary>
internal sealed record FittedCandidate(
    Matrix<double> A,
    Matrix<double> B,
    Matrix<double> C,
    Matrix<double> D,
    Matrix<double> States,
    Vector<double> Offset)
{
    /// <summary>The same as a network, where it was fitted as one.</summary>
    public FreeSystem? System { get; init; }

    public static FittedCandidate Of(FreeSystem system)
    {
        LinearRnn model = system.Model;
        return new FittedCandidate(
            model.Whh,
            model.Whx,
            model.Wqh * model.Whh,
            model.Wqh * model.Whx + system.Direct,
            system.States,
            system.Offset)
        {
            System = system,
        };
    }

    /// <summary>ŷ_1 … ŷ_T, q×T.</summary>
    public Matrix<double> Run(Matrix<double> inputs, int sequence)
    {
        Matrix<double> driven = B * inputs;
        var states = Matrix<double>.Build.Dense(A.RowCount, inputs.ColumnCount);
        Vector<double> state = States.Column(sequence);
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            states.SetColumn(t, state);
            state = A * state + driven.Column(t);
        }
        Matrix<double> outputs = C * states + D * inputs;
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            outputs.SetColumn(t, outputs.Column(t) + Offset);
        }
        return outputs;
    }
}

/// <summary>Candidates fitted to steps of given weights. Not for several threads at once.</summary>
internal sealed class EstimationPart(
    EstimationData data, double[][] weights, ResponseKernel kernel, int maxOrder, ExecutionOptions execution)
{
    private const double Tolerance = 1e-4;
    private const int MostSteps = 40;
    private const int TrialSteps = 6;
    private const int Trials = 2;
    /// <summary>Of the realisations those that gave the best starts for the first candidate of an order: the others of
    /// that order begin from them.</summary>
    private const int KeptRealizations = 3;

    /// <summary>Variance of what h_0 does to outputs, which have 1: of no more than twice their deviation.</summary>
    private const double StateVariance = 4.0;

    private const double Negligible = 1e-8;
    private const int LongestPrior = 4000;

    /// <summary>How much longer than the response the steps are on which it is held to be zero.</summary>
    private const int TailLags = 3;

    private const int FewestTailSteps = 100;

    private readonly Dictionary<CandidateKey, FittedCandidate?> _fits = [];
    private readonly Dictionary<(FreeParts, bool), OutputErrorProblem> _problems = [];
    private readonly Dictionary<int, PredictorModel?> _predictors = [];
    private readonly Lazy<IdentificationData?> _stretches = new(() => data.ForStarts(weights));
    private readonly Dictionary<int, List<HankelRealization>> _best = [];
    private List<HankelRealization>? _realizations;

    /// <summary>The candidate; null where the data do not allow it.</summary>
    /// <param name="key">Which.</param>
    /// <param name="near">The candidate fitted to other parts of the same data, to begin from where it is fitted by
    /// output error; empty for starts of its own.</param>
    /// <param name="cancellation">Ends it.</param>
    public FittedCandidate? Fit(
        CandidateKey key, IReadOnlyList<FittedCandidate> near, CancellationToken cancellation)
    {
        if (!_fits.TryGetValue(key, out FittedCandidate? fit))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                fit = key.Method switch
                {
                    EstimationMethod.OutputError => OutputError(key, near, cancellation),
                    EstimationMethod.PredictionError => PredictionError(key, cancellation),
                    _ => Regression(key, cancellation),
                };
            }
            catch (Exception e) when (e is NonConvergenceException or ArithmeticException)
            {
                fit = null;
            }
            _fits[key] = fit;
        }
        return fit;
    }

    /// <summary>Σ w ‖ŷ_t − y_t‖² over steps of other weights; infinite where the run leaves the range of
    /// numbers.</summary>
    public double SquaredError(FittedCandidate fit, double[][] left)
    {
        double sum = 0.0;
        for (int b = 0; b < data.Count; b++)
        {
            Matrix<double> outputs = fit.Run(data.Inputs[b], b);
            for (int t = 0; t < left[b].Length; t++)
            {
                if (left[b][t] > 0.0)
                {
                    Vector<double> error = outputs.Column(t) - data.Targets[b].Column(t);
                    sum += left[b][t] * error.DotProduct(error);
                }
            }
        }
        return double.IsFinite(sum) ? sum : double.PositiveInfinity;
    }

    /// <summary>A fit to other steps goes on to the end on these.</summary>
    public FittedCandidate? Refine(
        CandidateKey key, FreeSystem system, int mostSteps, double tolerance, CancellationToken cancellation)
    {
        OutputErrorProblem problem = ProblemOf(key.Parts, key.HasPrior);
        if (key.Method == EstimationMethod.PredictionError)
        {
            OutputErrorPoint still = problem.Evaluate(FreeSystem.Of(system.Model, data.Count));
            return FittedCandidate.Of(OutputErrorSearch.WithBestStates(problem, still, cancellation).System);
        }
        OutputErrorPoint? point = system.States.ColumnCount == data.Count ? problem.Evaluate(system) : null;
        OutputErrorPoint? again =
            EstimationStarts.From(problem, system.Model.Whh, system.Model.Wqh, cancellation);
        if (again is not null && (point is null || again.Loss < point.Loss))
        {
            point = again;
        }
        return point is null ? null : FittedCandidate.Of(
            OutputErrorSearch.Run(problem, point, mostSteps, tolerance, cancellation).System);
    }

    private FittedCandidate? OutputError(
        CandidateKey key, IReadOnlyList<FittedCandidate> near, CancellationToken cancellation)
    {
        OutputErrorProblem problem = ProblemOf(key.Parts, key.HasPrior);
        OutputErrorPoint[] others = [.. near.Select(f => f.System).OfType<FreeSystem>().Select(problem.Evaluate)];
        if (others.Length > 0)
        {
            return FittedCandidate.Of(OutputErrorSearch.Run(
                problem, others.MinBy(s => s.Loss)!, MostSteps, Tolerance, cancellation).System);
        }
        List<OutputErrorPoint> starts = [];
        List<(HankelRealization Realization, double Loss)> ranking = [];
        foreach (HankelRealization realization in _best.GetValueOrDefault(key.Order) ?? Realizations(cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            if (realization.MaxOrder >= key.Order
                && EstimationStarts.From(problem, realization, key.Order, cancellation) is OutputErrorPoint start)
            {
                starts.Add(start);
                ranking.Add((realization, start.Loss));
            }
        }
        _best.TryAdd(key.Order, [.. ranking.OrderBy(r => r.Loss).Take(KeptRealizations).Select(r => r.Realization)]);
        if (PredictorOf(key.Order, cancellation) is PredictorModel predictor)
        {
            LinearRnn simulator = predictor.Simulator();
            if (EstimationStarts.From(problem, simulator.Whh, simulator.Wqh, cancellation) is OutputErrorPoint start)
            {
                starts.Add(start);
            }
        }
        foreach ((CandidateKey other, FittedCandidate? fit) in _fits)
        {
            if (other.Order == key.Order && fit?.System is FreeSystem system
                && EstimationStarts.From(problem, system.Model.Whh, system.Model.Wqh, cancellation)
                    is OutputErrorPoint start)
            {
                starts.Add(start);
            }
        }
        if (starts.Count == 0)
        {
            return null;
        }
        List<OutputErrorPoint> tried =
        [
            .. starts.OrderBy(s => s.Loss).Take(Trials).Select(s => OutputErrorSearch.Run(
                problem, EstimationStarts.Finished(problem, s, cancellation), TrialSteps, Tolerance, cancellation)),
        ];
        OutputErrorPoint best = tried.MinBy(s => s.Loss)!;
        best = OutputErrorSearch.Run(problem, best, MostSteps, Tolerance, cancellation);
        return FittedCandidate.Of(best.System);
    }

    private FittedCandidate? PredictionError(CandidateKey key, CancellationToken cancellation)
    {
        if (PredictorOf(key.Order, cancellation) is not PredictorModel predictor)
        {
            return null;
        }
        OutputErrorProblem problem = ProblemOf(key.Parts, hasPrior: false);
        OutputErrorPoint point = problem.Evaluate(FreeSystem.Of(predictor.Simulator(), data.Count));
        return FittedCandidate.Of(OutputErrorSearch.WithBestStates(problem, point, cancellation).System);
    }

    private FittedCandidate? Regression(CandidateKey key, CancellationToken cancellation)
    {
        if (_stretches.Value is not IdentificationData stretches
            || ArxModel.Fit(stretches, key.Order, cancellation) is not ArxModel arx)
        {
            return null;
        }
        (Matrix<double> a, Matrix<double> b, Matrix<double> c, Matrix<double> d) = arx.ToStates();
        return Diagnostics.Spectrum.RadiusOf(a) >= 1.0 ? null : new FittedCandidate(
            a,
            b,
            c,
            d,
            Matrix<double>.Build.Dense(a.RowCount, data.Count),
            Vector<double>.Build.Dense(c.RowCount));
    }

    /// <summary>The innovations form of an order; null where the data are too few.</summary>
    public PredictorModel? PredictorOf(int order, CancellationToken cancellation)
    {
        if (!_predictors.TryGetValue(order, out PredictorModel? predictor))
        {
            predictor = _stretches.Value is IdentificationData stretches
                ? PredictorModel.Fit(stretches, order, 20, execution, cancellation) : null;
            _predictors[order] = predictor;
        }
        return predictor;
    }

    private List<HankelRealization> Realizations(CancellationToken cancellation) =>
        _realizations ??= _stretches.Value is IdentificationData stretches
            ? EstimationStarts.Realizations(stretches, kernel, maxOrder, cancellation) : [];

    private OutputErrorProblem ProblemOf(FreeParts parts, bool hasPrior)
    {
        if (_problems.TryGetValue((parts, hasPrior), out OutputErrorProblem? problem))
        {
            return problem;
        }
        List<Matrix<double>> inputs = [.. data.Inputs];
        List<Matrix<double>> targets = [.. data.Targets];
        List<double[]> all = [.. weights];
        int longest = inputs.Max(u => u.ColumnCount);
        int lags = (int)Math.Clamp(Math.Ceiling(Math.Log(Negligible) / Math.Log(kernel.Decay)), 1, longest);
        if (hasPrior)
        {
            AddPrior(
                inputs,
                targets,
                all,
                Math.Min(lags, LongestPrior),
                Math.Min(longest, Math.Min(Math.Max(TailLags * lags, FewestTailSteps), LongestPrior)));
        }
        if (parts.States)
        {
            // What h_0 does is no larger than the outputs are; under the prior it fades as responses do.
            foreach (Matrix<double> sequence in data.Inputs)
            {
                int length = Math.Min(sequence.ColumnCount, LongestPrior);
                inputs.Add(Matrix<double>.Build.Dense(data.InputSize, length));
                targets.Add(Matrix<double>.Build.Dense(data.OutputSize, length));
                all.Add(ImpulseResponsePrior.Thinned([.. Enumerable.Range(0, length).Select(k => kernel.Variance
                    / (StateVariance * (hasPrior ? Math.Max(Negligible, Math.Pow(kernel.Decay, k)) : 1.0)))]));
            }
        }
        problem = new OutputErrorProblem(
            SequenceBatch.Pack(inputs), SequenceBatch.Pack(targets), all, data.Count, parts, execution);
        _problems[(parts, hasPrior)] = problem;
        return problem;
    }

    /// <summary>As <see cref="ImpulseResponsePrior.Extend"/>, of fewer late steps.</summary>
    private void AddPrior(
        List<Matrix<double>> inputs, List<Matrix<double>> targets, List<double[]> all, int lags, int longest)
    {
        (double a, double c) = (kernel.Decay, kernel.Scale);
        double[] differences = new double[lags];
        double[] tail = new double[longest];
        for (int k = 1; k < lags; k++)
        {
            differences[k] = 1.0 / (c * Math.Max(Negligible, Math.Pow(a, k)) * (1.0 - a));
        }
        for (int k = lags - 1; k < longest; k++)
        {
            tail[k] = 1.0 / (c * Math.Max(Negligible, Math.Pow(a, k + 1)));
        }
        (differences, tail) = (ImpulseResponsePrior.Thinned(differences), ImpulseResponsePrior.Thinned(tail));
        for (int j = 0; j < data.InputSize; j++)
        {
            var pair = Matrix<double>.Build.Dense(data.InputSize, lags);
            var pulse = Matrix<double>.Build.Dense(data.InputSize, longest);
            pair[j, 0] = pulse[j, 0] = 1.0;
            if (lags > 1)
            {
                pair[j, 1] = -1.0;
            }
            inputs.AddRange([pair, pulse]);
            targets.AddRange([
                Matrix<double>.Build.Dense(data.OutputSize, lags), Matrix<double>.Build.Dense(data.OutputSize, longest),
            ]);
            all.AddRange([differences, tail]);
        }
    }
}
