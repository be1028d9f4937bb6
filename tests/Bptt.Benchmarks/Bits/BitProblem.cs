// Random data of a case, from a seed. Uses no part of the library that computes.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Benchmarks.Bits;

/// <summary>A model, and all that a pass can be given. Every property is drawn from a stream of its own.</summary>
/// <param name="shape">The sizes, as the benchmarks write them.</param>
/// <param name="seed">The seed.</param>
/// <param name="growth">About the spectral radius of W_hh.</param>
internal sealed class BitProblem(string shape, int seed, double growth = 0.97)
{
    private readonly Shape _shape = Shape.Parse(shape);
    private LinearRnn? _model;
    private SequenceBatch? _inputs;
    private int[]? _lengths;

    /// <summary>For the name of a case.</summary>
    public string Name { get; } = FormattableString.Invariant($"{shape}/seed{seed}")
        + (growth == 0.97 ? "" : FormattableString.Invariant($"/growth{growth}"));

    /// <summary>The lengths in an order of no kind.</summary>
    public IReadOnlyList<int> Lengths => _lengths ??= Shuffled();

    public LinearRnn Model => _model ??= new(
        Draw(0).Matrix(_shape.HiddenSize, _shape.InputSize),
        // Independent entries of variance 1/h have a spectral radius of about 1 (Girko's circular law).
        Draw(1).Matrix(_shape.HiddenSize, _shape.HiddenSize, growth * Math.Sqrt(3.0 / _shape.HiddenSize)),
        Draw(2).Matrix(_shape.OutputSize, _shape.HiddenSize));

    public SequenceBatch Inputs => _inputs ??= Draw(3).Batch(_shape.InputSize, Lengths);

    public SequenceBatch Targets => Draw(4).Batch(_shape.OutputSize, Lengths);

    public SequenceBatch OutputGradients => Draw(5).Batch(_shape.OutputSize, Lengths);

    public Matrix<double> InitialStates => Draw(6).Matrix(_shape.HiddenSize, Lengths.Count);

    public BackwardOptions FinalStateGradients => new()
    {
        FinalStateGradients = Draw(7).Matrix(_shape.HiddenSize, Lengths.Count),
    };

    public int[][] Labels => [.. Lengths.Select((length, b) => Draw(100 + b).Labels(length, _shape.OutputSize))];

    /// <summary>Some of them 0, which masks a step.</summary>
    public double[][] StepWeights => [.. Lengths.Select((length, b) => Draw(200 + b).Weights(length))];

    /// <summary>A direction with every part.</summary>
    public TangentDirection Direction => new()
    {
        Whx = Draw(8).Matrix(_shape.HiddenSize, _shape.InputSize),
        Whh = Draw(9).Matrix(_shape.HiddenSize, _shape.HiddenSize),
        Wqh = Draw(10).Matrix(_shape.OutputSize, _shape.HiddenSize),
        Inputs = Draw(11).Batch(_shape.InputSize, Lengths),
        InitialStates = Draw(12).Matrix(_shape.HiddenSize, Lengths.Count),
    };

    public ForwardPass Forward(ExecutionOptions options, bool withInitialStates = true) =>
        ForwardPass.Run(Model, Inputs, withInitialStates ? InitialStates : null, options);

    private int[] Shuffled()
    {
        int[] lengths = [.. _shape.Lengths];
        var random = new MersenneTwister(seed, threadSafe: false);
        for (int i = lengths.Length - 1; i > 0; i--)
        {
            int j = random.Next(i + 1);
            (lengths[i], lengths[j]) = (lengths[j], lengths[i]);
        }
        return lengths;
    }

    private Stream Draw(int number) => new(new MersenneTwister(1000 * seed + number, threadSafe: false));

    private readonly struct Stream(MersenneTwister random)
    {
        private double Next() => 2.0 * random.NextDouble() - 1.0;

        public Matrix<double> Matrix(int rows, int columns, double scale = 1.0)
        {
            double[] entries = new double[rows * columns];
            for (int i = 0; i < entries.Length; i++)
            {
                entries[i] = scale * Next();
            }
            return Matrix<double>.Build.Dense(rows, columns, entries);
        }

        public SequenceBatch Batch(int rows, IReadOnlyList<int> lengths)
        {
            Stream stream = this;
            return SequenceBatch.Pack([.. lengths.Select(length => stream.Matrix(rows, length))]);
        }

        public int[] Labels(int length, int classes)
        {
            int[] labels = new int[length];
            for (int i = 0; i < length; i++)
            {
                labels[i] = random.Next(classes);
            }
            return labels;
        }

        public double[] Weights(int length)
        {
            double[] weights = new double[length];
            for (int i = 0; i < length; i++)
            {
                weights[i] = Math.Max(0.0, Next() + 0.5);
            }
            return weights;
        }
    }
}
