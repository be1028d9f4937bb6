// What is done to a series before it is modelled, and undone in forecasts: logarithm and differences. Scaling is not
// here: channels do that.

namespace Bptt.Forecasting;

/// <summary>z_t = y_t or ln y_t, then w_t = (1 − B)ᵈ (1 − Bˢ)ᴰ z_t, where B is the step back.</summary>
/// <param name="IsLog">Whether z is the logarithm.</param>
/// <param name="Differences">d, 0 or 1.</param>
/// <param name="SeasonalDifferences">D, 0 or 1.</param>
/// <param name="Season">s; 1 for none.</param>
internal sealed record SeriesTransform(bool IsLog, int Differences, int SeasonalDifferences, int Season)
{
    private readonly double[] _polynomial = PolynomialOf(Differences, SeasonalDifferences, Season);

    /// <summary>δ_0 … δ_n of w_t = Σ δ_i z_{t−i}, with δ_0 = 1.</summary>
    public ReadOnlySpan<double> Polynomial => _polynomial;

    /// <summary>The rows before the first w.</summary>
    public int Lost => _polynomial.Length - 1;

    public double Level(double value) => IsLog ? Math.Log(value) : value;

    public double Value(double level) => IsLog ? Math.Exp(level) : level;

    /// <summary>w of rows of z, with <see cref="Lost"/> rows fewer.</summary>
    public double[][] Difference(double[][] levels)
    {
        double[][] differences = new double[Math.Max(0, levels.Length - Lost)][];
        for (int t = 0; t < differences.Length; t++)
        {
            differences[t] = new double[levels[t].Length];
            for (int k = 0; k <= Lost; k++)
            {
                for (int i = 0; i < differences[t].Length; i++)
                {
                    differences[t][i] += _polynomial[k] * levels[t + Lost - k][i];
                }
            }
        }
        return differences;
    }

    /// <summary>In words: "logarithm, differences, seasonal differences (12)"; empty where nothing is done.</summary>
    public override string ToString() => string.Join(
        ", ",
        new[]
        {
            IsLog ? "logarithm" : "",
            Differences > 0 ? "differences" : "",
            SeasonalDifferences > 0 ? $"seasonal differences ({Season})" : "",
        }.Where(part => part.Length > 0));

    private static double[] PolynomialOf(int differences, int seasonalDifferences, int season)
    {
        double[] polynomial = [1.0];
        for (int i = 0; i < differences; i++)
        {
            polynomial = Polynomials.Product(polynomial, [1.0, -1.0]);
        }
        for (int i = 0; i < seasonalDifferences; i++)
        {
            polynomial = Polynomials.Product(polynomial, Polynomials.Stretched([1.0, -1.0], season));
        }
        return polynomial;
    }
}
