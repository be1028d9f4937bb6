// Polynomials in the step back B, as arrays of coefficients from that of 1 on.

namespace Bptt.Forecasting;

internal static class Polynomials
{
    /// <summary>Keeps roots off the unit circle, where the exact likelihood is not defined.</summary>
    private const double LargestPartial = 0.995;

    public static double[] Product(double[] a, double[] b)
    {
        double[] product = new double[a.Length + b.Length - 1];
        for (int i = 0; i < a.Length; i++)
        {
            for (int j = 0; j < b.Length; j++)
            {
                product[i + j] += a[i] * b[j];
            }
        }
        return product;
    }

    /// <summary>p(Bˢ).</summary>
    public static double[] Stretched(double[] polynomial, int season)
    {
        double[] stretched = new double[(polynomial.Length - 1) * season + 1];
        for (int i = 0; i < polynomial.Length; i++)
        {
            stretched[i * season] = polynomial[i];
        }
        return stretched;
    }

    /// <summary>1 + c_1 B + … with all roots outside the unit circle, from any real numbers: their hyperbolic tangents
    /// are the partial autocorrelations (Monahan 1984).</summary>
    public static double[] Stable(ReadOnlySpan<double> free)
    {
        double[] polynomial = new double[free.Length + 1];
        polynomial[0] = 1.0;
        double[] before = new double[free.Length + 1];
        for (int k = 1; k <= free.Length; k++)
        {
            double partial = -LargestPartial * Math.Tanh(free[k - 1]);
            polynomial.CopyTo(before, 0);
            polynomial[k] = partial;
            for (int j = 1; j < k; j++)
            {
                polynomial[j] = before[j] + partial * before[k - j];
            }
        }
        return polynomial;
    }
}
