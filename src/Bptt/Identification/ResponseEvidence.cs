// How probable the data are under each of many priors on the impulse response: the best one's two numbers are taken.
//
//   d  inputs      q  outputs      n  lags      m = nd  unknowns      N  steps

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>
/// The marginal likelihood of Y = Φg + noise of variance σ² with g ~ N(0, σ² c K), K_kl = a^{max(k,l)+1} for each
/// input: up to constants −2 ln p = q(N ln σ̂² + Σ_i ln(1 + c e_i)), where e_i are the eigenvalues of RΦᵀΦRᵀ, K = RᵀR,
/// and σ̂² is the most probable σ² (Rasmussen &amp; Williams 2006, section 5.4.1).
/// </summary>
internal sealed class ResponseEvidence(
    SequenceBatch inputs, SequenceBatch targets, IReadOnlyList<double[]>? stepWeights, Func<double, int> lagsOf)
{
    private const double LeastExponent = -2.0;
    private const double MostExponent = 9.0;
    private const double ExponentStep = 0.25;

    /// <summary>Relative to the targets, what is left of them beyond rounding.</summary>
    private const double LeastVariance = 1e-24;

    private static readonly double[] Decays = [0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98];

    /// <summary>a and c.</summary>
    public (double Decay, double Scale) Best()
    {
        var moments = new LaggedInputs(inputs, targets, stepWeights, Decays.Max(lagsOf));
        (double Decay, double Scale) best = (Decays[0], 1.0);
        double least = double.PositiveInfinity;
        foreach (double decay in Decays)
        {
            int lags = lagsOf(decay);
            int size = lags * inputs.RowCount;
            Matrix<double> factor = Factor(decay, lags, inputs.RowCount);
            Matrix<double> gram = factor * moments.Gram.SubMatrix(0, size, 0, size).TransposeAndMultiply(factor);
            Evd<double> evd = gram.Evd(Symmetricity.Symmetric);
            Matrix<double> projected = evd.EigenVectors.TransposeThisAndMultiply(
                factor * moments.Moments.SubMatrix(0, size, 0, moments.Moments.ColumnCount));
            for (double exponent = LeastExponent; exponent <= MostExponent; exponent += ExponentStep)
            {
                double scale = Math.Pow(10.0, exponent);
                double surprise = Surprise(moments, evd, projected, scale);
                if (surprise < least)
                {
                    (least, best) = (surprise, (decay, scale));
                }
            }
        }
        return best;
    }

    /// <summary>−2 ln p.</summary>
    private static double Surprise(LaggedInputs moments, Evd<double> evd, Matrix<double> projected, double scale)
    {
        double left = moments.TargetSquares;
        double logDeterminant = 0.0;
        for (int i = 0; i < projected.RowCount; i++)
        {
            double growth = 1.0 + scale * Math.Max(0.0, evd.EigenValues[i].Real);
            logDeterminant += Math.Log(growth);
            left -= scale / growth * projected.Row(i).DotProduct(projected.Row(i));
        }
        int q = projected.ColumnCount;
        double variance = Math.Max(left, LeastVariance * moments.TargetSquares) / ((double)q * moments.RowCount);
        return q * (moments.RowCount * Math.Log(variance) + logDeterminant);
    }

    /// <summary>R with K = RᵀR: g_k is the sum of independent parts of variance aˡ⁺¹ − aˡ⁺² for l = k … n−2, and
    /// aⁿ.</summary>
    private static Matrix<double> Factor(double decay, int lags, int inputSize)
    {
        var factor = Matrix<double>.Build.Dense(lags * inputSize, lags * inputSize);
        for (int l = 0; l < lags; l++)
        {
            double next = l + 1 < lags ? Math.Pow(decay, l + 2) : 0.0;
            double deviation = Math.Sqrt(Math.Pow(decay, l + 1) - next);
            for (int k = 0; k <= l; k++)
            {
                for (int j = 0; j < inputSize; j++)
                {
                    factor[l * inputSize + j, k * inputSize + j] = deviation;
                }
            }
        }
        return factor;
    }
}

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
