// How far gradients are from those of 106 bits, in several steps at once and step by step.

using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Lifting;

/// <summary>The largest relative error of the three weight gradients.</summary>
/// <param name="Lifted">Of the pass that was asked to take several steps at once.</param>
/// <param name="BySteps">Of the textbook's.</param>
/// <param name="Method">How the first one ran.</param>
internal sealed record LiftedError(double Lifted, double BySteps, RecurrenceMethod Method)
{
    public static LiftedError Of(LinearRnn model, Matrix<double> inputs, Matrix<double> targets, int steps)
    {
        var objective = Objective.SquaredError(targets);
        var lifted = ForwardPass.Run(
            model, inputs, options: LiftedPassTests.Lifted(steps) with { MaxDegreeOfParallelism = 1 });
        Gradients ours = BackwardThroughTime.Run(lifted, objective).Gradients;
        Gradients textbook = BackwardThroughTime.Run(
            ForwardPass.Run(
                model,
                inputs,
                options: new ExecutionOptions { Recurrence = Recurrence.Sequential, MaxDegreeOfParallelism = 1 }),
            objective).Gradients;
        var problem = new ScalarProblem<double>(
            model.Whx.ToArray(),
            model.Whh.ToArray(),
            model.Wqh.ToArray(),
            new double[model.HiddenSize, 1],
            [inputs.ToArray()]);
        ScalarProblem<DoubleDouble> precise = problem.Convert(DoubleDouble.Of);
        ScalarPass<DoubleDouble> pass = ScalarLoops<DoubleDouble>.Forward(precise);
        ScalarGradients<DoubleDouble> gradients = ScalarLoops<DoubleDouble>.Backward(
            precise,
            pass,
            ScalarLoops<DoubleDouble>.SquaredErrorGradients(
                pass.Outputs, [targets.ToArray().Map(DoubleDouble.Of)]));
        return new LiftedError(Worst(ours, gradients), Worst(textbook, gradients), lifted.Method);
    }

    private static double Worst(Gradients actual, ScalarGradients<DoubleDouble> expected) => Math.Max(
        Error(actual.Whx, expected.Whx), Math.Max(Error(actual.Whh, expected.Whh), Error(actual.Wqh, expected.Wqh)));

    private static double Error(Matrix<double> actual, DoubleDouble[,] expected)
    {
        double squares = 0.0;
        double size = 0.0;
        for (int i = 0; i < actual.RowCount; i++)
        {
            for (int j = 0; j < actual.ColumnCount; j++)
            {
                DoubleDouble difference = DoubleDouble.Of(actual[i, j]) - expected[i, j];
                squares += difference.High * difference.High;
                size += expected[i, j].High * expected[i, j].High;
            }
        }
        return Math.Sqrt(squares / size);
    }
}
