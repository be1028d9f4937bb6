// Which regressions and Hankel matrices an identification tries. The choice among their results is made on free runs.
//
//   d  inputs      q  outputs      T  time steps      f  block rows and columns

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

internal static class IdentificationSearch
{
    /// <summary>The most unknowns of a regression beyond the shortest one, and the most rows of a Hankel matrix beyond
    /// what the order needs: they bound the cost.</summary>
    public const int MaxUnknowns = 250;

    private const int MaxHankelRows = 150;

    /// <summary>Lags of past outputs and inputs; 0 outputs: on inputs alone. The first of each kind is always tried,
    /// shortened to what the data allow.</summary>
    private static readonly (int Outputs, int Inputs)[][] Lags =
    [
        [(2, 2), (5, 5), (10, 10), (20, 20), (40, 40)],
        [(0, 10), (0, 20), (0, 40), (0, 80)],
    ];

    /// <summary>Short ones stand noise better, long ones see slow modes.</summary>
    private static readonly int[] Horizons = [15, 50];

    /// <summary>All that could be computed.</summary>
    public static List<HankelRealization> Realizations(
        IdentificationData data, int maxOrder, CancellationToken cancellation)
    {
        List<(int Outputs, int Inputs)> regressions = [.. Lags.SelectMany(kind => Possible(data, kind))];
        int[] horizons = [.. Horizons.Select(f => Horizon(data, maxOrder, f)).Distinct()];
        Matrix<double>[] weights = [.. horizons.Select(f => HankelRealization.InputWeight(data, f))];
        List<HankelRealization> realizations = [];
        foreach ((int outputs, int inputs) in regressions)
        {
            try
            {
                Matrix<double>[] response = LaggedRegression.ImpulseResponse(
                    data, outputs, inputs, 2 * horizons.Max() - 1, cancellation);
                for (int i = 0; i < horizons.Length; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    // An unstable regression overflows over a long horizon perhaps, and not over a short one.
                    Matrix<double>[] part = response[..(2 * horizons[i] - 1)];
                    if (part.All(g => VectorMath.FirstNonFinite(g.ColumnMajor()) < 0))
                    {
                        realizations.Add(new HankelRealization(part, weights[i]));
                    }
                }
            }
            catch (NonConvergenceException)
            {
                // The others remain.
            }
        }
        return realizations;
    }

    /// <summary>Those of a kind that the data determine, or else the longest that is shorter than the first.</summary>
    private static (int Outputs, int Inputs)[] Possible(IdentificationData data, (int Outputs, int Inputs)[] kind)
    {
        (int Outputs, int Inputs)[] possible =
        [
            .. kind.Where(lags =>
                LaggedRegression.IsDetermined(data, lags.Outputs, lags.Inputs)
                    && LaggedRegression.Unknowns(data, lags.Outputs, lags.Inputs) <= MaxUnknowns),
        ];
        if (possible.Length > 0)
        {
            return possible;
        }
        for (int lag = kind[0].Inputs; lag > 1; lag--)
        {
            (int Outputs, int Inputs) lags = (kind[0].Outputs == 0 ? 0 : lag, lag);
            if (LaggedRegression.IsDetermined(data, lags.Outputs, lags.Inputs))
            {
                return [lags];
            }
        }
        return [(kind[0].Outputs == 0 ? 0 : 1, 1)];
    }

    /// <summary>f: as wished, within what costs allow, but enough for the order, and no more than there are
    /// steps.</summary>
    public static int Horizon(IdentificationData data, int maxOrder, int wished)
    {
        int d = data.InputSize;
        int q = data.OutputSize;
        int needed = Math.Max((maxOrder - 1) / d + 1, (maxOrder - 1) / q + 2);
        int affordable = Math.Min(wished, MaxHankelRows / Math.Max(d, q));
        return Math.Max(2, Math.Min(data.LongestLength, Math.Max(needed, affordable)));
    }
}
