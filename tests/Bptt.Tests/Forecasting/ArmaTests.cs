// ARMA models: the likelihood against that of the whole covariance matrix, and coefficients that are known.

using Bptt.Forecasting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Forecasting;

public class ArmaTests
{
    public static TheoryData<double[], double[]> Polynomials => new()
    {
        { [1.0, -0.9], [1.0, 0.0] },
        { [1.0, 0.0, 0.0], [1.0, 0.4, -0.3] },
        { [1.0, -1.2, 0.5], [1.0, 0.6, 0.0] },
        { [1.0, -0.5, 0.0, 0.0, 0.0], [1.0, -0.4, 0.0, -0.8, 0.32] },
        { [1.0, 0.0, 0.0, -0.7], [1.0, -0.9, 0.0, 0.0] },
    };

    [Theory]
    [MemberData(nameof(Polynomials))]
    public void The_likelihood_is_that_of_the_whole_covariance_matrix(double[] a, double[] m)
    {
        const int count = 40;
        double[] series = Array.ConvertAll(new GeneratedSeries(seed: 9100).Arma(a, m, count), w => w + 2.0);
        ArmaPoint point = new ArmaLikelihood(series, hasMean: true).Evaluate(a, m);

        Matrix<double> covariance = Covariance(a, m, count);
        var ones = Vector<double>.Build.Dense(count, 1.0);
        var values = Vector<double>.Build.Dense(series);
        double mean = ones.DotProduct(covariance.Solve(values)) / ones.DotProduct(covariance.Solve(ones));
        Vector<double> errors = values - mean;
        double sum = errors.DotProduct(covariance.Solve(errors));
        double expected = count * Math.Log(sum / count) + Math.Log(covariance.Determinant());

        point.Mean.Should().BeApproximately(mean, 1e-8);
        point.Variance.Should().BeApproximately(sum / count, 1e-8);
        point.Deviance.Should().BeApproximately(expected, 1e-6);
    }

    [Theory]
    [MemberData(nameof(Polynomials))]
    public void The_predictor_from_its_start_leaves_the_least_penalised_errors(double[] a, double[] m)
    {
        // Σ e² of the predictor from the expected h_1 is no larger than from rest, and h_1 takes no more than that.
        double[] series = new GeneratedSeries(seed: 9150).Arma(a, m, 30);
        double[] start = new ArmaLikelihood(series, hasMean: false).StartOf(a, m, mean: 0.0);
        start.Should().HaveCount(a.Length - 1).And.OnlyContain(x => double.IsFinite(x));
        Errors(series, a, m, start).Should().BeLessThanOrEqualTo(
            Errors(series, a, m, new double[start.Length]) * (1.0 + 1e-12));
    }

    [Fact]
    public void Known_coefficients_are_found()
    {
        const int seed = 9200;
        double[] series = new GeneratedSeries(seed).Arma([1.0, -1.2, 0.5], [1.0, 0.6, 0.0], 3000);

        ArmaFit fit = ArmaFit.Of(series, new ArmaOrders(2, 1, 0, 0, 1, HasMean: false))!;

        (double[] a, double[] m) = fit.Orders.Coefficients(fit.Free);
        a[1].Should().BeApproximately(-1.2, 0.08, "seed {0}", seed);
        a[2].Should().BeApproximately(0.5, 0.08, "seed {0}", seed);
        m[1].Should().BeApproximately(0.6, 0.08, "seed {0}", seed);
        fit.Point.Variance.Should().BeApproximately(1.0, 0.08, "seed {0}", seed);
    }

    [Fact]
    public void Coefficients_of_any_free_numbers_are_stable()
    {
        var random = new GeneratedSeries(seed: 9300);
        for (int trial = 0; trial < 20; trial++)
        {
            double[] polynomial = Bptt.Forecasting.Polynomials.Stable(
                [4.0 * random.Noise(), 4.0 * random.Noise(), 4.0 * random.Noise()]);
            var companion = Matrix<double>.Build.Dense(
                3, 3, (i, j) => j == 0 ? -polynomial[i + 1] : j == i + 1 ? 1.0 : 0.0);
            companion.Evd().EigenValues.Max(z => z.Magnitude).Should().BeLessThan(1.0);
        }
    }

    /// <summary>By the coefficients of m(B)/a(B) until nothing is left.</summary>
    private static Matrix<double> Covariance(double[] a, double[] m, int count)
    {
        double[] psi = new double[2000];
        for (int j = 0; j < psi.Length; j++)
        {
            psi[j] = j < m.Length ? m[j] : 0.0;
            for (int k = 1; k < a.Length && k <= j; k++)
            {
                psi[j] -= a[k] * psi[j - k];
            }
        }
        double[] gamma = [.. Enumerable.Range(0, count).Select(
            lag => Enumerable.Range(0, psi.Length - lag).Sum(j => psi[j] * psi[j + lag]))];
        return Matrix<double>.Build.Dense(count, count, (i, j) => gamma[Math.Abs(i - j)]);
    }

    private static double Errors(double[] series, double[] a, double[] m, double[] start)
    {
        double[] state = [.. start];
        double sum = 0.0;
        foreach (double value in series)
        {
            double predicted = state[0];
            sum += (value - predicted) * (value - predicted);
            for (int i = 0; i < state.Length; i++)
            {
                // h ← F h + K w
                state[i] = (i + 1 < state.Length ? state[i + 1] : 0.0) - m[i + 1] * predicted
                    + (m[i + 1] - a[i + 1]) * value;
            }
        }
        return sum;
    }
}
