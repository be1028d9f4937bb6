// Where searches for the least output error begin: realisations of impulse responses that regressions give. Searches
// nothing itself.
//
//   d  inputs      q  outputs      n  order

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

internal static class EstimationStarts
{
    /// <summary>Lags of the regressions on past inputs and outputs.</summary>
    private static readonly int[] Lags = [1, 2, 3, 5, 10, 20, 40];

    private static readonly int[] Horizons = [12, 50];

    /// <summary>Of regressions of several lengths and of the regularised impulse response, over several
    /// horizons.</summary>
    /// <param name="data">Stretches that all count.</param>
    /// <param name="kernel">The regularised response.</param>
    /// <param name="maxOrder">The largest order wanted.</param>
    /// <param name="cancellation">Ends it.</param>
    public static List<HankelRealization> Realizations(
        IdentificationData data, ResponseKernel? kernel, int maxOrder, CancellationToken cancellation)
    {
        int[] horizons = [.. Horizons.Select(f => IdentificationSearch.Horizon(data, maxOrder, f)).Distinct()];
        Matrix<double>[] weights = [.. horizons.Select(f => HankelRealization.InputWeight(data, f))];
        List<HankelRealization> found = [];
        foreach (int lags in Lags)
        {
            cancellation.ThrowIfCancellationRequested();
            if (LaggedRegression.Unknowns(data, lags, lags) <= IdentificationSearch.MaxUnknowns
                && ArxModel.Fit(data, lags, cancellation) is ArxModel arx)
            {
                Add(arx.Response, shortToo: lags <= 20);
            }
        }
        if (kernel is not null)
        {
            Add(kernel.Response, shortToo: false);
        }
        return found;

        void Add(Func<int, Matrix<double>[]> response, bool shortToo)
        {
            for (int i = shortToo ? 0 : horizons.Length - 1; i < horizons.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                Matrix<double>[] part = response(2 * horizons[i] - 1);
                if (part.All(g => VectorMath.FirstNonFinite(g.ColumnMajor()) < 0))
                {
                    try
                    {
                        found.Add(new HankelRealization(part, weights[i]));
                    }
                    catch (NonConvergenceException)
                    {
                        // The others remain.
                    }
                }
            }
        }
    }

    /// <summary>W_hh and W_qh of a realisation, made stable, and all that outputs are linear in by least squares; null
    /// where it does not stay finite.</summary>
    public static OutputErrorPoint? From(
        OutputErrorProblem problem, HankelRealization realization, int order, CancellationToken cancellation)
    {
        try
        {
            (Matrix<double> whh, Matrix<double> wqh) = realization.OfOrder(order);
            return VectorMath.FirstNonFinite(whh.ColumnMajor()) >= 0
                ? null : From(problem, StabilityRepair.Stable(whh), wqh, cancellation);
        }
        catch (Exception e) when (e is NonConvergenceException or ArithmeticException)
        {
            return null;
        }
    }

    /// <summary>The same for given W_hh and W_qh.</summary>
    public static OutputErrorPoint? From(
        OutputErrorProblem problem, Matrix<double> whh, Matrix<double> wqh, CancellationToken cancellation)
    {
        try
        {
            OutputErrorPoint point = OutputErrorSearch.WithBestInputs(
                problem, problem.AtRest(whh, wqh), cancellation);
            return double.IsFinite(point.Loss) ? point with { System = Evened(point.System) } : null;
        }
        catch (Exception e) when (e is NonConvergenceException or ArithmeticException)
        {
            return null;
        }
    }

    /// <summary>W_qh too by least squares, and the rest again.</summary>
    public static OutputErrorPoint Finished(
        OutputErrorProblem problem, OutputErrorPoint point, CancellationToken cancellation)
    {
        if (point.System.Model.OutputSize == 1)
        {
            return point; // another W_qh is another W_hx in other coordinates
        }
        OutputErrorPoint next = OutputErrorSearch.WithBestOutputs(problem, point, cancellation);
        next = OutputErrorSearch.WithBestInputs(problem, next, cancellation);
        return next.Loss < point.Loss ? next with { System = Evened(next.System) } : point;
    }

    /// <summary>The same outputs with states of a size at which W_hx and W_qh are equally large.</summary>
    private static FreeSystem Evened(FreeSystem system)
    {
        LinearRnn model = system.Model;
        double scale = Math.Sqrt(model.Wqh.FrobeniusNorm() / model.Whx.FrobeniusNorm());
        return !double.IsNormal(scale) ? system : system with
        {
            Model = new LinearRnn(scale * model.Whx, model.Whh, model.Wqh / scale),
            States = scale * system.States,
        };
    }
}
