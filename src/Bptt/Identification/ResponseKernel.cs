// The most probable prior on an impulse response over a wide range of decays, and the response that it finds. Lags are
// taken one by one where they are few and in growing bins beyond, so that slow plants cost no more.
//
//   d  inputs      q  outputs      n  lags      m  unknowns

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>
/// The kernel of <see cref="ImpulseResponsePrior"/>, E g_k g_l = σ² c a^{max(k,l)+1}: g_k is a sum of independent parts
/// l ≥ k of variance σ² c (a^{l+1} − a^{l+2}). Parts whose l share a bin act as one at the end of the bin, whose
/// regressor is the sum of as many past inputs: as many unknowns as bins.
/// </summary>
internal sealed class ResponseKernel
{
    private const int MostUnknowns = 100;
    private const int MostLags = 4000;
    private const double LeastExponent = -2.0;
    private const double MostExponent = 9.0;
    private const double ExponentStep = 0.25;
    private const double LeastVariance = 1e-24;

    private static readonly double[] Decays =
        [0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.99, 0.995, 0.998];

    private readonly int[] _ends; // the last lag of each bin
    private readonly int _inputSize;
    private readonly Matrix<double> _coefficients; // bins·d × q

    private ResponseKernel(
        double decay, double scale, double variance, int[] ends, int inputSize, Matrix<double> coefficients)
    {
        (Decay, Scale, Variance) = (decay, scale, variance);
        (_ends, _inputSize, _coefficients) = (ends, inputSize, coefficients);
    }

    /// <summary>a.</summary>
    public double Decay { get; }

    /// <summary>c.</summary>
    public double Scale { get; }

    /// <summary>σ², of what the response leaves of each output.</summary>
    public double Variance { get; }

    /// <summary>The kernel and the response that make the data the least surprising.</summary>
    /// <param name="inputs">Of size 1.</param>
    /// <param name="targets">Of size 1.</param>
    /// <param name="weights">A step of weight 0 is left out.</param>
    /// <param name="removesMean">Whether the mean of each output is no part of the response.</param>
    /// <param name="cancellation">Ends it.</param>
    public static ResponseKernel Estimate(
        Matrix<double>[] inputs,
        Matrix<double>[] targets,
        double[][] weights,
        bool removesMean,
        CancellationToken cancellation)
    {
        int d = inputs[0].RowCount;
        int q = targets[0].RowCount;
        int longest = inputs.Max(u => u.ColumnCount);
        int bins = Math.Max(8, MostUnknowns / d);
        int[] binned = Ends(longest, bins);
        int[] single = [.. Enumerable.Range(0, Math.Min(bins, Math.Max(1, longest / 2)))];
        (ResponseKernel? best, double least) = Best(inputs, targets, weights, binned, removesMean, cancellation);
        if (binned[^1] > single[^1])
        {
            // Bins see slow modes and no fast ones at late lags: the data say what matters.
            (ResponseKernel? other, double surprise) = Best(
                inputs, targets, weights, single, removesMean, cancellation);
            best = surprise < least ? other : best;
        }
        return best ?? new ResponseKernel(
            Decays[0], 1.0, 1.0, single, d, Matrix<double>.Build.Dense(single.Length * d, q));
    }

    /// <summary>The best for given bins, and −2 ln p up to a constant.</summary>
    private static (ResponseKernel? Best, double Surprise) Best(
        Matrix<double>[] inputs,
        Matrix<double>[] targets,
        double[][] weights,
        int[] ends,
        bool removesMean,
        CancellationToken cancellation)
    {
        int d = inputs[0].RowCount;
        int q = targets[0].RowCount;
        (Matrix<double> gram, Matrix<double> moments, double squares, int rows) =
            Sums(inputs, targets, weights, ends, removesMean, cancellation);
        ResponseKernel? best = null;
        double least = double.PositiveInfinity;
        foreach (double decay in Decays)
        {
            cancellation.ThrowIfCancellationRequested();
            Vector<double> deviations = Deviations(decay, ends, d);
            var factor = Matrix<double>.Build.DenseOfDiagonalVector(deviations);
            Evd<double> evd = (factor * gram * factor).Evd(Symmetricity.Symmetric);
            Matrix<double> projected = evd.EigenVectors.TransposeThisAndMultiply(factor * moments);
            double[] energies = [.. projected.EnumerateRows().Select(row => row.DotProduct(row))];
            for (double exponent = LeastExponent; exponent <= MostExponent; exponent += ExponentStep)
            {
                double scale = Math.Pow(10.0, exponent);
                double left = squares;
                double logDeterminant = 0.0;
                for (int i = 0; i < energies.Length; i++)
                {
                    double growth = 1.0 + scale * Math.Max(0.0, evd.EigenValues[i].Real);
                    logDeterminant += Math.Log(growth);
                    left -= scale / growth * energies[i];
                }
                double variance = Math.Max(left, LeastVariance * squares) / ((double)q * rows);
                double surprise = q * (rows * Math.Log(variance) + logDeterminant);
                if (surprise < least)
                {
                    least = surprise;
                    Vector<double> shrink = evd.EigenValues.Map(e => scale / (1.0 + scale * Math.Max(0.0, e.Real)));
                    Matrix<double> found = factor * (evd.EigenVectors
                        * (Matrix<double>.Build.DenseOfDiagonalVector(shrink) * projected));
                    best = new ResponseKernel(decay, scale, variance, ends, d, found);
                }
            }
        }
        return (best, least);
    }

