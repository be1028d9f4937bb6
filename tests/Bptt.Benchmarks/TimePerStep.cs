// Whether a step of a long sequence costs what a step of a short one costs, under a budget of memory.

namespace Bptt.Benchmarks;

internal static class TimePerStep
{
    private const long Budget = 64L << 20;

    /// <summary>10⁴ … 10⁶ in steps of √10.</summary>
    private static readonly int[] AllStepCounts = [10_000, 31_623, 100_000, 316_228, 1_000_000];

    /// <summary>Measures, prints the table and writes the picture.</summary>
    /// <param name="longest">The greatest T.</param>
    /// <param name="threads">How many threads Bptt may use.</param>
    /// <param name="seconds">How long each figure is measured.</param>
    /// <param name="markdown">Whether the table is printed for a README.</param>
    /// <param name="picture">The file for the picture, SVG.</param>
    /// <param name="output">Receives the table.</param>
    public static void Run(int longest, int threads, double seconds, bool markdown, string picture, TextWriter output)
    {
        int[] stepCounts = [.. AllStepCounts.Where(stepCount => stepCount <= longest)];
        long? budget = Budget;
        try
        {
            new LongSequence(stepCounts[0], budget, threads).Run();
        }
        catch (NotSupportedException e)
        {
            output.WriteLine(
                $"Measured without a budget, since one of {Figure.Mebibytes(Budget)} was refused: {e.Message}");
            output.WriteLine();
            budget = null;
        }

        Runner[] runners = Array.ConvertAll(stepCounts, stepCount =>
        {
            var problem = new LongSequence(stepCount, budget, threads);
            return new Runner(() => { }, () => problem.Run());
        });
        Array.ForEach(runners, runner => runner.Run());
        double[] microseconds =
            [.. Turns.Measure(runners, seconds).Zip(
                stepCounts, (timing, stepCount) => 1e6 * timing.Seconds / stepCount)];

        string subtitle =
            $"forward and backward pass, h = {LongSequence.HiddenSize}, d = q = {LongSequence.Channels}, "
            + $"threads {threads}, memory budget: {LongSequence.Describe(budget)}";
        output.WriteLine($"Time per step: {subtitle}.");
        output.WriteLine();
        var table = new Table(leftAligned: 0, "T", "µs per step", "against the shortest");
        for (int i = 0; i < stepCounts.Length; i++)
        {
            table.Add(
                $"{stepCounts[i]}",
                Figure.Significant(microseconds[i]),
                Figure.Times(microseconds[i] / microseconds[0]));
        }
        output.Write(table.ToText(markdown));

        using FileStream stream = File.Create(picture);
        TimePerStepPicture.Write(stream, stepCounts, microseconds, subtitle);
        output.WriteLine();
        output.WriteLine($"written: {picture}");
    }
}
