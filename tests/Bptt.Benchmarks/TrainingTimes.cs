// How long trainings take to the same loss: the hair dryer at order 4, from random starts, by methods of second order,
// by quasi-Newton methods and by Adam.

using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks;

internal static class TrainingTimes
{
    private const int Order = 4;
    private const int TrainingSteps = 600;
    private const int MostEpochs = 20_000;

    /// <summary>How near to the least loss known each training has to come.</summary>
    private static readonly double[] Margins = [1e-2, 1e-6];

    private static readonly (string Name, Func<TrainerOptions> Options)[] Methods =
    [
        ("Levenberg-Marquardt", () => new TrainerOptions { Optimizer = new LevenbergMarquardt() }),
        ("truncated Newton", () => new TrainerOptions { Optimizer = new TruncatedNewton() }),
        ("BFGS (MathNet)", () => new TrainerOptions { Optimizer = QuasiNewton.Bfgs() }),
        ("L-BFGS (MathNet)", () => new TrainerOptions { Optimizer = QuasiNewton.LimitedMemoryBfgs() }),
        ("Adam, rate 0.003", () => new TrainerOptions { Optimizer = new Adam(0.003) }),
        ("Adam, rate 0.01", () => new TrainerOptions { Optimizer = new Adam(0.01) }),
        ("Adam, rate 0.03", () => new TrainerOptions { Optimizer = new Adam(0.03) }),
    ];

    /// <summary>Measures and prints the tables.</summary>
    /// <param name="seeds">How many random starts.</param>
    /// <param name="markdown">Whether they are printed for a README.</param>
    /// <param name="output">Receives them.</param>
    public static void Run(int seeds, bool markdown, TextWriter output)
    {
        (Matrix<double> inputs, Matrix<double> targets) = HairDryer();
        var batch = SequenceBatch.Pack([inputs.SubMatrix(0, 1, 0, TrainingSteps)]);
        var objective = Objective.SquaredError(targets.SubMatrix(0, 1, 0, TrainingSteps));
        LinearRnn[] starts =
            [.. Enumerable.Range(1, seeds).Select(seed => Initializer.Orthogonal(1, Order, 1, seed, 0.9))];
        TrainingResult[] found =
            [.. starts.Select(start => Trainer.Run(start, batch, objective, Methods[0].Options()))];
        double least = found.Min(result => result.BestLoss);

        output.WriteLine(
            $"hair dryer, {TrainingSteps} steps, h = {Order}, {seeds} orthogonal starts of radius 0.9; "
            + $"the least loss is {least.ToString("E6", CultureInfo.InvariantCulture)}.");
        output.WriteLine();
        var fits = new Table(leftAligned: 0, "seed", "steps", "loss", "training fit", "held-out fit", "ms");
        for (int i = 0; i < seeds; i++)
        {
            Matrix<double> outputs = ForwardPass.Run(found[i].Model, inputs).Outputs();
            var clock = Stopwatch.StartNew();
            Trainer.Run(starts[i], batch, objective, Methods[0].Options()); // compiled by now
            fits.Add(
                $"{i + 1}",
                $"{found[i].Epochs}",
                found[i].BestLoss.ToString("E6", CultureInfo.InvariantCulture),
                $"{Fit(targets, outputs, 0, TrainingSteps):F2} %",
                $"{Fit(targets, outputs, TrainingSteps, inputs.ColumnCount - TrainingSteps):F2} %",
                Figure.Milliseconds(clock.Elapsed.TotalSeconds));
        }
        output.WriteLine("Levenberg-Marquardt until it converges:");
        output.WriteLine();
        output.WriteLine(fits.ToText(markdown));

        output.WriteLine(
            $"To the same loss; medians over the starts, those that do not come there in {MostEpochs} epochs last:");
        output.WriteLine();
        var table = new Table(
            leftAligned: 1,
            ["method", .. Margins.SelectMany(
                m => new[] { $"within {m:0.######}: starts", "epochs", "ms", "times the first" })]);
        double[] first = new double[Margins.Length];
        foreach ((string name, Func<TrainerOptions> options) in Methods)
        {
            List<string> cells = [name];
            for (int m = 0; m < Margins.Length; m++)
            {
                double target = least * (1.0 + Margins[m]);
                _ = Timed(starts[0]); // compiled before it is timed
                (double Seconds, TrainingResult Result)[] runs = [.. starts.Select(Timed)];
                int reached = runs.Count(run => run.Result.BestLoss <= target);
                double seconds = Median(runs.Select(run => run.Seconds));
                first[m] = name == Methods[0].Name ? seconds : first[m];
                cells.AddRange(
                    [
                        $"{reached} of {seeds}", $"{Median(runs.Select(run => (double)run.Result.Epochs)):F0}",
                        Figure.Milliseconds(seconds), Figure.Times(seconds / first[m]),
                    ]);

                (double, TrainingResult) Timed(LinearRnn start)
                {
                    TrainerOptions told = options() with { TargetLoss = target, MaxEpochs = MostEpochs };
                    var clock = Stopwatch.StartNew();
                    var result = Trainer.Run(start, batch, objective, told);
                    return (clock.Elapsed.TotalSeconds, result);
                }
            }
            table.Add([.. cells]);
        }
        output.Write(table.ToText(markdown));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0;
    }

    /// <summary>100·(1 − ‖y − ŷ‖/‖y − ȳ‖) over some steps.</summary>
    private static double Fit(Matrix<double> targets, Matrix<double> outputs, int first, int count)
    {
        Vector<double> y = targets.Row(0, first, count);
        return 100.0 * (1.0 - (y - outputs.Row(0, first, count)).L2Norm() / (y - y.Average()).L2Norm());
    }

    /// <summary>Heater power and air temperature, 1×1000 each, by mean and deviation of the training part.</summary>
    private static (Matrix<double> Inputs, Matrix<double> Targets) HairDryer()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("hair-dryer")!;
        using var reader = new StreamReader(stream);
        double[][] rows = [.. reader.ReadToEnd()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Skip(1)
            .Select(
                line => line.Split(',').Select(cell => double.Parse(cell, CultureInfo.InvariantCulture)).ToArray())];
        return (Scaled(0), Scaled(1));

        Matrix<double> Scaled(int column)
        {
            double[] training = [.. rows.Take(TrainingSteps).Select(row => row[column])];
            double mean = training.Average();
            double deviation = Math.Sqrt(training.Average(v => (v - mean) * (v - mean)));
            return Matrix<double>.Build.Dense(1, rows.Length, (_, t) => (rows[t][column] - mean) / deviation);
        }
    }
}
