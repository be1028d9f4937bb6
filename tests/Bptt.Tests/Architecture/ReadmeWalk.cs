// The README's walk, compiled and run. ReadmeTests compares the lines between the two marks with the README.

using Bptt;
using MathNet.Numerics.LinearAlgebra;

namespace ReadmeExample; // outside Bptt, as a user's code is

internal static class ReadmeWalk
{
    /// <summary>Runs the walk and returns what it prints.</summary>
    public static string Run()
    {
        var Console = new StringWriter { NewLine = "\n" };

        // README from here
        // One input, two hidden units, one output; four steps.
        var whx = Matrix<double>.Build.DenseOfArray(new[,] { { 1.0 }, { 0.5 } });
        var whh = Matrix<double>.Build.DenseOfArray(new[,] { { 0.5, -0.5 }, { 0.5, 0.5 } });
        var wqh = Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 2.0 } });
        var inputs = Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 0.0, 2.0, 0.0 } });   // column t-1 is x_t
        var targets = Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 2.0, 3.0, 4.0 } });

        var model = new LinearRnn(whx, whh, wqh);
        var forward = ForwardPass.Run(model, inputs);
        var objective = Objective.SquaredError(targets);
        var backward = BackwardThroughTime.Run(forward, objective);
        Gradients g = backward.Gradients;

        Console.WriteLine($"L = {backward.Loss}");
        Console.WriteLine($"∂L/∂h_1 = ({string.Join(", ", backward.HiddenStateGradient(1))})");
        Console.WriteLine($"‖∂L/∂W_hh‖ = {g.WhhNorm():F6}");
        // README to here

        return Console.ToString();
    }
}
