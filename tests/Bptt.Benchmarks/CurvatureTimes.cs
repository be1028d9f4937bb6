// What products with second derivatives cost beside the forward and backward pass that they belong to.

namespace Bptt.Benchmarks;

internal static class CurvatureTimes
{
    private static readonly string[] Shapes =
    [
        "4:600:1:1:1", "16:1024:1:1:1", "16:1024", "16:1024:8:4:4", "16:1024:8", "64:1024:1:4:4", "64:1024",
        "64:1024:8:4:4",
        "64:1024:8", "256:1024:1:4:4", "256:1024", "256:1024:8:4:4", "256:1024:8",
    ];

    /// <summary>Measures and prints the table.</summary>
    /// <param name="threads">How many threads Bptt may use.</param>
    /// <param name="seconds">How long each figure is measured.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(int threads, double seconds, bool markdown, TextWriter output)
    {
        output.WriteLine(
            $"Squared error, threads {threads}, in turns; in times of one forward and backward pass with its loss:");
        output.WriteLine();
        var table = new Table(
            leftAligned: 1,
            "shape",
            "forward and backward: ms",
            "LossCurvature.HessianProduct",
            "LossCurvature.GaussNewtonProduct",
            "TangentPass.Run");
        foreach (string text in Shapes)
        {
            var shape = Shape.Parse(text);
            double[] medians = Medians(new Problem(shape), threads, seconds);
            table.Add([shape.Describe(), Figure.Milliseconds(medians[0]), .. medians.Skip(1).Select(
                s => Figure.Times(s / medians[0]))]);
        }
        output.Write(table.ToText(markdown));
    }

    private static double[] Medians(Problem problem, int threads, double seconds)
    {
        var options = new ExecutionOptions { MaxDegreeOfParallelism = threads };
        var objective = Objective.SquaredError(problem.Targets);
        var forward = ForwardPass.Run(problem.Model, problem.Inputs, null, options);
        var curvature = LossCurvature.Of(BackwardThroughTime.Run(forward, objective));
        var direction = new TangentDirection
        {
            Whx = problem.Model.Whx,
            Whh = problem.Model.Whh,
            Wqh = problem.Model.Wqh,
        };
        ExecutionOptions inLoop = options with { Workspace = new Workspace() };
        Action[] runs =
        [
            () => BackwardThroughTime.Run(ForwardPass.Run(problem.Model, problem.Inputs, null, inLoop), objective),
            () => curvature.HessianProduct(direction),
            () => curvature.GaussNewtonProduct(direction),
            () => TangentPass.Run(forward, direction),
        ];
        foreach (Action run in runs)
        {
            run();
        }
        return [.. Turns.Measure(Array.ConvertAll(runs, run => new Runner(() => { }, run)), seconds).Select(
            t => t.Seconds)];
    }
}
