// An ARMA model of one series by maximum likelihood, and as a predictor: weights of a linear RNN. Chooses no orders.
//
//   n  states      N  steps

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace Bptt.Forecasting;

/// <summary>The most probable coefficients of given orders.</summary>
/// <param name="Orders">Which lags there are.</param>
/// <param name="Free">The coefficients as free numbers.</param>
/// <param name="Point">The likelihood there.</param>
/// <param name="Series">The series.</param>
internal sealed record ArmaFit(ArmaOrders Orders, double[] Free, ArmaPoint Point, double[] Series)
{
    private const double Step = 1e-4;
    private const double GradientTolerance = 1e-4;
    private const int MostIterations = 60;
    private const double Impassable = 1e10;

    /// <summary>Of the Gaussian prior on each free number: partial autocorrelations near ±1 need evidence.</summary>
    private const double FreeDeviation = 2.0;

    /// <summary>Beyond this a free number changes no coefficient.</summary>
    private const double LargestFree = 6.0;

    /// <summary>Akaike's criterion for short series (Hurvich and Tsai 1989).</summary>
    public double Criterion
    {
        get
        {
            int k = Orders.ParameterCount;
            return Series.Length - k - 1 < 1
                ? double.PositiveInfinity
                : Point.Deviance + 2.0 * k + 2.0 * k * (k + 1.0) / (Series.Length - k - 1.0);
        }
    }

    /// <summary>Fits; null where the series is too short for the orders, or nothing is finite.</summary>
    /// <param name="series">N numbers of size about 1.</param>
    /// <param name="orders">The orders.</param>
    /// <param name="start">Free numbers to begin with; zero where null.</param>
    public static ArmaFit? Of(double[] series, ArmaOrders orders, double[]? start = null)
    {
        if (series.Length < orders.ParameterCount + 3 || series.Length <= orders.StateCount)
        {
            return null;
        }
        var likelihood = new ArmaLikelihood(series, orders.HasMean);
        double[] bestFree = start ?? Begin(orders);
        ArmaPoint best = At(bestFree);
        if (orders.CoefficientCount > 0 && double.IsFinite(best.Deviance))
        {
            try
            {
                new BfgsMinimizer(GradientTolerance, 1e-6, 1e-8, MostIterations).FindMinimum(
                    ObjectiveFunction.Gradient(Value, Gradient), Vector<double>.Build.Dense([.. bestFree]));
            }
            catch (Exception e) when (e is OptimizationException or ArithmeticException or ArgumentException)
            {
                // The best point that was seen counts.
            }
        }
        return double.IsFinite(best.Deviance) ? new ArmaFit(orders, bestFree, best, series) : null;

        double Value(Vector<double> free)
        {
            double[] point = free.ToArray();
            ArmaPoint here = point.All(x => Math.Abs(x) < LargestFree) ? At(point) : ArmaPoint.Impossible;
            double value = here.Deviance + Penalty(point);
            if (value < best.Deviance + Penalty(bestFree))
            {
                (best, bestFree) = (here, point);
            }
            return double.IsFinite(value) ? value : Impassable;
        }

        static double Penalty(double[] free) => free.Sum(x => x * x) / (FreeDeviation * FreeDeviation);

        Vector<double> Gradient(Vector<double> free)
        {
            var gradient = Vector<double>.Build.Dense(free.Count);
            for (int i = 0; i < free.Count; i++)
            {
                Vector<double> moved = free.Clone();
                moved[i] = free[i] + Step;
                double up = Value(moved);
                moved[i] = free[i] - Step;
                gradient[i] = (up - Value(moved)) / (2.0 * Step);
            }
            return gradient;
        }

        ArmaPoint At(double[] free)
        {
            (double[] a, double[] m) = orders.Coefficients(free);
            return likelihood.Evaluate(a, m);
        }
    }

    /// <summary>W_hh = F, n×n, W_hx = K, n×1, and W_qh = C, 1×n.</summary>
    public (Matrix<double> Whh, Matrix<double> Whx, Matrix<double> Wqh) Weights()
    {
        (double[] a, double[] m) = Orders.Coefficients(Free);
        int n = a.Length - 1;
        return (
            Matrix<double>.Build.Dense(n, n, (i, j) => j == 0 ? 0.0 - m[i + 1] : j == i + 1 ? 1.0 : 0.0),
            Matrix<double>.Build.Dense(n, 1, (i, _) => m[i + 1] - a[i + 1]),
            Matrix<double>.Build.Dense(1, n, (_, j) => j == 0 ? 1.0 : 0.0));
    }

    /// <summary>The expected h_1.</summary>
    public double[] Start()
    {
        (double[] a, double[] m) = Orders.Coefficients(Free);
        return new ArmaLikelihood(Series, Orders.HasMean).StartOf(a, m, Point.Mean);
    }

    /// <summary>Small numbers of opposite effect in a and m, where the likelihood has a slope.</summary>
    private static double[] Begin(ArmaOrders orders)
    {
        double[] free = new double[orders.CoefficientCount];
        for (int i = 0; i < free.Length; i++)
        {
            bool isAutoregression = i < orders.P
                || (i >= orders.P + orders.Q && i < orders.P + orders.Q + orders.SeasonalP);
            free[i] = isAutoregression ? 0.2 : -0.2;
        }
        return free;
    }
}
