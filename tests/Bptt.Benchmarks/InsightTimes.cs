// What checks, truncations and diagnostics cost beside the forward and backward pass that they belong to.

using Bptt.Diagnostics;
using Bptt.Verification;

namespace Bptt.Benchmarks;

internal static class InsightTimes
{
    private const int StepCount = 4096;
    private const int Lags = 32;

    /// <summary>h, and d = q.</summary>
    private static readonly (int HiddenSize, int Others)[] Sizes = [(64, 64), (64, 16), (64, 4), (256, 256)];

    /// <summary>Measures and prints the table.</summary>
    /// <param name="threads">How many threads Bptt may use.</param>
    /// <param name="seconds">How long each figure is measured.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(int threads, double seconds, bool markdown, TextWriter output)
    {
        output.WriteLine(
            $"T = {StepCount}, squared error, threads {threads}, in turns; shares of the time of one forward and backward pass:");
        output.WriteLine();
        var table = new Table(
            leftAligned: 1,
            "shape",
            "forward and backward: ms",
            "GradientCertificate.Run",
            "TangentPass.Run, all parts",
            $"truncated to Lags({Lags})",
            $"truncated to Windows({Lags})",
            $"LagDecomposition.Of, {Lags} lags");
        foreach ((int hiddenSize, int others) in Sizes)
        {
            double[] medians = Medians(new Problem(Shape.Parse($"{hiddenSize}:{StepCount}:1:{others}:{others}")), threads, seconds);
            table.Add(
                [$"h = {hiddenSize}, d = q = {others}", Figure.Milliseconds(medians[0]), .. medians.Skip(1).Select(s => Figure.Percent(s / medians[0]))]);
        }
        output.Write(table.ToText(markdown));
    }

    private static double[] Medians(Problem problem, int threads, double seconds)
    {
        var options = new ExecutionOptions { MaxDegreeOfParallelism = threads };
        var objective = Objective.SquaredError(problem.Targets);
        var forward = ForwardPass.Run(problem.Model, problem.Inputs, null, options);
        var backward = BackwardThroughTime.Run(forward, objective);
        var direction = new TangentDirection
        {
            Whx = problem.Model.Whx,
            Whh = problem.Model.Whh,
            Wqh = problem.Model.Wqh,
            Inputs = problem.Inputs,
        };
        Action[] runs =
        [
            InLoop(null),
            () => GradientCertificate.Run(backward),
            () => TangentPass.Run(forward, direction),
            InLoop(Truncation.Lags(Lags)),
            InLoop(Truncation.Windows(Lags)),
            () => LagDecomposition.Of(backward, Lags - 1),
        ];
        foreach (Action run in runs)
        {
            run();
        }
        return [.. Turns.Measure(Array.ConvertAll(runs, run => new Runner(() => { }, run)), seconds).Select(t => t.Seconds)];

        // As in a training loop, each with a workspace of its own.
        Action InLoop(Truncation? truncation)
        {
            ExecutionOptions own = options with { Workspace = new Workspace() };
            var backwardOptions = new BackwardOptions { Truncation = truncation };
            return () => BackwardThroughTime.Run(
                ForwardPass.Run(problem.Model, problem.Inputs, null, own), objective, backwardOptions);
        }
    }
}
