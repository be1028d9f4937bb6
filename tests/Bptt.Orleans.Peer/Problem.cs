// The trainings that the tests of clusters run: data, start and options by name, the same in every process.

using System.Globalization;
using Bptt.Optimization;
using Bptt.Tests;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Orleans.Peer;

internal sealed record Problem(LinearRnn Start, SequenceBatch Inputs, Objective Objective, TrainerOptions Options)
{
    /// <summary>A training by name.</summary>
    /// <param name="data">hair-dryer: 1,000 rows in windows of 40; generated: 64 sequences; or
    /// h,B,T of generated sequences, and perhaps d = q.</param>
    /// <param name="method">adam, lbfgs, lm, newton or products.</param>
    /// <param name="epochs">The most epochs.</param>
    /// <param name="shards">The number of shards.</param>
    /// <param name="segments">The segments of each sequence.</param>
    public static Problem Of(string data, string method, int epochs, int shards, int segments = 1)
    {
        var options = new TrainerOptions
        {
            Optimizer = method switch
            {
                "adam" => new Adam(0.01),
                "lbfgs" => QuasiNewton.LimitedMemoryBfgs(iterationsPerStep: 5),
                "lm" => new LevenbergMarquardt(),
                "newton" => new TruncatedNewton(),
                "products" => new LevenbergMarquardt(maxFactoredParameters: 0),
                _ => throw new ArgumentException($"method: expected a known one, got '{method}'."),
            },
            MaxEpochs = epochs,
            Shards = shards,
            Segments = segments,
        };
        return data switch
        {
            "hair-dryer" => HairDryer(options),
            "generated" => Generated(options, 6, 64, 60),
            _ => data.Split(',') is [string h, string b, string t, .. var others]
                ? Generated(options, Number(h), Number(b), Number(t), others is [string d] ? Number(d) : 2)
                : throw new ArgumentException($"data: expected a known name, got '{data}'."),
        };
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static Problem HairDryer(TrainerOptions options)
    {
        using var reader = new StreamReader(typeof(Problem).Assembly.GetManifestResourceStream("hair-dryer")!);
        double[][] rows =
        [
            .. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Skip(1)
                .Select(line => Array.ConvertAll(
                    line.Split(','), cell => double.Parse(cell, CultureInfo.InvariantCulture))),
        ];
        double mean = rows.Average(row => row[^1]);
        var inputs = Matrix<double>.Build.Dense(1, rows.Length, (_, t) => rows[t][^2] - 5.0);
        var targets = Matrix<double>.Build.Dense(1, rows.Length, (_, t) => rows[t][^1] - mean);
        return new Problem(
            new Examples(1).Model(1, 4, 1, spectralRadius: 0.8),
            SequenceBatch.Pack([inputs]),
            Objective.SquaredError(targets),
            options with { WindowLength = 40, InitialStateKind = InitialStateKind.Zero });
    }

    /// <summary>Outputs of a true model, with noise.</summary>
    private static Problem Generated(TrainerOptions options, int h, int sequences, int steps, int d = 2)
    {
        var examples = new Examples(2);
        LinearRnn truth = examples.Model(d, 4, d, spectralRadius: 0.9);
        int[] lengths = [.. Enumerable.Range(0, sequences).Select(b => steps - b % 4)];
        SequenceBatch inputs = examples.Batch(d, lengths);
        SequenceBatch outputs = ForwardPass.Run(truth, inputs).OutputBatch();
        Matrix<double>[] targets =
        [
            .. Enumerable.Range(0, sequences).Select(b =>
                outputs.Sequence(b) + 0.01 * examples.Matrix(d, lengths[b])),
        ];
        return new Problem(
            examples.Model(d, h, d, spectralRadius: 0.8),
            inputs,
            Objective.SquaredError(SequenceBatch.Pack(targets)),
            options);
    }
}
