// Random problems as plain arrays, and the library run on them.

using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.AotApp;

internal static class Problems
{
    /// <summary>Entries uniform around 0, with W_hh scaled so that states neither vanish nor explode.</summary>
    public static ScalarProblem<double> Random(int d, int h, int q, int[] lengths, int seed)
    {
        var random = new Random(seed);
        return new ScalarProblem<double>(
            Uniform(random, h, d, 1.0),
            Uniform(random, h, h, 1.6 / Math.Sqrt(h)),
            Uniform(random, q, h, 1.0),
            Uniform(random, h, lengths.Length, 1.0),
            Array.ConvertAll(lengths, length => Uniform(random, d, length, 1.0)));
    }

    /// <summary>Targets in the shape of the outputs, q×T_b for each sequence.</summary>
    public static double[][,] Targets(ScalarProblem<double> problem, int seed)
    {
        var random = new Random(seed);
        return Array.ConvertAll(
            problem.Inputs, inputs => Uniform(random, problem.OutputSize, inputs.GetLength(1), 1.0));
    }

    public static ForwardPass RunForward(this ScalarProblem<double> problem, ExecutionOptions? options = null) =>
        ForwardPass.Run(
            new LinearRnn(ToMatrix(problem.Whx), ToMatrix(problem.Whh), ToMatrix(problem.Wqh)),
            problem.Inputs.ToBatch(),
            ToMatrix(problem.InitialStates),
            options);

    public static SequenceBatch ToBatch(this double[][,] sequences) =>
        SequenceBatch.Pack(Array.ConvertAll(sequences, ToMatrix));

    private static Matrix<double> ToMatrix(double[,] values) => Matrix<double>.Build.DenseOfArray(values);

    /// <summary>Numbers from −size to size.</summary>
    private static double[,] Uniform(Random random, int rows, int columns, double size) =>
        new double[rows, columns].Map(_ => size * ((2.0 * random.NextDouble()) - 1.0));
}
