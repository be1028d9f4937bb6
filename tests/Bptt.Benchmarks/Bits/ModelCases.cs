// What works on weights and gradients by itself: single steps of a model, sums and norms of gradients, optimisers,
// remedies, the file of a model.

using System.Text;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Bits;

internal static class ModelCases
{
    private static readonly string[] Shapes = ["1:9:1:1:1", "7:30:1:3:5", "33:40:1:17:2"];

    private static readonly GradientClipping[] Clippings =
        [new GlobalNormClipping(0.5), new MatrixNormClipping(0.3), new ValueClipping(0.01)];

    private static readonly WeightConstraint[] Constraints =
        [new OrthogonalConstraint(), new SpectralNormConstraint(0.9), new SpectralRadiusConstraint(0.6)];

    private static readonly Regularizer[] Regularizers = [new L2Regularizer(0.3), new JacobianRegularizer(0.2)];

    public static IEnumerable<BitCase> All()
    {
        for (int i = 0; i < Shapes.Length; i++)
        {
            var problem = new BitProblem(Shapes[i], seed: 900 + i);
            yield return new BitCase($"step/{problem.Name}", hash => Steps(hash, problem));
            yield return new BitCase($"gradients/{problem.Name}", hash => Operations(hash, problem));
            yield return new BitCase($"optimizer/{problem.Name}", hash => Optimizers(hash, problem));
            yield return new BitCase($"remedies/{problem.Name}", hash => Remedies(hash, problem));
            yield return new BitCase($"file/{problem.Name}", hash => File(hash, problem));
        }
    }

    private static void Steps(BitHash hash, BitProblem problem)
    {
        Matrix<double> inputs = problem.Inputs.Sequence(0);
        Vector<double> state = problem.InitialStates.Column(0);
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            (state, Vector<double> output) = problem.Model.Step(state, inputs.Column(t));
            hash.Add(state);
            hash.Add(output);
        }
    }

    private static void Operations(BitHash hash, BitProblem problem)
    {
        BackwardThroughTime backward = Backward(problem);
        Gradients first = backward.Gradients;
        Gradients second = BackwardThroughTime.Run(backward.Forward, problem.OutputGradients).Gradients;
        hash.Add(first.Add(second));
        hash.Add(first.Multiply(0.7));
        hash.Add(Gradients.Sum([first, second, first]));
        hash.Add([first.GlobalNorm(), first.WhxNorm(), first.WhhNorm(), first.WqhNorm()]);
    }

    private static void Optimizers(BitHash hash, BitProblem problem)
    {
        Gradients gradients = Backward(problem).Gradients;
        Vector<double> vector = problem.InitialStates.Column(0);
        foreach (Func<GradientOptimizer> make in new Func<GradientOptimizer>[]
        {
            () => new Sgd(0.1), () => new Sgd(0.1, 0.8), () => new Sgd(0.1, 0.8, isNesterov: true),
            () => new Adam(0.05), () => new Adam(0.05, weightDecay: 0.1),
        })
        {
            LinearRnn model = problem.Model;
            GradientOptimizer ofModel = make();
            GradientOptimizer ofVector = make();
            Vector<double> moved = vector;
            for (int n = 0; n < 3; n++)
            {
                model = ofModel.Step(model, gradients);
                hash.Add(model);
                moved = ofVector.Step(moved, 0.5 * moved + vector);
                hash.Add(moved);
            }
        }
    }

    private static void Remedies(BitHash hash, BitProblem problem)
    {
        BackwardThroughTime backward = Backward(problem);
        foreach (GradientClipping clipping in Clippings)
        {
            foreach (Matrix<double>? states in new[] { null, backward.InitialStateGradients })
            {
                ClippedGradients clipped = clipping.Apply(backward.Gradients, states);
                hash.Add(clipped.Gradients);
                hash.Add(clipped.InitialStateGradients);
                hash.Add(clipped.Factor);
                hash.Add(clipped.NormBefore);
            }
        }
        foreach (WeightConstraint constraint in Constraints)
        {
            hash.Add(constraint.Apply(problem.Model));
        }
        foreach (Regularizer regularizer in Regularizers)
        {
            (double value, Gradients gradients) = regularizer.Evaluate(backward);
            hash.Add(value);
            hash.Add(gradients);
            hash.Add(regularizer.Value(backward));
        }
    }

    private static void File(BitHash hash, BitProblem problem)
    {
        using var stream = new MemoryStream();
        new LinearRnnFile(problem.Model, problem.InitialStates.Column(0)).Save(stream);
        hash.Add(Encoding.UTF8.GetString(stream.ToArray()));
        stream.Position = 0;
        var file = LinearRnnFile.Load(stream);
        hash.Add(file.Model);
        hash.Add(file.InitialState);
    }

    private static BackwardThroughTime Backward(BitProblem problem) =>
        BackwardThroughTime.Run(problem.Forward(ExecutionOptions.Default), Objective.SquaredError(problem.Targets));
}
