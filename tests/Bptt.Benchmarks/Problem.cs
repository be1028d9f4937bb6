// The data of one row of the table: the same numbers for Bptt and for every peer.
//
//   X  d×N  inputs, packed      Y  q×N  targets, packed      N = ΣT_b

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Benchmarks;

/// <summary>A model and its data; the objective is the squared error, mean over all steps.</summary>
internal sealed class Problem
{
    /// <summary>Below 1, as in a stable model, and so near to 1 that gradients reach far back.</summary>
    public const double UsualRadius = 0.99;

    private const int Seed = 1;

    public Problem(Shape shape, double spectralRadius = UsualRadius)
    {
        Shape = shape;
        Layout = new PackedLayout(shape.Lengths);
        Model = Initializer.Orthogonal(shape.InputSize, shape.HiddenSize, shape.OutputSize, Seed, spectralRadius);

        var random = new MersenneTwister(Seed, threadSafe: false);
        Matrix<double>[] inputs = RandomSequences(shape.InputSize, shape.Lengths, random);
        Matrix<double>[] targets = RandomSequences(shape.OutputSize, shape.Lengths, random);
        Inputs = SequenceBatch.Pack(inputs);
        Targets = SequenceBatch.Pack(targets);
        PackedInputs = Layout.Pack(inputs);
        PackedTargets = Layout.Pack(targets);
    }

    public Shape Shape { get; }

    public LinearRnn Model { get; }

    /// <summary>The inputs as Bptt takes them.</summary>
    public SequenceBatch Inputs { get; }

    /// <summary>The same in a precision: floats as ML code holds them.</summary>
    public SequenceBatch InputsIn(Precision precision)
    {
        if (precision == Precision.Double)
        {
            return Inputs;
        }
        int steps = Shape.Lengths.Max();
        float[] tensor = new float[Shape.Lengths.Count * steps * Shape.InputSize];
        Inputs.CopyTo(tensor);
        return SequenceBatch.FromTensor(
            tensor,
            Shape.Lengths.Count,
            steps,
            Shape.InputSize,
            TensorOrder.BatchTimeFeature,
            [.. Shape.Lengths]);
    }

    /// <summary>The targets as Bptt takes them.</summary>
    public SequenceBatch Targets { get; }

    /// <summary>How the peers lay the data out.</summary>
    public PackedLayout Layout { get; }

    /// <summary>X, column-major; in row-major terms N×d.</summary>
    public double[] PackedInputs { get; }

    /// <summary>Y, column-major; in row-major terms N×q.</summary>
    public double[] PackedTargets { get; }

    private static Matrix<double>[] RandomSequences(int rows, IReadOnlyList<int> lengths, MersenneTwister random) =>
        [.. lengths.Select(
            length => Matrix<double>.Build.Dense(rows, length, (_, _) => 2.0 * random.NextDouble() - 1.0))];
}
