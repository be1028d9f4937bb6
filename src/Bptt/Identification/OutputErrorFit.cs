// Least squares for the weights that the outputs of a free run are linear in: W_hx and h_0 for given W_hh and W_qh,
// then W_qh for given states.
//
//   d  inputs      h  hidden units      q  outputs      T_b  steps of sequence b

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>o_t = Σ_j M_t^(j) W_hx e_j + N_t h_0 with M_t^(j) = Σ_k W_qh W_hhᵏ u_{j,t−k} = M_{t−1}^(j) W_hh + u_{j,t}
/// W_qh and N_t = W_qh W_hhᵗ (Verhaegen and Dewilde 1992).</summary>
internal static class OutputErrorFit
{
    /// <summary>The W_hx and, where asked, the h_0 of each sequence that minimise Σ_t ‖o_t − y_t‖². Cost 2·T·q·(h(d +
    /// 1))².</summary>
    /// <returns>W_hx, h×d, and h_0, h×B.</returns>
    public static (Matrix<double> Whx, Matrix<double> InitialStates) Inputs(
        IdentificationData data, Matrix<double> whh, Matrix<double> wqh, bool withInitialStates)
    {
        int h = whh.RowCount;
        int d = data.InputSize;
        int own = withInitialStates ? h : 0; // unknowns of one sequence alone
        int common = h * d;
        var all = new TriangularFactor(common);
        var triangles = new Matrix<double>[data.Inputs.Length]; // of each sequence [R z]
        for (int b = 0; b < triangles.Length; b++)
        {
            TriangularFactor rows = Rows(data, b, whh, wqh, own);
            triangles[b] = rows.Triangle().Append(rows.RightSides());
            for (int i = own; i < own + common; i++)
            {
                all.Add(triangles[b].Row(i, own, common + 1).Entries());
            }
        }
        Matrix<double> entries = all.ShortestSolution();
        var states = Matrix<double>.Build.Dense(h, triangles.Length);
        for (int b = 0; own > 0 && b < triangles.Length; b++)
        {
            Matrix<double> rest = triangles[b].SubMatrix(0, own, own + common, 1)
                - triangles[b].SubMatrix(0, own, own, common) * entries;
            states.SetSubMatrix(0, b, LeastSquares.Shortest(triangles[b].SubMatrix(0, own, 0, own), rest));
        }
        return (Matrix<double>.Build.Dense(h, d, entries.ToColumnMajorArray()), states);
    }

    /// <summary>The W_qh that minimises Σ_t ‖W_qh h_t − y_t‖². Cost 2·T·(h + q)².</summary>
    /// <param name="data">The data.</param>
    /// <param name="states">h_1 … h_T of each sequence, h×T_b.</param>
    public static Matrix<double> Outputs(IdentificationData data, Matrix<double>[] states)
    {
        int h = states[0].RowCount;
        int q = data.OutputSize;
        var rows = new TriangularFactor(h, rightSides: q);
        double[] row = new double[h + q];
        for (int b = 0; b < states.Length; b++)
        {
            ReadOnlySpan<double> columns = states[b].ColumnMajor();
            ReadOnlySpan<double> targets = data.Targets[b].ColumnMajor();
            for (int t = 0; t < states[b].ColumnCount; t++)
            {
                columns.Slice(t * h, h).CopyTo(row);
                targets.Slice(t * q, q).CopyTo(row.AsSpan(h));
                rows.Add(row);
            }
        }
        return rows.ShortestSolution().Transpose();
    }

    /// <summary>h_1 … h_T of each sequence, h×T_b.</summary>
    public static Matrix<double>[] States(
        IdentificationData data, Matrix<double> whh, Matrix<double> whx, Matrix<double> initialStates)
    {
        var states = new Matrix<double>[data.Inputs.Length];
        for (int b = 0; b < states.Length; b++)
        {
            states[b] = whx * data.Inputs[b];
            Vector<double> state = initialStates.Column(b);
            for (int t = 0; t < states[b].ColumnCount; t++)
            {
                state = whh * state + states[b].Column(t);
                states[b].SetColumn(t, state);
            }
        }
        return states;
    }

    /// <summary>A row for each output at each step: [N_t, M_t^(1) … M_t^(d), y_t].</summary>
    private static TriangularFactor Rows(
        IdentificationData data, int sequence, Matrix<double> whh, Matrix<double> wqh, int own)
    {
        int h = whh.RowCount;
        int d = data.InputSize;
        int q = data.OutputSize;
        double[] transition = whh.ToColumnMajorArray();
        double[] readout = wqh.ToRowMajorArray();
        Matrix<double> inputs = data.Inputs[sequence];
        Matrix<double> targets = data.Targets[sequence];

        // M_t^(1) … M_t^(d), N_t: of each the rows of q outputs, one after another.
        double[] now = new double[(d + 1) * q * h];
        double[] next = new double[now.Length];
        readout.CopyTo(now, d * q * h);
        var rows = new TriangularFactor(own + h * d);
        double[] equation = new double[own + h * d + 1];
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            for (int block = 0; block < (own > 0 ? d + 1 : d) * q; block++)
            {
                double input = block < d * q ? inputs[block / q, t] : 0.0;
                ReadOnlySpan<double> row = now.AsSpan(block * h, h);
                ReadOnlySpan<double> output = readout.AsSpan(block % q * h, h);
                for (int j = 0; j < h; j++)
                {
                    next[block * h + j] = VectorMath.Dot(row, transition.AsSpan(j * h, h)) + input * output[j];
                }
            }
            (now, next) = (next, now);
            for (int i = 0; i < q; i++)
            {
                if (own > 0)
                {
                    now.AsSpan((d * q + i) * h, h).CopyTo(equation);
                }
                for (int j = 0; j < d; j++)
                {
                    now.AsSpan((j * q + i) * h, h).CopyTo(equation.AsSpan(own + j * h));
                }
                equation[^1] = targets[i, t];
                rows.Add(equation);
            }
        }
        return rows;
    }
}
