// The exact Gaussian likelihood of an ARMA model in innovations form, and the state that it starts from.
//
//   n  states      N  steps      F = A − K C

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>
/// h_{t+1} = A h_t + K e_t, w_t = μ + C h_t + e_t in observer form: A and F are companion matrices of a and m, K_i =
/// m_i − a_i, C = [1 0 …], h_1 of its stationary covariance σ²P. The errors v_t of the Kalman filter and their
/// variances σ²f_t come from the recursions of Chandrasekhar's type (Morf, Sidhu and Kailath 1974; for ARMA models
/// Mélard 1984): P_{t+1} − P_t has rank 1, so that a step costs O(n). σ² and μ are concentrated out.
/// </summary>
internal sealed class ArmaLikelihood
{
    /// <summary>Of f_t − 1: below this the filter has settled.</summary>
    private const double Settled = 1e-10;

    /// <summary>Of the squared errors: no fit is closer.</summary>
    private const double Rounding = 1e-14;

    /// <summary>The variance of w over that of e beyond which rounding would pass for a fit.</summary>
    private const double LargestVariance = 1e8;

    private readonly double[] _series;
    private readonly bool _hasMean;

    public ArmaLikelihood(double[] series, bool hasMean)
    {
        _series = series;
        _hasMean = hasMean;
    }

    /// <summary>−2 ln of the likelihood up to a constant, N ln(Σ v²/f / N) + Σ ln f, and σ² and μ that it is at;
    /// infinite where it is not defined. Cost O(Nn + p³) with the degree p of a.</summary>
    /// <param name="a">1, a_1 … a_n.</param>
    /// <param name="m">1, m_1 … m_n.</param>
    public ArmaPoint Evaluate(double[] a, double[] m)
    {
        int n = a.Length - 1;
        if (FirstGain(a, m) is not (double[] gain, double variance))
        {
            return ArmaPoint.Impossible;
        }
        double[] change = [.. gain]; // l of P_{t+1} − P_t = s l lᵀ
        double size = -1.0 / variance;
        double[] state = new double[n];
        double[] level = new double[n]; // the state of a filter of ones, for the mean
        (double squares, double products, double levels, double logs) = (0.0, 0.0, 0.0, 0.0);
        bool isSettled = false;
        foreach (double value in _series)
        {
            double error = value - state[0];
            double one = 1.0 - level[0];
            squares += error * error / variance;
            products += error * one / variance;
            levels += one * one / variance;
            logs += Math.Log(variance);
            Step(a, gain, error / variance, state);
            if (_hasMean)
            {
                Step(a, gain, one / variance, level);
            }
            if (isSettled)
            {
                continue;
            }
            double first = change[0];
            double before = variance;
            variance += size * first * first;
            for (int i = 0; i < n; i++)
            {
                double moved = (i + 1 < n ? change[i + 1] : 0.0) - a[i + 1] * first;
                change[i] = moved - first / before * gain[i];
                gain[i] += size * first * moved;
            }
            size *= before / variance;
            if (!(variance > 0.5))
            {
                return ArmaPoint.Impossible; // rounding
            }
            isSettled = variance - 1.0 < Settled;
        }
        double mean = _hasMean && levels > 0.0 ? products / levels : 0.0;
        double least = Math.Max(squares - mean * products, Rounding * squares + double.Epsilon);
        int count = _series.Length;
        return double.IsFinite(least) && double.IsFinite(logs)
            ? new ArmaPoint(
                count * (Math.Log(least) - Math.Log(count)) + logs, least / count, mean)
            : ArmaPoint.Impossible;
    }

    /// <summary>The expected h_1 after all data: what minimises Σ e_t² + h_1ᵀP⁻¹h_1, e the errors of the predictor from
    /// h_1 on. Cost O(N n + n³) for each doubling of P.</summary>
    /// <param name="a">1, a_1 … a_n.</param>
    /// <param name="m">1, m_1 … m_n.</param>
    /// <param name="mean">μ.</param>
    public double[] StartOf(double[] a, double[] m, double mean)
    {
        int n = a.Length - 1;
        int count = _series.Length;
        double[] errors = new double[count];   // a(B)/m(B) of the series, from rest
        double[] response = new double[count]; // of 1/m(B): what h_1 does to the errors, C Fᵗ, is its entries
        for (int t = 0; t < count; t++)
        {
            errors[t] = _series[t] - mean;
            response[t] = t == 0 ? 1.0 : 0.0;
            for (int k = 1; k <= Math.Min(n, t); k++)
            {
                errors[t] += a[k] * (_series[t - k] - mean) - m[k] * errors[t - k];
                response[t] -= m[k] * response[t - k];
            }
        }
        Matrix<double> responses = Matrix<double>.Build.Dense(count, n, (t, i) => t >= i ? response[t - i] : 0.0);
        Matrix<double> covariance = Covariance(a, m);
        Matrix<double> system = Matrix<double>.Build.DenseIdentity(n)
            + responses.TransposeThisAndMultiply(responses) * covariance;
        return (covariance * system.Solve(responses.TransposeThisAndMultiply(
            Vector<double>.Build.Dense(errors)))).ToArray();
    }

