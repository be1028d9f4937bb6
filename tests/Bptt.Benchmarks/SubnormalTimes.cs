// Whether vanishing numbers cost time: subnormal arithmetic takes over a hundred cycles on common processors, and with
// the loss on the last step alone gradients run through it on their way to zero.

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Benchmarks;

internal static class SubnormalTimes
{
    private const int StepCount = 10_000;
    private const double Vanishing = 0.5;
    private const double Lasting = 0.99;

    /// <summary>Measures and prints the table.</summary>
    /// <param name="threads">How many threads Bptt may use.</param>
    /// <param name="seconds">How long each figure is measured.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(int threads, double seconds, bool markdown, TextWriter output)
    {
        output.WriteLine(
            $"Forward and backward pass over T = {StepCount} steps, loss on the last step only, d = q = h, "
            + $"threads {threads}, in turns:");
        output.WriteLine();

        var table = new Table(
            leftAligned: 2,
            "h",
            "inputs",
            $"spectral radius {Lasting}: ms",
            $"spectral radius {Vanishing}: ms",
            "ratio");
        foreach (int hiddenSize in (int[])[16, 64])
        {
            foreach (bool firstOnly in (bool[])[false, true])
            {
                double[] medians = Medians(hiddenSize, firstOnly, threads, seconds);
                table.Add(
                    $"{hiddenSize}",
                    firstOnly ? "at the first step only" : "at every step",
                    Figure.Milliseconds(medians[0]),
                    Figure.Milliseconds(medians[1]),
                    Figure.Times(medians[1] / medians[0]));
            }
        }
        output.Write(table.ToText(markdown));
    }

    private static double[] Medians(int hiddenSize, bool firstOnly, int threads, double seconds)
    {
        Runner[] runners = Array.ConvertAll(
            (double[])[Lasting, Vanishing], radius => Create(hiddenSize, radius, firstOnly, threads));
        foreach (Runner runner in runners)
        {
            runner.Run();
        }
        return [.. Turns.Measure(runners, seconds).Select(timing => timing.Seconds)];
    }

    private static Runner Create(int hiddenSize, double spectralRadius, bool firstOnly, int threads)
    {
        var random = new MersenneTwister(1, threadSafe: false);
        LinearRnn model = Initializer.Orthogonal(hiddenSize, hiddenSize, hiddenSize, seed: 1, spectralRadius);
        var inputs = SequenceBatch.Pack(
        [
            Matrix<double>.Build.Dense(
                hiddenSize, StepCount, (_, t) => firstOnly && t > 0 ? 0.0 : 2.0 * random.NextDouble() - 1.0),
        ]);
        var targets = SequenceBatch.Pack(
            [Matrix<double>.Build.Dense(hiddenSize, StepCount, (_, _) => 2.0 * random.NextDouble() - 1.0)]);
        double[] weights = new double[StepCount];
        weights[^1] = 1.0;
        Objective objective = Objective.SquaredError(targets).WithStepWeights(weights);
        var options = new ExecutionOptions { MaxDegreeOfParallelism = threads, Workspace = new Workspace() };
        return new Runner(
            Prepare: () => { },
            Run: () => BackwardThroughTime.Run(ForwardPass.Run(model, inputs, null, options), objective));
    }
}
