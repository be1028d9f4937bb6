// Orders of an ARMA model by Akaike's criterion: from a few starts to better neighbours until there is none.

namespace Bptt.Forecasting;

/// <summary>The stepwise search of Hyndman and Khandakar (2008), with exact likelihoods.</summary>
internal sealed class ArmaSearch
{
    private const int LargestOrder = 5;
    private const int LargestSeasonalOrder = 2;

    /// <summary>Pure autoregressions beyond the steps: cycles of many rows need them.</summary>
    private const int LongestAutoregression = 12;

    private const int RowsPerLag = 8;

    private readonly double[] _series;
    private readonly int _season;
    private readonly bool _mayHaveMean;
    private readonly Dictionary<ArmaOrders, ArmaFit?> _fits = [];

    /// <param name="series">w, of size about 1.</param>
    /// <param name="season">s; 1 for none.</param>
    /// <param name="mayHaveMean">Whether a mean is tried beside none; of differences of differences there is none.
    /// </param>
    public ArmaSearch(double[] series, int season, bool mayHaveMean)
    {
        _series = series;
        _season = season;
        _mayHaveMean = mayHaveMean;
    }

    /// <summary>The best orders, and the best of the pure autoregressions that they are not.</summary>
    /// <param name="needsMean">Whether there is always a mean.</param>
    public IEnumerable<ArmaOrders> Best(bool needsMean)
    {
        bool mean = needsMean || _mayHaveMean;
        int s = _season > 1 ? 1 : 0;
        ArmaOrders[] starts =
        [
            Orders(2, 2, s, s, mean), Orders(0, 0, 0, 0, mean), Orders(1, 0, s, 0, mean), Orders(0, 1, 0, s, mean),
        ];
        ArmaOrders? best = starts.MinBy(Criterion);
        while (best is not null)
        {
            ArmaOrders? better = Neighbours(best, needsMean).FirstOrDefault(n => Criterion(n) < Criterion(best));
            if (better is null)
            {
                break;
            }
            best = better;
        }
        if (best is not null && double.IsFinite(Criterion(best)))
        {
            yield return best;
        }
        ArmaOrders[] pure = [.. Enumerable.Range(1, Math.Clamp(_series.Length / RowsPerLag, 1, LongestAutoregression))
            .Select(p => Orders(p, 0, 0, 0, mean))];
        ArmaOrders autoregression = pure.MinBy(Criterion)!;
        if (autoregression != best && double.IsFinite(Criterion(autoregression)))
        {
            yield return autoregression;
        }
    }

    private ArmaOrders Orders(int p, int q, int seasonalP, int seasonalQ, bool mean) =>
        new(p, q, seasonalP, seasonalQ, _season, mean);

    private IEnumerable<ArmaOrders> Neighbours(ArmaOrders at, bool needsMean)
    {
        (int P, int Q, int SP, int SQ)[] moves =
        [
            (0, 0, -1, 0), (0, 0, 0, -1), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, -1, -1), (0, 0, 1, 1),
            (-1, 0, 0, 0), (0, -1, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (-1, -1, 0, 0), (1, 1, 0, 0),
        ];
        foreach ((int p, int q, int sp, int sq) in moves)
        {
            ArmaOrders next = at with
            {
                P = at.P + p,
                Q = at.Q + q,
                SeasonalP = at.SeasonalP + sp,
                SeasonalQ = at.SeasonalQ + sq,
            };
            int mostSeasonal = _season > 1 ? LargestSeasonalOrder : 0;
            if (next.P is >= 0 and <= LargestOrder && next.Q is >= 0 and <= LargestOrder
                && next.SeasonalP >= 0 && next.SeasonalP <= mostSeasonal
                && next.SeasonalQ >= 0 && next.SeasonalQ <= mostSeasonal)
            {
                yield return next;
            }
        }
        if (_mayHaveMean && !needsMean)
        {
            yield return at with { HasMean = !at.HasMean };
        }
    }

    private double Criterion(ArmaOrders orders)
    {
        if (!_fits.TryGetValue(orders, out ArmaFit? fit))
        {
            fit = ArmaFit.Of(_series, orders);
            _fits[orders] = fit;
        }
        return fit?.Criterion ?? double.PositiveInfinity;
    }
}
