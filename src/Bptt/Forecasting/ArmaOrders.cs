// Which lags an ARMA model has, and how its coefficients follow from free numbers.

namespace Bptt.Forecasting;

/// <summary>φ(B) Φ(Bˢ) w_t = θ(B) Θ(Bˢ) e_t of degrees p, P, q and Q (Box and Jenkins 1970).</summary>
internal sealed record ArmaOrders(int P, int Q, int SeasonalP, int SeasonalQ, int Season, bool HasMean)
{
    /// <summary>Of the polynomials.</summary>
    public int CoefficientCount => P + Q + SeasonalP + SeasonalQ;

    /// <summary>With mean and variance.</summary>
    public int ParameterCount => CoefficientCount + (HasMean ? 2 : 1);

    /// <summary>The number of states, at least 1.</summary>
    public int StateCount => Math.Max(1, Math.Max(P + SeasonalP * Season, Q + SeasonalQ * Season));

    /// <summary>a and m, n + 1 numbers each, of a(B) w = m(B) e.</summary>
    public (double[] Autoregression, double[] MovingAverage) Coefficients(ReadOnlySpan<double> free)
    {
        double[] a = Polynomials.Product(
            Polynomials.Stable(free[..P]),
            Polynomials.Stretched(Polynomials.Stable(free.Slice(P + Q, SeasonalP)), Season));
        double[] m = Polynomials.Product(
            Polynomials.Stable(free.Slice(P, Q)),
            Polynomials.Stretched(Polynomials.Stable(free.Slice(P + Q + SeasonalP, SeasonalQ)), Season));
        Array.Resize(ref a, StateCount + 1);
        Array.Resize(ref m, StateCount + 1);
        return (a, m);
    }

    /// <summary>As in "ARMA(2,1)(0,1)[12] with mean".</summary>
    public override string ToString() =>
        $"ARMA({P},{Q}){(Season > 1 ? $"({SeasonalP},{SeasonalQ})[{Season}]" : "")}{(HasMean ? " with mean" : "")}";
}
