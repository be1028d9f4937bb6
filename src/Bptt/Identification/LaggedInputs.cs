// The sums that a regression of targets on present and past inputs needs, whatever its prior. Solves nothing.
//
//   d  inputs      q  outputs      n  lags      m = nd  unknowns

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>ΦᵀΦ, ΦᵀY and ‖Y‖² of y_t = Σ_{k&lt;n} g_k x_{t−k}/s, where row (b, t) of Φ is x_t, x_{t−1}, …, each input
/// divided by its root mean square s, and targets by a power of two that brings them near 1, since their squares could
/// overflow. The unknowns of lag k are those at kd … kd + d − 1, so fewer lags are a leading part.</summary>
internal sealed class LaggedInputs
{
    /// <summary>Rows gathered before they are multiplied.</summary>
    private const int BlockRows = 256;

    public LaggedInputs(
        SequenceBatch inputs, SequenceBatch targets, IReadOnlyList<double[]>? stepWeights, int lags)
    {
        int d = inputs.RowCount;
        int q = targets.RowCount;
        Vector<double> scale = IdentificationData.RootMeanSquares(inputs);
        int exponent = Exponent(targets, stepWeights);
        Gram = Matrix<double>.Build.Dense(lags * d, lags * d);
        Moments = Matrix<double>.Build.Dense(lags * d, q);
        Matrix<double> block = Matrix<double>.Build.Dense(lags * d, BlockRows);
        Matrix<double> outputs = Matrix<double>.Build.Dense(q, BlockRows);
        int rows = 0;
        for (int b = 0; b < inputs.Count; b++)
        {
            Matrix<double> x = inputs.Sequence(b);
            Matrix<double> y = targets.Sequence(b);
            for (int t = 0; t < x.ColumnCount; t++)
            {
                if (stepWeights is not null && stepWeights[b][t] == 0.0)
                {
                    continue;
                }
                for (int k = 0; k < lags; k++)
                {
                    for (int j = 0; j < d; j++)
                    {
                        block[k * d + j, rows] = t >= k ? x[j, t - k] / scale[j] : 0.0;
                    }
                }
                double[] output = y.Column(t).ToArray();
                VectorMath.ScaleByPowerOfTwo(-exponent, output);
                outputs.SetColumn(rows, output);
                rows++;
                RowCount++;
                if (rows == BlockRows)
                {
                    Add(block, outputs);
                    rows = 0;
                }
            }
        }
        if (rows > 0)
        {
            Add(block.SubMatrix(0, lags * d, 0, rows), outputs.SubMatrix(0, q, 0, rows));
        }
    }

    /// <summary>ΦᵀΦ, m×m.</summary>
    public Matrix<double> Gram { get; }

    /// <summary>ΦᵀY, m×q.</summary>
    public Matrix<double> Moments { get; }

    /// <summary>‖Y‖².</summary>
    public double TargetSquares { get; private set; }

    /// <summary>The steps that count.</summary>
    public int RowCount { get; private set; }

    /// <summary>Of the largest target that counts; 0 where all are zero.</summary>
    private static int Exponent(SequenceBatch targets, IReadOnlyList<double[]>? stepWeights)
    {
        double largest = 0.0;
        for (int b = 0; b < targets.Count; b++)
        {
            Matrix<double> y = targets.Sequence(b);
            for (int t = 0; t < y.ColumnCount; t++)
            {
                if (stepWeights is null || stepWeights[b][t] != 0.0)
                {
                    largest = Math.Max(largest, VectorMath.MaxAbs(y.Column(t).Entries()));
                }
            }
        }
        return VectorMath.Exponent(largest);
    }

    private void Add(Matrix<double> block, Matrix<double> outputs)
    {
        Gram.Add(block.TransposeAndMultiply(block), Gram);
        Moments.Add(block.TransposeAndMultiply(outputs), Moments);
        TargetSquares += outputs.Enumerate().Sum(y => y * y);
    }
}
