// A candidate of an estimation as it is run freely, an average of several, and one with as few states as matter. Fits
// no dynamics.
//
//   d  inputs      q  outputs      B  sequences      n  states

using Bptt.Diagnostics;
using Bptt.LinearAlgebra;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>How a candidate is fitted.</summary>
internal enum EstimationMethod
{
    /// <summary>Least output error of the free run.</summary>
    OutputError,

    /// <summary>Least prediction error one step ahead, run freely.</summary>
    PredictionError,

    /// <summary>A regression on past inputs and outputs, run freely.</summary>
    Regression,

    /// <summary>The mean of the outputs of others.</summary>
    Average,
}

/// <summary>What tells one candidate from another.</summary>
internal readonly record struct CandidateKey(EstimationMethod Method, FreeParts Parts, bool HasPrior, int Order)
{
    /// <summary>In words, without the order.</summary>
    public override string ToString()
    {
        string name = Method switch
        {
            EstimationMethod.OutputError => "output error",
            EstimationMethod.PredictionError => "prediction error",
            EstimationMethod.Average => "average of the best of each kind",
            _ => "regression",
        };
        string?[] parts =
        [
            name,
            HasPrior ? "prior" : null,
            Parts.States ? "initial states" : null,
            Parts.Offset ? "offset" : null,
            Parts.Direct ? "direct term" : null,
        ];
        return string.Join(", ", parts.Where(p => p is not null));
    }
}

