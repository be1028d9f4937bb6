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

    /// <summary>What is simpler in its parts may miss so many times as much in the mean of the folds, of an order
    /// near.</summary>
    private const double MostReduced = 3.0;

    /// <summary>Lags of the longest regression.</summary>
    private const int MostLags = 10;

    /// <summary>Another kind takes part in an average where it misses at most so many times as much as the
    /// best.</summary>
    private const double MostBehind = 3.0;

    /// <summary>Of the score that chooses what is averaged, how much is the fold beyond all that was fitted.</summary>
    private const double Ahead = 0.5;

    /// <summary>An average is taken where it differs from the best single model by this part of what that one
    /// misses; where it differs by less it is not worth its states.</summary>
    private const double WorthAveraging = 0.3;

    /// <summary>An average may miss so many times as much as the best single model in the folds: most of them are
    /// between stretches that were fitted, where a drift of the plant is easily followed and not foretold.</summary>
    private const double MostGivenToAverage = 1.2;

    /// <summary>And so many times as much as the best of all.</summary>
    private const double MostBehindBest = 2.0;

    /// <summary>The folds that search from starts of their own; the others go on from what these found.</summary>
    private const int Scouts = 2;

    private readonly EstimationPart[] _parts;
    private readonly double[][][] _left;
    private readonly SystemIdentificationOptions _options;
    private readonly int _maxOrder;
    private readonly bool _looksAhead; // whether the last fold leaves out the end of all
    private readonly Lazy<int> _lags;
    private readonly Action<string> _report;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<CandidateKey, double[]> _errors = [];
    private readonly List<CandidateKey> _order = [];

    public CandidateComparison(
        EstimationPart[] parts,
        double[][][] left,
        SystemIdentificationOptions options,
        int maxOrder,
        Func<int, int> lagsOf,
        Action<string> report,
        CancellationToken cancellation)
    {
        _lags = new Lazy<int>(() => lagsOf(Math.Min(MostLags, maxOrder)));
        _looksAhead = parts.Length > 2 && left[^1].Zip(left[^2]).Any(
            pair => pair.First.Zip(pair.Second).Any(w => w.First > 0.0 && w.Second > 0.0));
        (_parts, _left, _options, _maxOrder) = (parts, left, options, maxOrder);
        (_report, _cancellation) = (report, cancellation);
    }

    /// <summary>All that were judged, in their order, with the mean square over folds.</summary>
    public IEnumerable<(CandidateKey Key, double Score)> Scores => _order.Select(k => (k, Mean(k)));

    /// <summary>The search.</summary>
    /// <returns>The chosen, and the candidates that it is the average of; itself alone where it is none.</returns>
    public (CandidateKey Chosen, CandidateKey[] Members) Run()
    {
        CandidateKey single = Single();
        CandidateKey[] members = _options.MayAverage && _options.Order is null && double.IsFinite(Mean(single))
            ? Members(single) : [];
        if (members.Length < 2)
        {
            return (single, [single]);
        }
        FittedCandidate[] averages =
            [.. _parts.Select((_, k) => FittedCandidate.AverageOf([.. members.Select(m => FitOf(m, k)!)]))];
        double apart = averages.Select((a, k) =>
            _parts[k].SquaredDifference(a, FitOf(single, k)!, _left[k]) / Total(k)).Average();
        double[] errors = [.. averages.Select((a, k) => _parts[k].SquaredError(a, _left[k]) / Total(k))];
        if (!(apart >= WorthAveraging * WorthAveraging * Mean(single)
            && errors.Average() <= Math.Min(MostGivenToAverage * Mean(single), MostBehindBest * _order.Min(Mean))))
        {
            return (single, [single]);
        }
        var average = new CandidateKey(EstimationMethod.Average, default, false, members.Sum(m => m.Order));
        _errors[average] = errors;
        _order.Add(average);
        return (average, members);
    }

    /// <summary>The best single one and the best of each other kind, by a score that asks what happens beyond all that
    /// was fitted; of regressions the one that predicts best for its size.</summary>
    private CandidateKey[] Members(CandidateKey single)
    {
        CandidateKey[] regressions = single.Method != EstimationMethod.Regression
            && _options.Methods.HasFlag(IdentificationMethods.Regression) ? [.. BestRegressions()] : [];
        CandidateKey[] best =
        [
            single,
            .. _order.Where(k => k.Method != single.Method && IsFitted(k)).GroupBy(k => k.Method).OrderBy(g => g.Key)
                .Select(g => (regressions.Any(r => r.Method == g.Key) ? regressions : g.ToArray()).MinBy(AheadScore)),
        ];
        double least = best.Min(AheadScore);
        return [.. best.Where(k => k == single || AheadScore(k) <= MostBehind * least)];
    }

    private double AheadScore(CandidateKey key)
    {
        double[] errors = Errors(key);
        return _looksAhead ? (1.0 - Ahead) * errors[..^1].Average() + Ahead * errors[^1] : errors.Average();
    }

    private FittedCandidate? FitOf(CandidateKey key, int fold) => _parts[fold].Fit(key, [], _cancellation);

    private double Total(int fold) => _left[fold].Sum(w => w.Sum());

    private CandidateKey Single()
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
            [
                .. smaller.Where(k => WithOrders(k).Any(o => Mean(o) <= MostReduced * Mean(key))
                    && Errors(k).Zip(Errors(key)).Any(e => e.First <= e.Second * (1.0 + AlwaysGiven))),
            ];
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

    /// <summary>The regression that predicts best for its size, from rest or not, with an offset or not.</summary>
    private IEnumerable<CandidateKey> BestRegressions()
    {
        var parts = new FreeParts(
            _options.EstimateInitialStates ?? true, _options.EstimateOffset ?? true, Direct: false);
        return new[] { default, parts with { Offset = false }, parts }.Distinct()
            .Select(p => new CandidateKey(EstimationMethod.Regression, p, false, _lags.Value)).Where(IsFitted);
    }

    private bool IsFitted(CandidateKey key) => Errors(key).All(double.IsFinite);

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
        _report(key.ToString());
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
                            ? _parts[k].SquaredError(fit, _left[k]) / Total(k)
                            : double.PositiveInfinity;
                    });
            }
            catch (AggregateException e) when (e.InnerExceptions.All(i => i is OperationCanceledException))
            {
                throw new OperationCanceledException(_cancellation);
            }
        }
    }
}
