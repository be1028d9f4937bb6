// From an impulse response to W_hh and W_qh of any order: the realisation of Ho and Kalman, weighted by what inputs
// there were.
//
//   d  inputs      q  outputs      f  block rows and columns      n  order

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>
/// With g_k = W_qh W_hhᵏ W_hx the block Hankel matrix H = [g_{i+j}] is ΓΔ, where Γ = [W_qh; W_qh W_hh; …] (Ho and
/// Kalman 1966). The SVD of H Rᵀ, for RᵀR the moments of the inputs [u_t; u_{t−1}; …] that H takes, gives the Γ of any
/// order that keeps most of what those inputs do to outputs to come (Kung 1978 without the weight; Van Overschee and De
/// Moor 1996 on weights).
/// </summary>
internal sealed class HankelRealization
{
    /// <summary>Relative to the largest, a singular value below this is rounding.</summary>
    private const double Rounding = 1e-9;

    private readonly Svd<double> _svd;
    private readonly int _outputSize;

    /// <param name="response">g_0 … g_{2f−2}.</param>
    /// <param name="weight">R, fd×fd.</param>
    /// <exception cref="NonConvergenceException">The iteration for the singular values does not converge.</exception>
    public HankelRealization(Matrix<double>[] response, Matrix<double> weight)
    {
        int blocks = (response.Length + 1) / 2;
        var all = new Matrix<double>[blocks, blocks];
        for (int i = 0; i < blocks; i++)
        {
            for (int j = 0; j < blocks; j++)
            {
                all[i, j] = response[i + j];
            }
        }
        _outputSize = response[0].RowCount;
        _svd = Decompositions.Svd(Matrix<double>.Build.DenseOfMatrixArray(all).TransposeAndMultiply(weight));
        MaxOrder = Math.Min(_svd.U.RowCount - _outputSize, _svd.S.Count(s => s > Rounding * _svd.S[0]));
    }

    /// <summary>The singular values, descending.</summary>
    public Vector<double> SingularValues => _svd.S;

    /// <summary>The largest order that Γ without its last block still determines, and that is no rounding; 0 where
    /// inputs do nothing.</summary>
    public int MaxOrder { get; }

    /// <summary>W_hh, n×n, by Γ_up W_hh = Γ_down in least squares, and W_qh, q×n, the first block of Γ.</summary>
    public (Matrix<double> Whh, Matrix<double> Wqh) OfOrder(int order)
    {
        int rows = _svd.U.RowCount;
        var scale = Matrix<double>.Build.DenseOfDiagonalVector(_svd.S.SubVector(0, order).PointwiseSqrt());
        Matrix<double> gamma = _svd.U.SubMatrix(0, rows, 0, order) * scale;
        Matrix<double> upper = gamma.SubMatrix(0, rows - _outputSize, 0, order);
        Matrix<double> lower = gamma.SubMatrix(_outputSize, rows - _outputSize, 0, order);
        return (LeastSquares.Shortest(upper, lower), gamma.SubMatrix(0, _outputSize, 0, order));
    }

    /// <summary>R of the inputs [u_t; u_{t−1}; …; u_{t−f+1}] over all steps, zero before the first, as means. Cost
    /// 2·T·(fd)².</summary>
    public static Matrix<double> InputWeight(IdentificationData data, int blocks)
    {
        int d = data.InputSize;
        var rows = new TriangularFactor(blocks * d, rightSides: 0);
        double[] row = new double[blocks * d];
        foreach (Matrix<double> sequence in data.Inputs)
        {
            ReadOnlySpan<double> inputs = sequence.ColumnMajor();
            for (int t = 0; t < sequence.ColumnCount; t++)
            {
                Array.Clear(row);
                for (int k = 0; k < Math.Min(blocks, t + 1); k++)
                {
                    inputs.Slice((t - k) * d, d).CopyTo(row.AsSpan(k * d));
                }
                rows.Add(row);
            }
        }
        return rows.Triangle() / Math.Sqrt(data.TotalLength);
    }
}