/// <summary>A candidate as it is run freely: x_{t+1} = A x_t + B u_t, y_t = C x_t + D u_t + c from x_1, for channels of
/// size 1.</summary>
internal sealed record FittedCandidate(
    Matrix<double> A,
    Matrix<double> B,
    Matrix<double> C,
    Matrix<double> D,
    Matrix<double> States,
    Vector<double> Offset)
{
    /// <summary>A state may be left out where that changes outputs by at most this part of what they miss.</summary>
    private const double Negligible = 0.03;

    /// <summary>The same as a network, where it was fitted as one.</summary>
    public FreeSystem? System { get; init; }

    public static FittedCandidate Of(FreeSystem system)
    {
        LinearRnn model = system.Model;
        return new FittedCandidate(
            model.Whh,
            model.Whx,
            model.Wqh * model.Whh,
            model.Wqh * model.Whx + system.Direct,
            system.States,
            system.Offset)
        {
            System = system,
        };
    }

    /// <summary>The mean of the outputs of some: their states side by side.</summary>
    public static FittedCandidate AverageOf(IReadOnlyList<FittedCandidate> members)
    {
        double part = 1.0 / members.Count;
        return members.Count == 1 ? members[0] : members
            .Select(m => m with { System = null, C = part * m.C, D = part * m.D, Offset = part * m.Offset })
            .Aggregate((x, y) => new FittedCandidate(
                x.A.DiagonalStack(y.A),
                x.B.Stack(y.B),
                x.C.Append(y.C),
                x.D + y.D,
                x.States.Stack(y.States),
                x.Offset + y.Offset));
    }

    /// <summary>ŷ_1 … ŷ_T, q×T.</summary>
    public Matrix<double> Run(Matrix<double> inputs, int sequence)
    {
        Matrix<double> driven = B * inputs;
        var states = Matrix<double>.Build.Dense(A.RowCount, inputs.ColumnCount);
        Vector<double> state = States.Column(sequence);
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            states.SetColumn(t, state);
            state = A * state + driven.Column(t);
        }
        Matrix<double> outputs = C * states + D * inputs;
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            outputs.SetColumn(t, outputs.Column(t) + Offset);
        }
        return outputs;
    }

    /// <summary>x_1 of each sequence and c, where they are free, by least squares on the free run; what x_1 does is
    /// held small.</summary>
    /// <param name="data">The sequences.</param>
    /// <param name="weights">Of their steps.</param>
    /// <param name="parts">What is free.</param>
    /// <param name="smallness">The weight of each squared output of what x_1 does.</param>
    public FittedCandidate WithBestStates(
        EstimationData data, double[][] weights, FreeParts parts, double smallness)
    {
        (int n, int q) = (A.RowCount, C.RowCount);
        int own = parts.States ? n : 0;
        var all = new TriangularFactor(q); // of what all sequences share
        var triangles = new Matrix<double>[data.Count];
        for (int b = 0; b < triangles.Length; b++)
        {
            TriangularFactor rows = StateRows(data, b, weights[b], own, parts.Offset, smallness);
            triangles[b] = rows.Triangle().Append(rows.RightSides());
            for (int i = own; i < own + q; i++)
            {
                all.Add(triangles[b].Row(i, own, q + 1).AsArray());
            }
        }
        Matrix<double> offset = all.ShortestSolution();
        var states = Matrix<double>.Build.Dense(n, data.Count);
        for (int b = 0; own > 0 && b < triangles.Length; b++)
        {
            Matrix<double> rest = triangles[b].SubMatrix(0, own, own + q, 1)
                - triangles[b].SubMatrix(0, own, own, q) * offset;
            states.SetSubMatrix(0, b, LeastSquares.Shortest(triangles[b].SubMatrix(0, own, 0, own), rest));
        }
        return this with { System = null, States = states, Offset = offset.Column(0) };
    }

    /// <summary>A row for each output at each step: C Aᵗ, the offset's and what is left over from rest.</summary>
    private TriangularFactor StateRows(
        EstimationData data, int sequence, double[] weights, int own, bool hasOffset, double smallness)
    {
        (int n, int q) = (A.RowCount, C.RowCount);
        FittedCandidate atRest = this with
        {
            States = Matrix<double>.Build.Dense(n, data.Count),
            Offset = Vector<double>.Build.Dense(q),
        };
        Matrix<double> rest = data.Targets[sequence] - atRest.Run(data.Inputs[sequence], sequence);
        var rows = new TriangularFactor(own + q);
        double[] row = new double[own + q + 1];
        double holds = Math.Sqrt(smallness);
        Matrix<double> seen = C; // C Aᵗ
        for (int t = 0; t < weights.Length; t++)
        {
            double root = Math.Sqrt(weights[t]);
            for (int i = 0; i < q; i++)
            {
                Array.Clear(row);
                for (int j = 0; j < own; j++)
                {
                    row[j] = holds * seen[i, j];
                }
                if (own > 0)
                {
                    rows.Add(row);
                }
                if (root == 0.0)
                {
                    continue;
                }
                for (int j = 0; j < own; j++)
                {
                    row[j] = root * seen[i, j];
                }
                row[own + i] = hasOffset ? root : 0.0;
                row[own + q] = root * rest[i, t];
                rows.Add(row);
            }
            seen = own > 0 ? seen * A : seen;
        }
        return rows;
    }

    /// <summary>By balanced truncation (Moore 1981), x_1 of each sequence counting as one more input, the same with as
    /// few states as leave its outputs about as they are.</summary>
    public FittedCandidate Reduced(EstimationData data, double[][] weights)
    {
        Matrix<double>[] outputs = [.. data.Inputs.Select((u, b) => Run(u, b))];
        double missed = outputs.Select((o, b) => Squares(o - data.Targets[b], weights[b])).Sum();
        try
        {
            var balanced = new BalancedCoordinates(
                Gramian.Factor(A, B.Append(States)), Gramian.Factor(A.Transpose(), C.Transpose()));
            (int least, int most) = (1, A.RowCount);
            FittedCandidate best = this;
            while (least < most)
            {
                int order = (least + most) / 2;
                FittedCandidate? fewer = balanced.Leading(order, 1e-12) is var (from, to)
                    ? new FittedCandidate(to * A * from, to * B, C * from, D, to * States, Offset) : null;
                if (fewer is null || Spectrum.RadiusOf(fewer.A) >= 1.0
                    || !(outputs.Select((o, b) => Squares(fewer.Run(data.Inputs[b], b) - o, weights[b])).Sum()
                        <= Negligible * Negligible * missed))
                {
                    least = order + 1;
                    continue;
                }
                (best, most) = (fewer, order);
            }
            return best;
        }
        catch (Exception e) when (e is NonConvergenceException or ArithmeticException)
        {
            return this;
        }
    }

    private static double Squares(Matrix<double> errors, double[] weights)
    {
        double sum = 0.0;
        for (int t = 0; t < weights.Length; t++)
        {
            if (weights[t] > 0.0)
            {
                Vector<double> error = errors.Column(t);
                sum += weights[t] * error.DotProduct(error);
            }
        }
        return sum;
    }
}
