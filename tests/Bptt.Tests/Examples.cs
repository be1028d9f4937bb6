// Small random models and data for tests, from a seed.

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Tests;

internal sealed class Examples(int seed)
{
    private readonly MersenneTwister _random = new(seed, threadSafe: false);

    /// <summary>Uniform on (−scale, scale).</summary>
    public Matrix<double> Matrix(int rows, int columns, double scale = 1.0) =>
        Matrix<double>.Build.Dense(rows, columns, (_, _) => scale * (2.0 * _random.NextDouble() - 1.0));

    public Vector<double> Vector(int length) => Matrix(length, 1).Column(0);

    /// <summary>Weights small enough that states neither grow nor vanish quickly.</summary>
    public LinearRnn Model(int d, int h, int q) =>
        new(Matrix(h, d), Matrix(h, h, 1.2 / Math.Sqrt(h)), Matrix(q, h));

    /// <summary>W_hh scaled to a spectral radius.</summary>
    public LinearRnn Model(int d, int h, int q, double spectralRadius)
    {
        LinearRnn model = Model(d, h, q);
        double radius = model.Whh.Evd().EigenValues.AbsoluteMaximum().Real;
        return new LinearRnn(model.Whx, spectralRadius / radius * model.Whh, model.Wqh);
    }

    public SequenceBatch Batch(int rows, params int[] lengths) =>
        SequenceBatch.Pack(Array.ConvertAll(lengths, t => Matrix(rows, t)));

    /// <summary>For the messages of tests.</summary>
    public override string ToString() => $"seed {seed}";
}
