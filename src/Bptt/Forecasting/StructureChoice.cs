// Which transformation and which predictor a series gets: judged by forecasts of blocks of the rows given, each from
// what came before. Sees nothing else.
//
//   q  outputs

namespace Bptt.Forecasting;

/// <summary>A transformation and a kind of predictor.</summary>
internal sealed record Structure(SeriesTransform Transform, PredictorKind Kind)
{
    public PredictorFit? Fit(SeriesRows rows, FreeProblems? known = null) => Kind.Fit(rows, Transform, known);
}

/// <summary>Chooses a structure.</summary>
internal sealed class StructureChoice
{
    private const int Blocks = 3;

    /// <summary>Where the first block begins, in the rows.</summary>
    private const double FirstBlock = 0.55;

    /// <summary>Transformations that go on to the search of orders.</summary>
    private const int Kept = 2;

    /// <summary>The choice sees so many rows, the last ones: more take longer and change little.</summary>
    private const int MostRows = 1500;

    private const int RowsPerFreedom = 5;
    private const int FewestRows = 6;

    private static readonly int[] FreeOrders = [1, 2, 3, 4, 6, 8];

    /// <summary>Scores, logarithms of errors, that differ by less say nothing: then the simpler structure is
    /// taken.</summary>
    private const double Tie = 0.003;

    private readonly SeriesRows _rows;
    private readonly ForecasterOptions _options;
    private readonly Dictionary<string, double> _scores = [];
    private readonly FreeProblems _known = new();

    public StructureChoice(SeriesRows rows, ForecasterOptions options)
    {
        _rows = rows.Last(MostRows);
        _options = options;
    }

    /// <summary>The structure with the least error, among equals the first.</summary>
    public Structure Best()
    {
        SeriesTransform[] transforms = [.. Transforms()];
        SeriesTransform[] kept = transforms.Length == 1 ? transforms
            : [.. transforms.OrderBy(t => Probes(t).Min(Score)).Take(Kept)];
        Structure[] finalists = [.. kept.SelectMany(Candidates)];
        if (finalists.Length == 1)
        {
            return finalists[0];
        }
        double least = finalists.Min(Score);
        return double.IsFinite(least)
            ? finalists.Where(f => Score(f) <= least + Tie).MinBy(Complexity)!
            : new Structure(kept[0], new ArmaKind(Each(_ => Simple(kept[0], 0, 0))));
    }

    private IEnumerable<SeriesTransform> Transforms()
    {
        bool isPositive = _rows.Values.All(row => row.All(v => v > 0.0));
        int season = _options.Season;
        bool hasSeasons = season > 1 && _rows.Count >= 3 * season;
        foreach (bool log in _options.Log is bool told ? [told] : isPositive ? [false, true] : (bool[])[false])
        {
            foreach (int seasonal in Told(_options.SeasonalDifferences, hasSeasons))
            {
                foreach (int d in Told(_options.Differences, true))
                {
                    yield return new SeriesTransform(log, d, season > 1 ? seasonal : 0, season);
                }
            }
        }

        static int[] Told(int? told, bool chooses) => told is int t ? [t] : chooses ? [0, 1] : [0];
    }

    /// <summary>Two predictors that show what a transformation is worth.</summary>
    private IEnumerable<Structure> Probes(SeriesTransform transform)
    {
        yield return new Structure(transform, new ArmaKind(Each(_ => Simple(transform, 1, 1))));
        yield return new Structure(transform, new ArmaKind(Each(_ => Simple(transform, 3, 0))));
    }

    private IEnumerable<Structure> Candidates(SeriesTransform transform)
    {
        if (_options.Order is int told)
        {
            foreach (FreeKind free in Free(_rows.Differenced(transform), transform, [told]))
            {
                yield return new Structure(transform, free);
            }
            yield break;
        }
        foreach (Structure probe in Probes(transform))
        {
            yield return probe;
        }
        SeriesRows differenced = _rows.Differenced(transform);
        ArmaOrders[][] orders = Each(i => Search(differenced.Series(i), transform));
        for (int k = 0; k < orders.Max(o => o.Length); k++)
        {
            int choice = k;
            if (orders.All(o => o.Length > 0))
            {
                yield return new Structure(
                    transform, new ArmaKind([.. orders.Select(o => o[Math.Min(choice, o.Length - 1)])]));
            }
        }
        if (transform.SeasonalDifferences == 0 || _rows.InputSize > 0 || _rows.OutputSize > 1)
        {
            foreach (FreeKind free in Free(differenced, transform, FreeOrders))
            {
                if (free.HiddenSize == 1
                    || free.ParameterCount(_rows.InputSize, _rows.OutputSize) * RowsPerFreedom
                        <= FirstBlock * _rows.Count)
                {
                    yield return new Structure(transform, free);
                }
            }
        }
    }