    /// <summary>h ← A h + gain·error.</summary>
    private static void Step(double[] a, double[] gain, double error, double[] state)
    {
        double first = state[0];
        int last = state.Length - 1;
        for (int i = 0; i < last; i++)
        {
            state[i] = state[i + 1] - a[i + 1] * first + gain[i] * error;
        }
        state[last] = gain[last] * error - a[last + 1] * first;
    }

    /// <summary>E[h_{t+1} w_t] and E[w_t²] of a stationary series with errors of variance 1; null where it is not
    /// stationary.</summary>
    private static (double[] Gain, double Variance)? FirstGain(double[] a, double[] m)
    {
        int n = a.Length - 1;
        double[] psi = new double[n + 1]; // of m(B)/a(B)
        for (int j = 0; j <= n; j++)
        {
            psi[j] = m[j];
            for (int k = 1; k <= j; k++)
            {
                psi[j] -= a[k] * psi[j - k];
            }
        }
        if (Autocovariances(a, m, psi) is not double[] gamma)
        {
            return null;
        }
        double[] gain = new double[n];
        for (int i = 1; i <= n; i++)
        {
            for (int k = i; k <= n; k++)
            {
                gain[i - 1] += m[k] * psi[k - i] - a[k] * gamma[k - i];
            }
        }
        return (gain, gamma[0]);
    }

    /// <summary>γ_0 … γ_n by Σ_k a_k γ_{|j−k|} = Σ_{k≥j} m_k ψ_{k−j}.</summary>
    private static double[]? Autocovariances(double[] a, double[] m, double[] psi)
    {
        int n = a.Length - 1;
        int p = Array.FindLastIndex(a, c => c != 0.0);
        double[] right = new double[n + 1];
        for (int j = 0; j <= n; j++)
        {
            for (int k = j; k <= n; k++)
            {
                right[j] += m[k] * psi[k - j];
            }
        }
        double[] gamma = new double[n + 1];
        if (p == 0)
        {
            right.CopyTo(gamma, 0);
            return gamma;
        }
        var system = Matrix<double>.Build.Dense(p + 1, p + 1);
        for (int j = 0; j <= p; j++)
        {
            for (int k = 0; k <= p; k++)
            {
                system[j, Math.Abs(j - k)] += a[k];
            }
        }
        double[] solved = system.Solve(Vector<double>.Build.Dense(right[..(p + 1)])).ToArray();
        if (!(solved[0] is >= 1.0 - 1e-6 and < LargestVariance))
        {
            return null; // w holds e, of variance 1
        }
        solved.CopyTo(gamma, 0);
        for (int j = p + 1; j <= n; j++)
        {
            gamma[j] = right[j];
            for (int k = 1; k <= p; k++)
            {
                gamma[j] -= a[k] * gamma[j - k];
            }
        }
        return gamma;
    }

    /// <summary>P = A P Aᵀ + K Kᵀ by doubling the number of terms.</summary>
    private static Matrix<double> Covariance(double[] a, double[] m)
    {
        int n = a.Length - 1;
        var power = Matrix<double>.Build.Dense(n, n, (i, j) => j == 0 ? -a[i + 1] : j == i + 1 ? 1.0 : 0.0);
        var gain = Matrix<double>.Build.Dense(n, 1, (i, _) => m[i + 1] - a[i + 1]);
        Matrix<double> covariance = gain.TransposeAndMultiply(gain);
        for (int k = 0; k < MostDoublings && power.FrobeniusNorm() > Settled; k++)
        {
            covariance += (power * covariance).TransposeAndMultiply(power);
            power *= power;
        }
        return covariance;
    }

    private const int MostDoublings = 16;
}

/// <summary>A likelihood and what it is at.</summary>
/// <param name="Deviance">−2 ln of the likelihood up to a constant.</param>
/// <param name="Variance">σ² as the likelihood has it, over N.</param>
/// <param name="Mean">μ.</param>
internal sealed record ArmaPoint(double Deviance, double Variance, double Mean)
{
    public static ArmaPoint Impossible { get; } = new(double.PositiveInfinity, double.PositiveInfinity, 0.0);
}
