// Where training starts: whole models, reproducible from a seed. Trains nothing.
//
//   d  inputs      h  hidden units      q  outputs

using Bptt.Diagnostics;
using Bptt.Edge;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Remedies;

/// <summary>Models to start training from. They differ in W_hh; W_hx and W_qh are uniform on ±√(6/(rows + columns))
/// (Glorot &amp; Bengio 2010). The same seed gives the same model on every machine, up to the rounding of MathNet's
/// factorisations.</summary>
/// <remarks>The seed starts the Mersenne twister that all numbers of a model are drawn from.</remarks>
public static class Initializer
{
    /// <summary>A Gaussian matrix is drawn again where its spectral radius is below this multiple of its norm ‖W‖_F/√h,
    /// so that scaling to a radius makes no large matrix. Ginibre's have about 1.</summary>
    private const double LeastRelativeRadius = 0.1;

    /// <summary>
    /// W_hh = ρQ with Q orthogonal, drawn from the Haar measure by the QR factorisation of a Gaussian matrix with the
    /// signs of R's diagonal undone (Mezzadri 2007): all eigenvalues have modulus ρ, so gradients neither vanish nor
    /// explode at first where ρ is near 1 (Saxe, McClelland &amp; Ganguli 2014).
    /// </summary>
    /// <param name="inputSize">d, at least 1.</param>
    /// <param name="hiddenSize">h, at least 1.</param>
    /// <param name="outputSize">q, at least 1.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="spectralRadius">ρ, above 0.</param>
    /// <returns>A new model. Cost O(h³).</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or ρ is not a finite number above
    /// 0.</exception>
    public static LinearRnn Orthogonal(
        int inputSize, int hiddenSize, int outputSize, int seed, double spectralRadius = 1.0)
    {
        Guard.Positive(spectralRadius, nameof(spectralRadius));
        return Make(
            inputSize, hiddenSize, outputSize, seed, random => spectralRadius * HaarOrthogonal(hiddenSize, random));
    }

    /// <summary>
    /// W_hh with independent normal entries, scaled to spectral radius ρ: the start of reservoirs (Jaeger 2001).
    /// Eigenvalues fill the disc of radius ρ, so that many time scales are there at once. The matrix is not normal:
    /// where ρ is near 1, states and gradients grow by a factor of about √h before they fade, see
    /// <see cref="Spectrum.TransientGrowth"/>.
    /// </summary>
    /// <param name="inputSize">d, at least 1.</param>
    /// <param name="hiddenSize">h, at least 1.</param>
    /// <param name="outputSize">q, at least 1.</param>
    /// <param name="seed">The seed. A matrix whose radius is far below its norm is drawn again.</param>
    /// <param name="spectralRadius">ρ, above 0; exact to the rounding of the eigenvalues.</param>
    /// <returns>A new model. Cost about 25h³.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or ρ is not a finite number above
    /// 0.</exception>
    public static LinearRnn Gaussian(
        int inputSize, int hiddenSize, int outputSize, int seed, double spectralRadius = 1.0)
    {
        Guard.Positive(spectralRadius, nameof(spectralRadius));
        return Make(inputSize, hiddenSize, outputSize, seed, random =>
        {
            while (true)
            {
                Matrix<double> whh = Normal(hiddenSize, random);
                double radius = Spectrum.RadiusOf(whh);
                if (radius > LeastRelativeRadius * whh.FrobeniusNorm() / Math.Sqrt(hiddenSize))
                {
                    return whh / radius * spectralRadius;
                }
            }
        });
    }

    /// <summary>
    /// W_hh = cI (Le, Jaitly &amp; Hinton 2015): at c = 1 every hidden unit is an integrator, states and gradients keep
    /// their size exactly, and the model can learn sums over long times at once.
    /// </summary>
    /// <remarks>
    /// A delay may be out of reach of training from here. With W_hh = cI every h_t lies in the span of W_hx's columns
    /// and every ∂L/∂h_t in that of W_qh's rows. Call the sum of both S: it has at most d + q dimensions. ∂L/∂W_hx and
    /// ∂L/∂W_hh have their columns in S, and ∂L/∂W_qh and ∂L/∂W_hh their rows, so that an optimiser which commutes with
    /// rotations of the hidden units (gradient descent, with momentum or clipped by its norm, and Newton methods with
    /// Krylov spaces) never leaves W_hh = cI + M, M from S to S: the model behaves like one of at most d + q hidden
    /// units for ever, however large h is, and delays no input by more than d + q − 1 steps exactly. Adam does not
    /// commute, since it works entry by entry, nor does clipping by value.
    /// </remarks>
    /// <param name="inputSize">d, at least 1.</param>
    /// <param name="hiddenSize">h, at least 1.</param>
    /// <param name="outputSize">q, at least 1.</param>
    /// <param name="seed">The seed, for W_hx and W_qh.</param>
    /// <param name="scale">c, above 0.</param>
    /// <returns>A new model. Cost O(h(h + d + q)).</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or c is not a finite number above
    /// 0.</exception>
    public static LinearRnn ScaledIdentity(
        int inputSize, int hiddenSize, int outputSize, int seed, double scale = 1.0)
    {
        Guard.Positive(scale, nameof(scale));
        return Make(
            inputSize,
            hiddenSize,
            outputSize,
            seed,
            _ => Matrix<double>.Build.DenseDiagonal(hiddenSize, hiddenSize, scale));
    }

