// Which candidate the folds favour: scores of each, and the search over kinds, parts and orders. Fits nothing itself.
//
//   n  order      K  folds

namespace Bptt.Identification;

/// <summary>Every candidate is fitted to the steps that a fold keeps and judged on those that it leaves out.</summary>
internal sealed class CandidateComparison
{
    /// <summary>Orders in a row that bring nothing before the search ends.</summary>
    private const int Patience = 3;

    /// <summary>Another order must reduce the error by this part to be worth going on from.</summary>
    private const double Worthwhile = 1e-2;

    /// <summary>What is simpler is taken within a standard error, but for no more than this part of the error, and for
    /// a smaller part in any case.</summary>
    private const double MostGiven = 0.1;

    private const double AlwaysGiven = 1e-2;

    /// <summary>The folds that search from starts of their own; the others go on from what these found.</summary>
    private const int Scouts = 2;

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
        if (_options.Methods.HasFlag(IdentificationMethods.OutputError))
        {
            SearchOutputError();
        }
        if (_options.Methods.HasFlag(IdentificationMethods.PredictionError))
        {
            var parts = new FreeParts(
                _options.EstimateInitialStates ?? true, _options.EstimateOffset ?? true, Direct: false);
            Path(new CandidateKey(EstimationMethod.PredictionError, parts, false, 1));
        }
        if (_options.Methods.HasFlag(IdentificationMethods.Regression))
        {
            Path(new CandidateKey(EstimationMethod.Regression, default, false, 1));
        }
        CandidateKey chosen = Simplest(_order);
        return chosen.Method == EstimationMethod.OutputError && !_options.Order.HasValue
            ? Simplest([.. WithOrders(Reduced(chosen))])
            : Reduced(chosen);
    }

    private IEnumerable<CandidateKey> WithOrders(CandidateKey key) => Orders(key).Prepend(key);

    /// <summary>Without the parts that not every fold asks for, one after the other: what helps on some stretches and
    /// harms on others may be a drift that ends with the data. What h_0 does ends by itself, and stays.</summary>
    private CandidateKey Reduced(CandidateKey key)
    {
        if (key.Method != EstimationMethod.OutputError)
        {
            return key;
        }
        for (bool reduces = true; reduces;)
        {
            CandidateKey[] smaller =
            [
                .. Neighbours(key).Where(k => (key.Parts.Direct && !k.Parts.Direct)
                    || (key.Parts.Offset && !k.Parts.Offset)
                    || (!key.HasPrior && k.HasPrior)),
            ];
            CandidateKey[] free =
                [.. smaller.Where(k => Errors(k).Zip(Errors(key)).Any(e => e.First <= e.Second * (1.0 + AlwaysGiven)))];
            reduces = free.Length > 0;
            key = reduces ? free.MinBy(Mean) : key;
        }
        return key;
    }

    private void SearchOutputError()
    {
        CandidateKey best = Simplest(Path(new CandidateKey(
            EstimationMethod.OutputError,
            new FreeParts(
                _options.EstimateInitialStates ?? true,
                _options.EstimateOffset ?? true,
                _options.EstimateDirectTerm ?? false),
            _options.UsePrior ?? true,
            1)));
        for (bool improves = true; improves;)
        {
            CandidateKey next = Neighbours(best).Append(best).MinBy(Mean);
            improves = Mean(next) < Mean(best);
            best = improves ? next : best;
            next = Orders(best).Append(best).MinBy(Mean);
            if (Mean(next) < Mean(best) * (1.0 - Worthwhile))
            {
                (best, improves) = (next, true);
            }
        }
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

    /// <summary>The same with orders near.</summary>
    private IEnumerable<CandidateKey> Orders(CandidateKey key)
    {
        int[] near = _options.Order is null ? [-2, -1, 1, 2] : [];
        return near.Select(n => key.Order + n).Where(n => n >= 1 && n <= _maxOrder).Select(n => key with { Order = n });
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

    /// <summary>The simplest that is worse than the best by no more than a standard error of the difference: least
    /// output error before the others, with a prior before without, few parts, a small order.</summary>
    private CandidateKey Simplest(IReadOnlyList<CandidateKey> candidates)
    {
        CandidateKey best = candidates.MinBy(Mean);
        return candidates.Where(k => IsAsGood(k, best))
            .OrderBy(k => k.Method)
            .ThenBy(k => k.HasPrior ? 0 : 1)
            .ThenBy(k => (k.Parts.Offset ? 1 : 0) + (k.Parts.Direct ? 1 : 0) + (k.Parts.States ? 1 : 0))
            .ThenBy(k => k.Order)
            .FirstOrDefault(best);
    }

    private bool IsAsGood(CandidateKey key, CandidateKey best)
    {
        double least = Mean(best);
        return Mean(key) - least
            <= Math.Max(Math.Min(StandardError(key, best), MostGiven * least), AlwaysGiven * least);
    }

    /// <summary>Of the mean difference over folds.</summary>
    private double StandardError(CandidateKey key, CandidateKey other)
    {
        double[] differences = [.. Errors(key).Zip(Errors(other), (a, b) => a - b)];
        double mean = differences.Average();
        double variance = differences.Sum(x => (x - mean) * (x - mean)) / (differences.Length - 1);
        return Math.Sqrt(variance / differences.Length);
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
        var fits = new FittedCandidate?[_parts.Length];
        int scouts = Math.Min(Scouts, _parts.Length);
        FitAll(0, scouts, []);
        FitAll(scouts, _parts.Length, [.. fits.Take(scouts).OfType<FittedCandidate>()]);
        _errors[key] = found;
        _order.Add(key);
        return found;

        void FitAll(int from, int to, IReadOnlyList<FittedCandidate> near)
        {
            try
            {
                Parallel.For(
                    from,
                    to,
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = _options.Execution.MaxDegreeOfParallelism,
                        CancellationToken = _cancellation,
                    },
                    k =>
                    {
                        fits[k] = _parts[k].Fit(key, near, _cancellation);
                        found[k] = fits[k] is FittedCandidate fit
                            ? _parts[k].SquaredError(fit, _left[k]) / _left[k].Sum(w => w.Sum())
                            : double.PositiveInfinity;
                    });
            }
            catch (AggregateException e) when (e.InnerExceptions.All(i => i is OperationCanceledException))
            {
                throw new OperationCanceledException(_cancellation);
            }
        }
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
