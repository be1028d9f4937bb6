// The h_0 that explains measured outputs best, for given weights: linear least squares.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Files;

/// <summary>o_t = W_qh W_hhᵗ h_0 + what the inputs do from rest is linear in h_0.</summary>
internal static class StateEstimate
{
    /// <summary>The shortest h_0 that minimises Σ (o_t − y_t)² over what is measured. Cost O(T·h²(q + 1)).</summary>
    /// <param name="model">The weights.</param>
    /// <param name="driven">Outputs from rest, q×T.</param>
    /// <param name="targets">q×T; NaN where a value is missing.</param>
    public static Vector<double> Of(LinearRnn model, Matrix<double> driven, Matrix<double> targets)
    {
        int h = model.HiddenSize;
        var rows = new TriangularFactor(h);
        double[] row = new double[h + 1];
        Matrix<double> reach = model.Wqh;
        for (int t = 0; t < targets.ColumnCount; t++)
        {
            reach *= model.Whh;
            for (int i = 0; i < targets.RowCount; i++)
            {
                double left = targets[i, t] - driven[i, t];
                if (double.IsNaN(left))
                {
                    continue;
                }
                reach.Row(i).Entries().CopyTo(row);
                row[h] = left;
                if (VectorMath.FirstNonFinite(row) < 0)
                {
                    rows.Add(row);
                }
            }
        }
        return rows.ShortestSolution().Column(0);
    }
}
