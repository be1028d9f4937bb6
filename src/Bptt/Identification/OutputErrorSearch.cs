// The least output error near a start: linear least squares for what outputs are linear in, then Levenberg-Marquardt
// over all. Stable systems only.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.Diagnostics;
using Bptt.LinearAlgebra;
using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>As <see cref="LevenbergMarquardt"/>, in data-driven local coordinates (McKelvey, Helmersson &amp; Ribarits
/// 2004), with h_0 of the data alone, D and c among the unknowns. A step that makes the system unstable is
/// rejected.</summary>
internal static class OutputErrorSearch
{
    /// <summary>Spectral radius that no step goes beyond. Where h_0 is learned, it is that of a mode which fades over
    /// the longest record: a slower one would take a drift for a response to h_0.</summary>
    private const double LargestRadius = 1.0 - 1e-7;

    private const double InitialDamping = 1e-3;
    private const double LeastChange = 0.2;

    /// <summary>W_hx, h_0, D and c by least squares, for W_hh and W_qh as they are.</summary>
    public static OutputErrorPoint WithBestInputs(
        OutputErrorProblem problem, OutputErrorPoint at, CancellationToken cancellation)
    {
        LinearRnn model = at.System.Model;
        int inputs = model.HiddenSize * model.InputSize;
        int states = problem.Parts.States ? at.System.States.RowCount * at.System.States.ColumnCount : 0;
        int weights = model.HiddenSize * (model.InputSize + model.HiddenSize + model.OutputSize);
        return Linear(problem, at, Units(weights + states, [(0, inputs), (weights, states)]), cancellation);
    }

    /// <summary>h_0, D and c by least squares.</summary>
    public static OutputErrorPoint WithBestStates(
        OutputErrorProblem problem, OutputErrorPoint at, CancellationToken cancellation)
    {
        LinearRnn model = at.System.Model;
        int states = problem.Parts.States ? at.System.States.RowCount * at.System.States.ColumnCount : 0;
        int weights = model.HiddenSize * (model.InputSize + model.HiddenSize + model.OutputSize);
        return states == 0 ? at : Linear(problem, at, Units(weights + states, [(weights, states)]), cancellation);
    }

    /// <summary>W_qh, D and c by least squares, for the states as they are.</summary>
    public static OutputErrorPoint WithBestOutputs(
        OutputErrorProblem problem, OutputErrorPoint at, CancellationToken cancellation)
    {
        LinearRnn model = at.System.Model;
        int states = problem.Parts.States ? at.System.States.RowCount * at.System.States.ColumnCount : 0;
        int before = model.HiddenSize * (model.InputSize + model.HiddenSize);
        int outputs = model.HiddenSize * model.OutputSize;
        return Linear(problem, at, Units(before + outputs + states, [(before, outputs)]), cancellation);
    }

    /// <summary>Steps until none is worth taking.</summary>
    /// <param name="problem">What is minimised.</param>
    /// <param name="at">Where it begins.</param>
    /// <param name="mostSteps">The most steps.</param>
    /// <param name="tolerance">It ends where a step and its prediction reduce the sum by this part of it.</param>
    /// <param name="cancellation">Ends it.</param>
    public static OutputErrorPoint Run(
        OutputErrorProblem problem,
        OutputErrorPoint at,
        int mostSteps,
        double tolerance,
        CancellationToken cancellation)
    {
        double damping = 0.0;
        double growth = 2.0;
        double largest = problem.Parts.States
            ? 1.0 - 1.0 / Enumerable.Range(0, problem.DataCount).Max(problem.LengthOf)
            : LargestRadius;
        for (int i = 0; i < mostSteps; i++)
        {
            double[] basis = Basis(problem, at.System);
            TriangularFactor rows = problem.Rows(at, basis, cancellation);
            double scale = Scale(rows);
            damping = damping > 0.0 ? damping : InitialDamping * scale;
            double[] right = [.. rows.RightSides().Column(0)];
            Matrix<double> triangle = rows.Triangle();
            double[] step = new double[rows.Unknowns];
            bool ends = false;
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                rows.Solve(damping, [], step);
                double slope = Vector<double>.Build.Dense(step) * (triangle.TransposeThisAndMultiply(
                    Vector<double>.Build.Dense(right)));
                double predicted = 0.5 * (damping * VectorMath.Dot(step, step) - slope);
                OutputErrorPoint? next = Try(problem, at.System, basis, step, largest);
                if (next is not null && next.Loss < at.Loss)
                {
                    double ratio = (at.Loss - next.Loss) / predicted;
                    damping = Math.Max(
                        damping * Math.Max(LeastChange, 1.0 - Math.Pow(2.0 * ratio - 1.0, 3)), 1e-20 * scale);
                    growth = 2.0;
                    double least = tolerance * at.Loss;
                    ends = at.Loss - next.Loss <= least && predicted <= least;
                    at = next;
                    break;
                }
                if (predicted <= 1e-3 * tolerance * at.Loss || damping > 1e12 * scale)
                {
                    return at;
                }
                damping *= growth;
                growth *= 2.0;
            }
            if (ends)
            {
                return at;
            }
        }
        return at;
    }

    private static OutputErrorPoint? Try(
        OutputErrorProblem problem, FreeSystem system, double[] basis, double[] step, double largestRadius)
    {
        FreeSystem? moved = problem.Moved(system, basis, step);
        if (moved is null || !(RadiusOf(moved.Model.Whh) <= Math.Max(largestRadius, RadiusOf(system.Model.Whh))))
        {
            return null;
        }
        OutputErrorPoint point = problem.Evaluate(moved);
        return double.IsFinite(point.Loss) ? point : null;
    }

    private static double RadiusOf(Matrix<double> whh)
    {
        try
        {
            return Spectrum.RadiusOf(whh);
        }
        catch (ArithmeticException)
        {
            return double.PositiveInfinity;
        }
    }

    /// <summary>About the largest diagonal entry of JᵀJ.</summary>
    private static double Scale(TriangularFactor rows)
    {
        double[] diagonal = new double[rows.Unknowns];
        for (int i = 0; i < diagonal.Length; i++)
        {
            ReadOnlySpan<double> row = rows.Row(i);
            for (int k = i; k < diagonal.Length; k++)
            {
                diagonal[k] += row[k] * row[k];
            }
        }
        double largest = diagonal.Length == 0 ? 0.0 : diagonal.Max();
        return largest > 0.0 ? largest : 1.0;
    }

    private static OutputErrorPoint Linear(
        OutputErrorProblem problem, OutputErrorPoint at, double[] directions, CancellationToken cancellation)
    {
        TriangularFactor rows = problem.Rows(at, directions, cancellation);
        double[] step = [.. -rows.ShortestSolution().Column(0)];
        return problem.Moved(at.System, directions, step) is FreeSystem moved ? problem.Evaluate(moved) : at;
    }

    /// <summary>Unit vectors of some places.</summary>
    private static double[] Units(int length, (int First, int Count)[] places)
    {
        double[] units = new double[length * places.Sum(p => p.Count)];
        int k = 0;
        foreach ((int first, int count) in places)
        {
            for (int i = 0; i < count; i++)
            {
                units[k * length + first + i] = 1.0;
                k++;
            }
        }
        return units;
    }

    /// <summary>Directions of the weights and of h_0 that change outputs. A movement of h_0 of a sequence of T steps
    /// counts as one of its size over ∛T would: it acts once, weights act at every step.</summary>
    private static double[] Basis(OutputErrorProblem problem, FreeSystem system)
    {
        Parameters parameters = problem.Parts.States
            ? new Parameters(system.Model, system.States) : new Parameters(system.Model);
        int h = system.Model.HiddenSize;
        double[] identity = new double[h * h];
        for (int i = 0; i < h; i++)
        {
            identity[i * h + i] = 1.0;
        }
        double[] metric = new double[parameters.Count];
        Array.Fill(metric, 1.0);
        if (problem.Parts.States)
        {
            for (int b = 0; b < problem.DataCount; b++)
            {
                int first = parameters.Count - h * (problem.DataCount - b);
                Array.Fill(metric, 1.0 / Math.Cbrt(problem.LengthOf(b)), first, h);
            }
        }
        double[] unseen = LocalCoordinates.Unseen(parameters, identity, metric);
        double[] basis = OrthogonalComplement.Of(unseen, parameters.Count);
        for (int k = 0; k < basis.Length; k++)
        {
            basis[k] /= Math.Sqrt(metric[k % metric.Length]);
        }
        return basis;
    }
}