    /// <summary>
    /// W_hh of 2×2 rotation blocks on the diagonal, block i being ρ [cos ω −sin ω; sin ω cos ω] with ω = 2π/p_i: pairs
    /// of units that swing with given periods and fade by ρ per step, where the periods of the data are known. Where h
    /// is odd the last unit is real, with eigenvalue ρ. W_hh is normal: at ρ = 1 gradients keep their size.
    /// </summary>
    /// <param name="inputSize">d, at least 1.</param>
    /// <param name="hiddenSize">h, at least 1.</param>
    /// <param name="outputSize">q, at least 1.</param>
    /// <param name="seed">The seed, for W_hx and W_qh.</param>
    /// <param name="spectralRadius">ρ, above 0.</param>
    /// <param name="periods">p_i in steps, ⌊h/2⌋ of them, each finite and at least 2: steps cannot tell a faster swing
    /// from a slower one.</param>
    /// <returns>A new model. Cost O(h(h + d + q)).</returns>
    /// <exception cref="ArgumentNullException"><paramref name="periods"/> is null.</exception>
    /// <exception cref="ArgumentException">There are not ⌊h/2⌋ periods.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, ρ is not a finite number above 0, or a period
    /// is not a finite number of at least 2.</exception>
    public static LinearRnn Oscillators(
        int inputSize,
        int hiddenSize,
        int outputSize,
        int seed,
        double spectralRadius,
        IReadOnlyList<double> periods)
    {
        ArgumentNullException.ThrowIfNull(periods);
        Guard.AtLeastOne(hiddenSize, nameof(hiddenSize));
        Guard.Positive(spectralRadius, nameof(spectralRadius));
        if (periods.Count != hiddenSize / 2)
        {
            throw Guard.Error(
                nameof(periods),
                $"expected {hiddenSize / 2}, one for each pair of the {hiddenSize} hidden units, got {periods.Count}.");
        }
        var whh = Matrix<double>.Build.Dense(hiddenSize, hiddenSize);
        whh[hiddenSize - 1, hiddenSize - 1] = spectralRadius;
        for (int pair = 0; pair < periods.Count; pair++)
        {
            double period = periods[pair];
            if (!(period >= 2.0) || !double.IsFinite(period))
            {
                throw Guard.Range(
                    nameof(periods),
                    $"expected finite numbers of at least 2 (steps), got {NumberText.Exact(period)} at index "
                        + $"{pair} (from 0).");
            }
            (double sine, double cosine) = double.SinCosPi(2.0 / period);
            int i = 2 * pair;
            whh[i, i] = whh[i + 1, i + 1] = spectralRadius * cosine;
            whh[i + 1, i] = spectralRadius * sine;
            whh[i, i + 1] = -spectralRadius * sine;
        }
        return Make(inputSize, hiddenSize, outputSize, seed, _ => whh);
    }

    /// <summary>A model with the given W_hh, drawn between W_hx and W_qh.</summary>
    private static LinearRnn Make(
        int inputSize, int hiddenSize, int outputSize, int seed, Func<MersenneTwister, Matrix<double>> whh)
    {
        Guard.AtLeastOne(inputSize, nameof(inputSize));
        Guard.AtLeastOne(hiddenSize, nameof(hiddenSize));
        Guard.AtLeastOne(outputSize, nameof(outputSize));
        var random = new MersenneTwister(seed, threadSafe: false);
        Matrix<double> whx = Glorot(hiddenSize, inputSize, random);
        Matrix<double> hidden = whh(random);
        Matrix<double> wqh = Glorot(outputSize, hiddenSize, random);
        return new LinearRnn(whx, hidden, wqh);
    }

    private static Matrix<double> HaarOrthogonal(int size, MersenneTwister random)
    {
        var qr = Normal(size, random).QR();
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

    private static Matrix<double> Normal(int size, MersenneTwister random)
    {
        var gaussian = new Normal(0.0, 1.0, random);
        return Matrix<double>.Build.Dense(size, size, (_, _) => gaussian.Sample());
    }

    private static Matrix<double> Glorot(int rows, int columns, MersenneTwister random)
    {
        double bound = Math.Sqrt(6.0 / (rows + columns));
        return Matrix<double>.Build.Dense(rows, columns, (_, _) => bound * (2.0 * random.NextDouble() - 1.0));
    }
}