    /// <summary>g_0 … g_{count−1}, each q×d; zero beyond the last bin.</summary>
    public Matrix<double>[] Response(int count)
    {
        int q = _coefficients.ColumnCount;
        var response = new Matrix<double>[count];
        var sum = Matrix<double>.Build.Dense(q, _inputSize);
        int bin = _ends.Length - 1;
        for (int k = Math.Max(count - 1, _ends[^1]); k >= 0; k--)
        {
            for (; bin >= 0 && _ends[bin] >= k; bin--)
            {
                sum += _coefficients.SubMatrix(bin * _inputSize, _inputSize, 0, q).Transpose();
            }
            if (k < count)
            {
                response[k] = sum.Clone();
            }
        }
        return response;
    }

    /// <summary>One by one first, then each bin longer than the last, up to half of the longest sequence.</summary>
    private static int[] Ends(int longest, int bins)
    {
        int last = Math.Clamp(longest / 2, 0, MostLags);
        List<int> ends = [];
        double end = -1.0;
        int single = last < bins ? last + 1 : bins / 2;
        double growth = last < bins ? 1.0 : Math.Pow((last + 1.0) / single, 1.0 / (bins - single));
        while (ends.Count < single)
        {
            ends.Add((int)++end);
        }
        double next = single;
        while (ends[^1] < last)
        {
            next *= Math.Max(growth, 1.0 + 1e-9);
            ends.Add((int)Math.Clamp(Math.Round(next) - 1.0, ends[^1] + 1, last));
        }
        return [.. ends];
    }

    private static Vector<double> Deviations(double decay, int[] ends, int inputSize)
    {
        var deviations = Vector<double>.Build.Dense(ends.Length * inputSize);
        for (int i = 0; i < ends.Length; i++)
        {
            double from = Math.Pow(decay, (i == 0 ? -1 : ends[i - 1]) + 2);
            double to = i + 1 < ends.Length ? Math.Pow(decay, ends[i] + 2) : 0.0;
            for (int j = 0; j < inputSize; j++)
            {
                deviations[i * inputSize + j] = Math.Sqrt(Math.Max(from - to, 0.0));
            }
        }
        return deviations;
    }

    /// <summary>ΦᵀΦ, ΦᵀY and ‖Y‖² over steps that count, where Φ holds sums of past inputs, one for each bin.</summary>
    private static (Matrix<double> Gram, Matrix<double> Moments, double Squares, int Rows) Sums(
        Matrix<double>[] inputs,
        Matrix<double>[] targets,
        double[][] weights,
        int[] ends,
        bool removesMean,
        CancellationToken cancellation)
    {
        int d = inputs[0].RowCount;
        int q = targets[0].RowCount;
        int m = ends.Length * d;
        int rows = weights.Sum(w => w.Count(x => x > 0.0));
        Vector<double> mean = removesMean ? MeanOf(targets, weights, rows) : Vector<double>.Build.Dense(q);
        var gram = Matrix<double>.Build.Dense(m, m);
        var moments = Matrix<double>.Build.Dense(m, q);
        double squares = 0.0;
        const int BlockRows = 512;
        var block = Matrix<double>.Build.Dense(m, BlockRows);
        var outputs = Matrix<double>.Build.Dense(q, BlockRows);
        int filled = 0;
        for (int b = 0; b < inputs.Length; b++)
        {
            Matrix<double> sums = PrefixSums(inputs[b]);
            for (int t = 0; t < inputs[b].ColumnCount; t++)
            {
                if (weights[b][t] == 0.0)
                {
                    continue;
                }
                for (int i = 0; i < ends.Length; i++)
                {
                    int before = t - ends[i]; // the sum of columns before … t
                    for (int j = 0; j < d; j++)
                    {
                        block[i * d + j, filled] = sums[j, t + 1] - sums[j, Math.Max(0, before)];
                    }
                }
                outputs.SetColumn(filled, targets[b].Column(t) - mean);
                if (++filled == BlockRows)
                {
                    Take(BlockRows);
                    filled = 0;
                }
            }
        }
        Take(filled);
        return (gram, moments, squares, rows);

        void Take(int count)
        {
            if (count == 0)
            {
                return;
            }
            cancellation.ThrowIfCancellationRequested();
            Matrix<double> regressors = block.SubMatrix(0, m, 0, count);
            Matrix<double> wanted = outputs.SubMatrix(0, q, 0, count);
            gram += regressors.TransposeAndMultiply(regressors);
            moments += regressors.TransposeAndMultiply(wanted);
            squares += wanted.Enumerate().Sum(y => y * y);
        }
    }

    private static Matrix<double> PrefixSums(Matrix<double> inputs)
    {
        var sums = Matrix<double>.Build.Dense(inputs.RowCount, inputs.ColumnCount + 1);
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            for (int j = 0; j < inputs.RowCount; j++)
            {
                sums[j, t + 1] = sums[j, t] + inputs[j, t];
            }
        }
        return sums;
    }

    private static Vector<double> MeanOf(Matrix<double>[] targets, double[][] weights, int rows)
    {
        var mean = Vector<double>.Build.Dense(targets[0].RowCount);
        for (int b = 0; b < targets.Length; b++)
        {
            for (int t = 0; t < weights[b].Length; t++)
            {
                if (weights[b][t] > 0.0)
                {
                    mean += targets[b].Column(t) / rows;
                }
            }
        }
        return mean;
    }
}
