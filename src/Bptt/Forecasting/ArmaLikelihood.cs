// The exact Gaussian likelihood of an ARMA model in innovations form, and the state that it starts from.
//
//   n  states      N  steps      F = A − K C

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>
/// h_{t+1} = A h_t + K e_t, w_t = μ + C h_t + e_t in observer form: A and F are companion matrices of a and m, K_i =
/// m_i − a_i, C = [1 0 …]. With h_1 of its stationary covariance σ²P, the likelihood is concentrated in σ², h_1 and μ:
/// N ln(S/N) + ln|I + P OᵀO|, where S is the least ‖e(h_1, μ)‖² + h_1ᵀP⁻¹h_1 and O the rows C Fᵗ.
/// </summary>
internal sealed class ArmaLikelihood(double[] series, bool hasMean)
{
    /// <summary>Of powers of A, and of responses: below this nothing is left of them.</summary>
    private const double Negligible = 1e-10;

    private const int MostDoublings = 16;

    private readonly int _count = series.Length;

    /// <summary>−2 ln of the likelihood up to a constant, and what it is at: σ², h_1 and μ; infinite where it is not
    /// defined. Cost O(Nn + n³).</summary>
    public ArmaPoint Evaluate(double[] a, double[] m)
    {
        int n = a.Length - 1;
        double[] errors = Filter(a, m, series);
        double[] response = new double[_count]; // g of 1/m(B): O_{t,i} = g_{t−i}
        response[0] = 1.0;
        int alive = 1;
        for (int t = 1; t < _count; t++)
        {
            double g = 0.0;
            for (int k = 1; k <= Math.Min(n, t); k++)
            {
                g -= m[k] * response[t - k];
            }
            response[t] = g;
            alive = Math.Abs(g) > Negligible ? t + 1 : alive;
        }
        if (Covariance(a, m) is not Matrix<double> covariance)
        {
            return ArmaPoint.Impossible;
        }
        Matrix<double> gram = ResponseProducts(response, n);
        double[] onErrors = Correlate(response, alive, errors, n);
        var system = (Matrix<double>.Build.DenseIdentity(n) + gram * covariance).LU();
        double determinant = system.Determinant;
        if (!(determinant > 0.0) || !double.IsFinite(determinant))
        {
            return ArmaPoint.Impossible;
        }

        // e = e⁰ − O h_1 − μ v: what h_1 takes of a product xᵀy is (Oᵀx)ᵀ P (I + OᵀO P)⁻¹ Oᵀy.
        Vector<double> right = Vector<double>.Build.Dense(onErrors);
        double mean = 0.0;
        double sum = Dot(errors, errors);
        if (hasMean)
        {
            double[] ones = new double[_count];
            Array.Fill(ones, 1.0);
            double[] level = Filter(a, m, ones);
            var onLevel = Vector<double>.Build.Dense(Correlate(response, alive, level, n));
            Vector<double> taken = covariance * system.Solve(onLevel);
            double own = Dot(level, level) - onLevel.DotProduct(taken);
            mean = own > 0.0 ? (Dot(errors, level) - right.DotProduct(taken)) / own : 0.0;
            for (int t = 0; t < _count; t++)
            {
                errors[t] -= mean * level[t];
            }
            sum = Dot(errors, errors);
            right -= mean * onLevel;
        }
        Vector<double> state = covariance * system.Solve(right);
        double least = sum - right.DotProduct(state);
        return double.IsFinite(least)
            ? new ArmaPoint(
                _count * Math.Log(Math.Max(least, double.Epsilon) / _count) + Math.Log(determinant),
                Math.Max(least, 0.0) / _count,
                state,
                mean)
            : ArmaPoint.Impossible;
    }

    /// <summary>a(B)/m(B) applied, from rest.</summary>
    private static double[] Filter(double[] a, double[] m, double[] values)
    {
        double[] filtered = new double[values.Length];
        for (int t = 0; t < values.Length; t++)
        {
            double sum = values[t];
            for (int k = 1; k <= Math.Min(a.Length - 1, t); k++)
            {
                sum += a[k] * values[t - k] - m[k] * filtered[t - k];
            }
            filtered[t] = sum;
        }
        return filtered;
    }

    /// <summary>P = A P Aᵀ + K Kᵀ by doubling; null where it does not settle.</summary>
    private static Matrix<double>? Covariance(double[] a, double[] m)
    {
        int n = a.Length - 1;
        var power = Matrix<double>.Build.Dense(n, n, (i, j) => j == 0 ? -a[i + 1] : j == i + 1 ? 1.0 : 0.0);
        var gain = Matrix<double>.Build.Dense(n, 1, (i, _) => m[i + 1] - a[i + 1]);
        Matrix<double> covariance = gain.TransposeAndMultiply(gain);
        for (int k = 0; k < MostDoublings; k++)
        {
            double size = power.FrobeniusNorm();
            if (!double.IsFinite(size))
            {
                return null;
            }
            if (size < Negligible)
            {
                return covariance;
            }
            covariance += (power * covariance).TransposeAndMultiply(power);
            power *= power;
        }
        return null;
    }

    /// <summary>OᵀO, by (OᵀO)_{ij} = (OᵀO)_{i+1,j+1} + g_{N−i} g_{N−j}.</summary>
    private Matrix<double> ResponseProducts(double[] response, int n)
    {
        var products = Matrix<double>.Build.Dense(n, n);
        for (int lag = 0; lag < n; lag++)
        {
            double sum = 0.0;
            for (int t = 0; t + lag < _count; t++)
            {
                sum += response[t] * response[t + lag];
            }
            for (int i = 0; i + lag < n; i++)
            {
                // O_{t,i+lag}·O_{t,i}: the later column ends earlier
                products[i + lag, i] = products[i, i + lag] = sum;
                int end = _count - 1 - i - lag;
                sum -= end >= 0 ? response[end] * response[end + lag] : 0.0;
            }
        }
        return products;
    }

    /// <summary>Oᵀx.</summary>
    private static double[] Correlate(double[] response, int alive, double[] values, int n)
    {
        double[] sums = new double[n];
        for (int i = 0; i < n; i++)
        {
            int count = Math.Min(alive, values.Length - i);
            double sum = 0.0;
            for (int t = 0; t < count; t++)
            {
                sum += response[t] * values[t + i];
            }
            sums[i] = sum;
        }
        return sums;
    }

    private static double Dot(double[] x, double[] y)
    {
        double sum = 0.0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }
        return sum;
    }
}

/// <summary>A likelihood and what it is at.</summary>
/// <param name="Deviance">−2 ln of the likelihood up to a constant.</param>
/// <param name="Variance">σ² as the likelihood has it, over N.</param>
/// <param name="State">h_1.</param>
/// <param name="Mean">μ.</param>
internal sealed record ArmaPoint(double Deviance, double Variance, Vector<double>? State, double Mean)
{
    public static ArmaPoint Impossible { get; } = new(double.PositiveInfinity, double.PositiveInfinity, null, 0.0);
}
