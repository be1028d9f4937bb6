// Which candidate the folds favour: scores of each, and the search over kinds, parts and orders. Fits nothing itself.
//
//   n  order      K  folds

namespace Bptt.Identification;

/// <summary>Every candidate is fitted to the steps that a fold keeps and judged on those that it leaves out.</summary>
internal sealed class CandidateComparison
{
    /// <summary>Orders in a row that bring nothing before the search ends.</summary>
    private const int Patience = 3;

    /// <summary>A larger order must reduce the error by this part to count as better.</summary>
    private const double Worthwhile = 2e-3;

    /// <summary>A smaller order is taken within a standard error, but never for more than this part of the
    /// error.</summary>
    private const double MostGiven = 0.02;

    private readonly EstimationPart[] _parts;
    private readonly double[][][] _left;
    private readonly SystemIdentificationOptions _options;
    private readonly int _maxOrder;
    private readonly Action<string> _report;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<CandidateKey, double[]> _errors = [];
    private readonly List<CandidateKey> _order = [];

    public CandidateComparison(
        EstimationPart[] parts,
        double[][][] left,
        SystemIdentificationOptions options,
        int maxOrder,
        Action<string> report,
        CancellationToken cancellation)
    {
        (_parts, _left, _options, _maxOrder) = (parts, left, options, maxOrder);
        (_report, _cancellation) = (report, cancellation);
    }

    /// <summary>All that were judged, in their order, with the mean square over folds.</summary>
    public IEnumerable<(CandidateKey Key, double Score)> Scores => _order.Select(k => (k, Mean(k)));

    /// <summary>The search.</summary>
    public CandidateKey Run()
    {
        List<CandidateKey> chosen = [];
        if (_options.Methods.HasFlag(IdentificationMethods.OutputError))
        {
            chosen.Add(SearchOutputError());
        }
        if (_options.Methods.HasFlag(IdentificationMethods.PredictionError))
        {
            bool states = _options.EstimateInitialStates ?? true;
            chosen.Add(Smallest(Path(new CandidateKey(
                EstimationMethod.PredictionError, new FreeParts(states, _options.EstimateOffset ?? true, false), false, 1))));
        }
        if (_options.Methods.HasFlag(IdentificationMethods.Regression))
        {
            chosen.Add(Smallest(Path(new CandidateKey(EstimationMethod.Regression, default, false, 1))));
        }
        return chosen.MinBy(Mean);
    }

    private CandidateKey SearchOutputError()
    {
        CandidateKey key = new(
            EstimationMethod.OutputError,
            new FreeParts(
                _options.EstimateInitialStates ?? true,
                _options.EstimateOffset ?? true,
                _options.EstimateDirectTerm ?? false),
            _options.UsePrior ?? true,
            1);
        CandidateKey best = Path(key).MinBy(Mean);
        CandidateKey first = best;
        for (bool improves = true; improves;)
        {
            CandidateKey next = Neighbours(best).Append(best).MinBy(Mean);
            improves = Mean(next) < Mean(best);
            best = next;
        }
        if (best != first)
        {
            best = Path(best).MinBy(Mean);
        }
        return Smallest([.. _order.Where(k => k with { Order = 1 } == best with { Order = 1 })]);
    }

    /// <summary>With one of the parts that are not given the other way.</summary>
    private IEnumerable<CandidateKey> Neighbours(CandidateKey key)
    {
        if (_options.EstimateInitialStates is null)
        {
            yield return key with { Parts = key.Parts with { States = !key.Parts.States } };
        }
        if (_options.EstimateOffset is null)
        {
            yield return key with { Parts = key.Parts with { Offset = !key.Parts.Offset } };
        }
        if (_options.UsePrior is null)
        {
            yield return key with { HasPrior = !key.HasPrior };
        }
        if (_options.EstimateDirectTerm is null)
        {
            yield return key with { Parts = key.Parts with { Direct = !key.Parts.Direct } };
        }
    }

    /// <summary>The orders of one kind, as long as they bring something.</summary>
    private List<CandidateKey> Path(CandidateKey kind)
    {
        List<CandidateKey> path = [];
        double least = double.PositiveInfinity;
        int since = 0;
        int first = _options.Order ?? 1;
        int last = _options.Order ?? _maxOrder;
        for (int order = first; order <= last && since < Patience; order += order < 10 ? 1 : 2)
        {
            CandidateKey key = kind with { Order = order };
            path.Add(key);
            double mean = Mean(key);
            since = mean < least * (1.0 - Worthwhile) ? 0 : since + 1;
            least = Math.Min(least, mean);
        }
        return path;
    }

    /// <summary>Of one kind the smallest order that is worse than the best by no more than a standard error.</summary>
    private CandidateKey Smallest(IReadOnlyList<CandidateKey> path)
    {
        CandidateKey best = path.MinBy(Mean);
        double[] least = Errors(best);
        foreach (CandidateKey key in path.OrderBy(k => k.Order))
        {
            double[] differences = [.. Errors(key).Zip(least, (a, b) => a - b)];
            double mean = differences.Average();
            double variance = differences.Sum(x => (x - mean) * (x - mean)) / (differences.Length - 1);
            double error = Math.Sqrt(variance / differences.Length);
            if (mean <= Math.Min(error, MostGiven * least.Average()))
            {
                return key;
            }
        }
        return best;
    }

    private double Mean(CandidateKey key) => Errors(key).Average();

    /// <summary>The mean square of each fold.</summary>
    private double[] Errors(CandidateKey key)
    {
        if (_errors.TryGetValue(key, out double[]? errors))
        {
            return errors;
        }
        _report(NameOf(key));
        double[] found = new double[_parts.Length];
        try
        {
            Parallel.For(
                0,
                _parts.Length,
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = _options.Execution.MaxDegreeOfParallelism,
                    CancellationToken = _cancellation,
                },
                k => found[k] = _parts[k].Fit(key, _cancellation) is FittedCandidate fit
                    ? _parts[k].SquaredError(fit, _left[k]) / _left[k].Sum(w => w.Sum())
                    : double.PositiveInfinity);
        }
        catch (AggregateException e) when (e.InnerExceptions.All(i => i is OperationCanceledException))
        {
            throw new OperationCanceledException(_cancellation);
        }
        _errors[key] = found;
        _order.Add(key);
        return found;
    }

    /// <summary>A candidate in words.</summary>
    public static string NameOf(CandidateKey key)
    {
        string name = key.Method switch
        {
            EstimationMethod.OutputError => "output error",
            EstimationMethod.PredictionError => "prediction error",
            _ => "regression",
        };
        string?[] parts =
        [
            name,
            key.HasPrior ? "prior" : null,
            key.Parts.States ? "initial states" : null,
            key.Parts.Offset ? "offset" : null,
            key.Parts.Direct ? "direct term" : null,
        ];
        return string.Join(", ", parts.Where(p => p is not null));
    }
}
