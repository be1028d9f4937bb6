// What the ways through the steps take, in turns: step by step, in parallel over time, several steps at once, and what
// the engine chooses. The shapes are those of system identification and forecasting: few inputs and outputs.

namespace Bptt.Benchmarks;

internal static class RecurrenceTimes
{
    /// <summary>Beyond so many numbers of states, passes in parallel over time are left out: they take minutes, and are
    /// no faster.</summary>
    private const long LargestTimeParallel = 100_000_000;

    private static readonly Recurrence[] All =
        [Recurrence.Sequential, Recurrence.TimeParallel, Recurrence.Lifted, Recurrence.Automatic];

    /// <summary>Measures and prints the table.</summary>
    /// <param name="shapes">The rows.</param>
    /// <param name="precision">The numbers of the passes.</param>
    /// <param name="threads">How many threads Bptt may use.</param>
    /// <param name="seconds">How long each figure is measured.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(
        IReadOnlyList<Shape> shapes,
        Precision precision,
        int threads,
        double seconds,
        bool markdown,
        TextWriter output)
    {
        output.WriteLine(
            $"Forward and backward pass, spectral radius 0.99, precision {precision}, threads {threads}, in turns:");
        output.WriteLine();
        var table = new Table(
            leftAligned: 1,
            "shape",
            "step by step: ms",
            "parallel over time: ms",
            "several steps at once: ms",
            "S",
            "times",
            "automatic: ms",
            "of the best of others");
        foreach (Shape shape in shapes)
        {
            var problem = new Problem(shape);
            bool isLarge = (long)shape.HiddenSize * shape.Lengths.Sum() > LargestTimeParallel;
            Recurrence[] ways = isLarge ? [.. All.Where(way => way != Recurrence.TimeParallel)] : All;
            var passes = new ForwardPass[ways.Length];
            Runner[] runners =
            [
                .. ways.Select((way, i) => Create(problem, way, precision, threads, pass => passes[i] = pass)),
            ];
            Array.ForEach(runners, runner => runner.Run());
            Timing[] timings = Turns.Measure(runners, seconds);
            double Of(Recurrence way) =>
                Array.IndexOf(ways, way) is var i and >= 0 ? timings[i].Seconds : double.PositiveInfinity;
            double best = Math.Min(Of(Recurrence.Sequential), Of(Recurrence.TimeParallel));
            table.Add(
                shape.Describe(),
                Figure.Milliseconds(Of(Recurrence.Sequential)),
                isLarge ? Figure.None : Figure.Milliseconds(Of(Recurrence.TimeParallel)),
                Figure.Milliseconds(Of(Recurrence.Lifted)),
                $"{passes[Array.IndexOf(ways, Recurrence.Lifted)].Method.ChunkLength}",
                Figure.Times(best / Of(Recurrence.Lifted)),
                Figure.Milliseconds(Of(Recurrence.Automatic)),
                Figure.Times(Of(Recurrence.Automatic) / best));
        }
        output.Write(table.ToText(markdown));
    }

    private static Runner Create(
        Problem problem, Recurrence way, Precision precision, int threads, Action<ForwardPass> record)
    {
        SequenceBatch inputs = problem.InputsIn(precision);
        var objective = Objective.SquaredError(problem.Targets);
        var options = new ExecutionOptions
        {
            Recurrence = way,
            Precision = precision,
            MaxDegreeOfParallelism = threads,
            Workspace = new Workspace(),
        };
        return new Runner(
            Prepare: () => { },
            Run: () =>
            {
                var forward = ForwardPass.Run(problem.Model, inputs, null, options);
                record(forward);
                BackwardThroughTime.Run(forward, objective);
            });
    }
}
