// From a state space system to a LinearRnn with the same outputs: which units must be added, and from which h_0 it
// starts.
//
//   n  states      d  inputs      q  outputs      r  units added

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>
/// o_t = W_qh h_t sees the input of its own step through h_t alone, so that C = W_qh A and D = W_qh B must hold where
/// h_t = x_{t+1}. What of [C D] the rows of [A B] do not span is held by units of its own.
/// </summary>
internal static class StateSpaceEmbedding
{
    /// <summary>How much larger than the output the terms may be whose sum it is: two digits are lost at
    /// most.</summary>
    private const double MaxCancellation = 100.0;

    /// <summary>The network, and its h_0.</summary>
    public static (LinearRnn Model, Vector<double> InitialState) Of(
        Matrix<double> a, Matrix<double> b, Matrix<double> c, Matrix<double> d, Vector<double> initialState)
    {
        Matrix<double> step = a.Append(b);
        Svd<double> svd = Decompositions.Svd(step);
        Vector<double> rowNorms = c.Append(d).RowNorms(2.0).Map(norm => norm > 0.0 ? norm : 1.0);
        Matrix<double> rows = Matrix<double>.Build.DenseOfDiagonalVector(1.0 / rowNorms) * c.Append(d);
        Matrix<double> readout = Readout(svd, rows);
        Matrix<double> rest = rows - readout * step;

        Svd<double> restSvd = Decompositions.Svd(rest);
        double tolerance = step.ColumnCount * MachineEpsilon.OfDouble * (1.0 + readout.FrobeniusNorm() * svd.S[0]);
        int added = restSvd.S.Count(s => s > tolerance);
        int inputs = b.ColumnCount;
        Vector<double>? before = added > inputs ? Before(svd, step, initialState) : null;
        if (added > inputs + (before is null ? 1 : 0))
        {
            return HoldingInputs(step, c.Append(d), initialState, before);
        }
        Matrix<double> scale = Matrix<double>.Build.DenseOfDiagonalVector(rowNorms);
        return added == 0
            ? (new LinearRnn(b, a, scale * readout), initialState.Clone())
            : HoldingOutputs(step, scale * readout, restSvd, scale, added, initialState);
    }

    /// <summary>The W that brings W [A B] closest to [C D] with terms that are not much larger than their sum: singular
    /// values are left out, the smallest first, until they are not.</summary>
    private static Matrix<double> Readout(Svd<double> svd, Matrix<double> rows)
    {
        int n = svd.U.RowCount;
        Matrix<double> components = rows * svd.VT.SubMatrix(0, n, 0, rows.ColumnCount).Transpose();
        for (int kept = svd.Rank; kept > 0; kept--)
        {
            Matrix<double> scaled = components.SubMatrix(0, rows.RowCount, 0, kept)
                * Matrix<double>.Build.DenseOfDiagonalVector(1.0 / svd.S.SubVector(0, kept));
            if (scaled.RowNorms(2.0).Maximum() * svd.S[0] <= MaxCancellation)
            {
                return scaled.TransposeAndMultiply(svd.U.SubMatrix(0, n, 0, kept));
            }
        }
        return Matrix<double>.Build.Dense(rows.RowCount, n);
    }

    /// <summary>z with [A B] z = x_1, without cancellation; null where there is none.</summary>
    private static Vector<double>? Before(Svd<double> svd, Matrix<double> step, Vector<double> initialState)
    {
        if (initialState.AbsoluteMaximum() == 0.0)
        {
            return Vector<double>.Build.Dense(step.ColumnCount);
        }
        int rank = svd.Rank;
        Vector<double> components = svd.U.SubMatrix(0, step.RowCount, 0, rank).TransposeThisAndMultiply(initialState)
            .PointwiseDivide(svd.S.SubVector(0, rank));
        Vector<double> before = svd.VT.SubMatrix(0, rank, 0, step.ColumnCount).TransposeThisAndMultiply(components);
        double size = initialState.L2Norm();
        bool holds = (step * before - initialState).L2Norm() <= 10.0 * step.ColumnCount * MachineEpsilon.OfDouble * size
            && before.L2Norm() * svd.S[0] <= MaxCancellation * size;
        return holds ? before : null;
    }

    /// <summary>h_t = [x_{t+1}; e_t], where e_t are the components of y_t that x_{t+1} does not tell; h_0 = [x_1;
    /// 0].</summary>
    private static (LinearRnn Model, Vector<double> InitialState) HoldingOutputs(
        Matrix<double> step,
        Matrix<double> readout,
        Svd<double> rest,
        Matrix<double> scale,
        int added,
        Vector<double> initialState)
    {
        int n = step.RowCount;
        int q = readout.RowCount;
        var seen = Matrix<double>.Build.DenseOfDiagonalVector(rest.S.SubVector(0, added));
        Matrix<double> all = step.Stack(seen * rest.VT.SubMatrix(0, added, 0, step.ColumnCount));
        Matrix<double> whh = all.SubMatrix(0, n + added, 0, n).Append(Matrix<double>.Build.Dense(n + added, added));
        Matrix<double> whx = all.SubMatrix(0, n + added, n, step.ColumnCount - n);
        Matrix<double> wqh = readout.Append(scale * rest.U.SubMatrix(0, q, 0, added));
        var start = Vector<double>.Build.Dense(n + added);
        initialState.CopySubVectorTo(start, 0, 0, n);
        return (new LinearRnn(whx, whh, wqh), start);
    }

    /// <summary>h_t = [x_t; u_t], so that x_{t+1} = [A B] h_t comes a step later. Where no h_0 gives x_1, one more unit
    /// that is 1 at step 0 and 0 from then on does.</summary>
    private static (LinearRnn Model, Vector<double> InitialState) HoldingInputs(
        Matrix<double> step, Matrix<double> output, Vector<double> initialState, Vector<double>? before)
    {
        int n = step.RowCount;
        int width = step.ColumnCount;
        int inputs = width - n;
        int h = width + (before is null ? 1 : 0);
        var whh = Matrix<double>.Build.Dense(h, h);
        whh.SetSubMatrix(0, 0, step);
        var whx = Matrix<double>.Build.Dense(h, inputs);
        whx.SetSubMatrix(n, 0, Matrix<double>.Build.DenseIdentity(inputs));
        var wqh = Matrix<double>.Build.Dense(output.RowCount, h);
        wqh.SetSubMatrix(0, 0, output);
        var start = Vector<double>.Build.Dense(h);
        if (before is null)
        {
            whh.SetSubMatrix(0, width, initialState.ToColumnMatrix());
            start[width] = 1.0;
        }
        else
        {
            before.CopySubVectorTo(start, 0, 0, width);
        }
        return (new LinearRnn(whx, whh, wqh), start);
    }
}
