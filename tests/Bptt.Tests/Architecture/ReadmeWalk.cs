// The README's walk and what follows it, compiled and run. ReadmeTests compares the lines between the marks with the
// README.

using Bptt;
using Bptt.Diagnostics;
using Bptt.Identification;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace ReadmeExample; // outside Bptt, as a user's code is

internal static class ReadmeWalk
{
    /// <summary>The passes of the walk, from the same numbers.</summary>
    public static (BackwardThroughTime Backward, Matrix<double> Targets) Example()
    {
        var model = new LinearRnn(
            Matrix<double>.Build.DenseOfArray(new[,] { { 1.0 }, { 0.5 } }),
            Matrix<double>.Build.DenseOfArray(new[,] { { 0.5, -0.5 }, { 0.5, 0.5 } }),
            Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 2.0 } }));
        var targets = Matrix<double>.Build.DenseOfArray(new[,] { { 0.5, 0.25, 1.75 } });
        var forward = ForwardPass.Run(model, Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 0.0, 2.0 } }));
        return (BackwardThroughTime.Run(forward, Objective.SquaredError(targets)), targets);
    }

    /// <summary>Runs the walk, and what follows it, and returns what each prints.</summary>
    public static (string Walk, string Insight, string Training) Run()
    {
        var Console = new StringWriter { NewLine = "\n" };

        // README from here
        // One input, two hidden units, one output; three steps.
        var whx = Matrix<double>.Build.DenseOfArray(new[,] { { 1.0 }, { 0.5 } });
        var whh = Matrix<double>.Build.DenseOfArray(new[,] { { 0.5, -0.5 }, { 0.5, 0.5 } });
        var wqh = Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 2.0 } });
        var inputs = Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 0.0, 2.0 } });   // column t-1 is x_t
        var targets = Matrix<double>.Build.DenseOfArray(new[,] { { 0.5, 0.25, 1.75 } });

        var model = new LinearRnn(whx, whh, wqh);
        var forward = ForwardPass.Run(model, inputs);
        var objective = Objective.SquaredError(targets);
        var backward = BackwardThroughTime.Run(forward, objective);
        Gradients g = backward.Gradients;

        Console.WriteLine($"L = {backward.Loss}");
        for (int t = 3; t >= 1; t--)
        {
            string state = string.Join(", ", forward.HiddenState(t));
            string gradient = string.Join(", ", backward.HiddenStateGradient(t));
            Console.WriteLine($"t = {t}: h_t = ({state}), ∂L/∂o_t = {backward.OutputGradient(t)[0]}, "
                + $"∂L/∂h_t = ({gradient})");
        }
        Console.WriteLine($"∂L/∂W_hh = ({string.Join(", ", g.Whh.Row(0))}; {string.Join(", ", g.Whh.Row(1))})");
        // README to here

        string walk = Console.ToString();
        Console.GetStringBuilder().Clear();

        // README, insight, from here
        // Is the gradient right? Three checks, each by other means than the backward pass.
        Console.WriteLine($"differences of the loss: {GradientCheck.Run(forward, objective).Verdict}");
        Console.WriteLine($"gauge and Euler identity: {GradientCertificate.Run(backward).Verdict}");
        Console.WriteLine($"forward mode: {AdjointTest.Run(backward).Verdict}");

        // Why does it vanish, and how far back must it go?
        var spectrum = Spectrum.Of(model);
        var flow = GradientFlow.Of(backward);
        var lags = LagDecomposition.Of(backward);
        Console.WriteLine($"half-life of a mode: {spectrum.Modes[0].HalfLife:F1} steps");
        Console.WriteLine($"left of a step's gradient after {flow.LastLag} steps: {flow.Factor:F3}");
        Console.WriteLine($"truncated to 1 lag, ∂L/∂W_hh is off by {lags.TruncationErrors[0]:P1}");
        Console.WriteLine($"lags needed for 1 %: {lags.SmallestWindow(0.01)}");

        // The truncated gradient itself.
        var truncated = BackwardThroughTime.Run(
            forward, objective, new BackwardOptions { Truncation = Truncation.Lags(1) });
        Console.WriteLine($"‖∂L/∂W_hh‖ truncated: {truncated.Gradients.WhhNorm():F6}");
        // README, insight, to here

        string insight = Console.ToString();
        Console.GetStringBuilder().Clear();

        // README, training, from here
        // 300 steps of the model above, as somebody sees it who does not know its weights.
        var sweep = Matrix<double>.Build.Dense(1, 300, (_, t) => Math.Cos(0.3 * t * t));
        var measured = Objective.SquaredError(ForwardPass.Run(model, sweep).Outputs());

        // From random weights back to the system, by a method of second order.
        var start = Initializer.Orthogonal(inputSize: 1, hiddenSize: 2, outputSize: 1, seed: 1, spectralRadius: 0.9);
        var found = Trainer.Run(start, sweep, measured, new TrainerOptions { Optimizer = new LevenbergMarquardt() });
        Console.WriteLine($"loss below 1e-20: {found.BestLoss < 1e-20}");
        SpectralMode pole = StateSpace.Of(found.Model).Poles[0];
        Console.WriteLine($"poles: magnitude {pole.Magnitude:F6}, once around in {pole.Period:F4} steps");

        // From weights that explode, by gradient descent without and with the source's remedy.
        var wild = Initializer.Orthogonal(1, 8, 1, seed: 1, spectralRadius: 1.3);
        var plain = Trainer.Run(
            wild, sweep, measured, new TrainerOptions { Optimizer = new Sgd(0.05), Clipping = null });
        var clipped = Trainer.Run(
            wild,
            sweep,
            measured,
            new TrainerOptions { Optimizer = new Sgd(0.05), Clipping = new GlobalNormClipping(1.0) });
        Console.WriteLine($"plain: {plain.StopReason} after epoch {plain.Epochs}");
        Console.WriteLine($"clipped: {clipped.StopReason}, loss below 1e-2: {clipped.BestLoss < 1e-2}");
        // README, training, to here

        return (walk, insight, Console.ToString());
    }
}
