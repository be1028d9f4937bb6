// Plain arrays to the types of the library and back. One sequence goes through the overloads for one sequence, several
// through those for a batch, so that both are exercised.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Reference;

internal static class LibraryConversions
{
    public static Matrix<double> ToMatrix(this double[,] values) => Matrix<double>.Build.DenseOfArray(values);

    public static SequenceBatch ToBatch(this double[][,] sequences) =>
        SequenceBatch.Pack(Array.ConvertAll(sequences, ToMatrix));

    public static LinearRnn ToModel(this ScalarProblem<double> problem) =>
        new(problem.Whx.ToMatrix(), problem.Whh.ToMatrix(), problem.Wqh.ToMatrix());

    /// <summary>In a way that follows from the shapes where none is given, so that tests on many shapes try many
    /// ways.</summary>
    public static ForwardPass RunForward(this ScalarProblem<double> problem, ExecutionOptions? options = null)
    {
        int[] lengths = Array.ConvertAll(problem.Inputs, inputs => inputs.GetLength(1));
        options ??= Ways.Some(problem.InputSize + (7 * problem.OutputSize) + lengths.Sum()).For(
            problem.HiddenSize, lengths);
        return problem.SequenceCount == 1
            ? ForwardPass.Run(
                problem.ToModel(), problem.Inputs[0].ToMatrix(), problem.InitialStates.ToMatrix().Column(0), options)
            : ForwardPass.Run(problem.ToModel(), problem.Inputs.ToBatch(), problem.InitialStates.ToMatrix(), options);
    }

    public static BackwardThroughTime RunBackward(
        this ForwardPass forward, double[][,] outputGradients, double[,]? finalStateGradients = null)
    {
        BackwardOptions options = Options(finalStateGradients);
        return outputGradients.Length == 1
            ? BackwardThroughTime.Run(forward, outputGradients[0].ToMatrix(), options)
            : BackwardThroughTime.Run(forward, outputGradients.ToBatch(), options);
    }

    public static BackwardOptions Options(double[,]? finalStateGradients) =>
        new() { FinalStateGradients = finalStateGradients?.ToMatrix() };

    public static ScalarPass<double> ToArrays(this ForwardPass forward) => new(
        ForEach(forward.SequenceCount, forward.HiddenStates), ForEach(forward.SequenceCount, forward.Outputs));

    public static ScalarGradients<double> ToArrays(this BackwardThroughTime backward) => new(
        backward.Gradients.Whx.ToArray(),
        backward.Gradients.Whh.ToArray(),
        backward.Gradients.Wqh.ToArray(),
        ForEach(backward.Forward.SequenceCount, backward.HiddenStateGradients),
        ForEach(backward.Forward.SequenceCount, backward.InputGradients));

    public static double[][,] OutputGradientArrays(this BackwardThroughTime backward) =>
        ForEach(backward.Forward.SequenceCount, backward.OutputGradients);

    private static double[][,] ForEach(int count, Func<int, Matrix<double>> matrix) =>
        [.. Enumerable.Range(0, count).Select(b => matrix(b).ToArray())];
}