    /// <summary>Networks of some sizes, under one prior; none where the rows are too few for one.</summary>
    private static IEnumerable<FreeKind> Free(SeriesRows differenced, SeriesTransform transform, int[] sizes)
    {
        if (differenced.Count < FewestRows)
        {
            return [];
        }
        var prior = FreeProblem.PriorOf(differenced, transform.Lost > 0);
        return sizes.Select(h => new FreeKind(h, prior.Decay, prior.Scale));
    }

    private static ArmaOrders[] Search(double[] series, SeriesTransform transform)
    {
        double size = Math.Sqrt(series.Average(v => v * v));
        double[] scaled = size > 0.0 && double.IsFinite(1.0 / size)
            ? Array.ConvertAll(series, v => v / size) : series;
        int differences = transform.Differences + transform.SeasonalDifferences;
        return [.. new ArmaSearch(scaled, transform.Season, differences <= 1).Best(needsMean: differences == 0)];
    }

    private ArmaOrders Simple(SeriesTransform transform, int p, int q)
    {
        int differences = transform.Differences + transform.SeasonalDifferences;
        bool isSeasonal = transform.Season > 1 && _rows.Count >= 3 * transform.Season;
        bool hasMean = differences == 0 || (transform.SeasonalDifferences == 1 && differences == 1);
        return new ArmaOrders(
            p,
            q,
            isSeasonal && transform.SeasonalDifferences == 0 ? 1 : 0,
            isSeasonal && transform.SeasonalDifferences == 1 ? 1 : 0,
            transform.Season,
            hasMean);
    }

    private double Complexity(Structure structure) => structure.Kind.ParameterCount(_rows.InputSize, _rows.OutputSize)
        + 2.0 * (structure.Transform.Differences + structure.Transform.SeasonalDifferences);

    private double Score(Structure structure)
    {
        string name = $"{structure.Transform}: {structure.Kind}";
        if (!_scores.TryGetValue(name, out double score))
        {
            score = ScoreOf(structure);
            _scores[name] = score;
        }
        return score;
    }

    private double ScoreOf(Structure structure)
    {
        int first = Math.Max((int)(FirstBlock * _rows.Count), structure.Transform.Lost + 4);
        if (first >= _rows.Count)
        {
            return double.PositiveInfinity;
        }
        var errors = new RollingErrors(_rows.OutputSize);
        for (int b = 0; b < Blocks; b++)
        {
            int from = first + (_rows.Count - first) * b / Blocks;
            int to = first + (_rows.Count - first) * (b + 1) / Blocks;
            if (from == to)
            {
                continue;
            }
            if (structure.Fit(_rows.First(from), _known) is not PredictorFit fit)
            {
                return double.PositiveInfinity;
            }
            errors.Add(_rows, from, to, _options.Horizon, Paths(_rows, fit));
        }
        return errors.Score;
    }

    /// <summary>The forecasts of a predictor, asked for from one row after the other.</summary>
    public static Func<int, int, double[][]> Paths(SeriesRows rows, PredictorFit fit)
    {
        var filter = new InnovationsFilter(fit);
        int at = 0;
        return (known, steps) =>
        {
            for (; at < known; at++)
            {
                filter.Advance(rows.Values[at], rows.Inputs[at]);
            }
            return Array.ConvertAll(
                filter.Ahead(rows.Inputs[known..(known + steps)], steps),
                row => Array.ConvertAll(row, fit.Transform.Value));
        };
    }

    private T[] Each<T>(Func<int, T> choose) => [.. Enumerable.Range(0, _rows.OutputSize).Select(choose)];
}
