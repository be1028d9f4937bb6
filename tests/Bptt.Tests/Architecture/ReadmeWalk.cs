// The README's walk and what follows it, compiled and run. ReadmeTests compares the lines between the marks with the README.

using Bptt;
using Bptt.Diagnostics;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace ReadmeExample; // outside Bptt, as a user's code is

internal static class ReadmeWalk
{
    /// <summary>Runs the walk, and what follows it, and returns what each prints.</summary>
    public static (string Walk, string Insight) Run()
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

        string walk = Console.ToString();
        Console.GetStringBuilder().Clear();

        // README, insight, from here
        // Is the gradient right? Three checks, each by other means than the backward pass.
        Console.WriteLine($"differences of the loss: {GradientCheck.Run(forward, objective).Verdict}");
        Console.WriteLine($"gauge and Euler identity: {GradientCertificate.Verify(forward, backward).Verdict}");
        Console.WriteLine($"forward mode: {AdjointTest.Run(forward, backward).Verdict}");

        // Why does it vanish, and how far back must it go?
        var spectrum = Spectrum.Of(model);
        var flow = GradientFlow.Analyze(forward, backward);
        var lags = LagDecomposition.Of(forward, backward);
        Console.WriteLine($"half-life of a mode: {spectrum.Modes[0].HalfLife:F1} steps");
        Console.WriteLine($"left of a step's gradient after {flow.FactorSteps} steps: {flow.Factor:F3}");
        Console.WriteLine($"truncated to 2 lags, ∂L/∂W_hh is off by {lags.TruncationErrors[1]:P1}");
        Console.WriteLine($"lags needed for 1 %: {lags.SmallestWindow(0.01)}");

        // The truncated gradient itself.
        var truncated = BackwardThroughTime.Run(
            forward, objective, new BackwardOptions { Truncation = Truncation.Lags(2) });
        Console.WriteLine($"‖∂L/∂W_hh‖ truncated: {truncated.Gradients.WhhNorm():F6}");
        // README, insight, to here

        return (walk, Console.ToString());
    }
}
