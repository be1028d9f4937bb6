// Where training starts: random models, reproducible from a seed.

using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Training;

/// <summary>Random models to start training from. The same seed gives the same model on every machine, up to the
/// rounding of MathNet's QR factorisation.</summary>
public static class Initializer
{
    /// <summary>
    /// W_hh = ρQ with Q orthogonal, drawn from the Haar measure by the QR factorisation of a Gaussian matrix with the
    /// signs of R's diagonal undone (Mezzadri 2007): all eigenvalues have modulus ρ, so gradients neither vanish nor
    /// explode at first where ρ is near 1. W_hx and W_qh are uniform on ±√(6/(rows + columns)) (Glorot &amp; Bengio 2010).
    /// </summary>
    /// <param name="inputSize">d, at least 1.</param>
    /// <param name="hiddenSize">h, at least 1.</param>
    /// <param name="outputSize">q, at least 1.</param>
    /// <param name="seed">The seed of the Mersenne twister that all numbers are drawn from.</param>
    /// <param name="spectralRadius">ρ, above 0.</param>
    /// <returns>A new model. Cost O(h³).</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or ρ is not a finite number above 0.</exception>
    public static LinearRnn Orthogonal(
        int inputSize, int hiddenSize, int outputSize, int seed, double spectralRadius = 1.0)
    {
        Guard.AtLeastOne(inputSize, nameof(inputSize));
        Guard.AtLeastOne(hiddenSize, nameof(hiddenSize));
        Guard.AtLeastOne(outputSize, nameof(outputSize));
        Guard.Positive(spectralRadius, nameof(spectralRadius));

        var random = new MersenneTwister(seed, threadSafe: false);
        Matrix<double> whx = Glorot(hiddenSize, inputSize, random);
        Matrix<double> whh = spectralRadius * HaarOrthogonal(hiddenSize, random);
        Matrix<double> wqh = Glorot(outputSize, hiddenSize, random);
        return new LinearRnn(whx, whh, wqh);
    }

    private static Matrix<double> HaarOrthogonal(int size, MersenneTwister random)
    {
        var gaussian = new Normal(0.0, 1.0, random);
        var qr = Matrix<double>.Build.Dense(size, size, (_, _) => gaussian.Sample()).QR();
        Matrix<double> q = qr.Q;
        for (int j = 0; j < size; j++)
        {
            if (qr.R[j, j] < 0.0)
            {
                q.SetColumn(j, -q.Column(j));
            }
        }
        return q;
    }

    private static Matrix<double> Glorot(int rows, int columns, MersenneTwister random)
    {
        double bound = Math.Sqrt(6.0 / (rows + columns));
        return Matrix<double>.Build.Dense(rows, columns, (_, _) => bound * (2.0 * random.NextDouble() - 1.0));
    }
}
