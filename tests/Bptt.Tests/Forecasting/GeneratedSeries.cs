// Series whose law is known. Random, from a seed.

using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Forecasting;

internal sealed class GeneratedSeries(int seed)
{
    private const int Warmup = 300;

    private readonly Random _random = new(seed);

    public double Noise() => Normal.Sample(_random, 0.0, 1.0);

    /// <summary>w with a(B) w = m(B) e for polynomials 1, c_1, …, long after its start.</summary>
    public double[] Arma(double[] a, double[] m, int count)
    {
        double[] e = new double[Warmup + count];
        double[] w = new double[Warmup + count];
        for (int t = 0; t < w.Length; t++)
        {
            e[t] = Noise();
            for (int k = 0; k < m.Length && k <= t; k++)
            {
                w[t] += m[k] * e[t - k];
            }
            for (int k = 1; k < a.Length && k <= t; k++)
            {
                w[t] -= a[k] * w[t - k];
            }
        }
        return w[Warmup..];
    }

    /// <summary>Sums: a series whose differences are given.</summary>
    public static double[] Summed(double[] differences, double start = 0.0)
    {
        double sum = start;
        return Array.ConvertAll(differences, w => sum += w);
    }

    /// <summary>A row of a matrix.</summary>
    public static Matrix<double> Row(params double[] values) => Matrix<double>.Build.Dense(1, values.Length, values);
}
