// Trainings on data that only the workers read, to see what memory their coordinator takes.

using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bptt.Files;
using Bptt.Optimization;
using Bptt.Tests;
using Bptt.Training;

namespace Bptt.Orleans.Peer;

internal static class References
{
    /// <summary>Writes x, B×T×4, and y, B×T×2, the outputs of a true model with noise.</summary>
    public static void Write(string file, int sequences, int steps)
    {
        var examples = new Examples(3);
        LinearRnn truth = examples.Model(4, 6, 2, spectralRadius: 0.9);
        SequenceBatch x = examples.Batch(4, [.. Enumerable.Repeat(steps, sequences)]);
        SequenceBatch y = ForwardPass.Run(truth, x).OutputBatch();
        NumPyFile.SaveArchive(file, new Dictionary<string, StoredTensor>
        {
            ["x"] = Tensor(x),
            ["y"] = Tensor(y),
        });
    }

    /// <summary>A batch of sequences of one length, sequences × steps × rows.</summary>
    public static StoredTensor Tensor(SequenceBatch batch) => new(
        [batch.Count, batch.Lengths[0], batch.RowCount],
        [.. Enumerable.Range(0, batch.Count).SelectMany(b => batch.Sequence(b).ToColumnMajorArray())]);

    /// <summary>Trains, and tells what this process has taken.</summary>
    public static async Task TrainAsync(string file, int epochs, int shards, int workers)
    {
        await using BpttCluster cluster = await BpttCluster.ConnectAsync(
            new BpttClusterOptions { Log = Console.WriteLine });
        string program = typeof(References).Assembly.Location;
        await using var local = LocalWorkers.Start(
            cluster,
            workers,
            () => new ProcessStartInfo("dotnet", [program, "worker", cluster.Address, "1"]),
            Console.WriteLine);
        await cluster.WaitForWorkersAsync(workers);
        var clock = Stopwatch.StartNew();
        var data = FileData.Scan(new FileSource { Path = file, Inputs = ["x"], Targets = ["y"] }, shards);
        Console.WriteLine($"looked through after {clock.Elapsed.TotalSeconds:F1} s: {data}");
        TrainingResult result = Trainer.Run(
            new Examples(4).Model(data.InputSize, 6, data.OutputSize, spectralRadius: 0.8),
            cluster.Over(data),
            new TrainerOptions { Optimizer = new Adam(0.01), MaxEpochs = epochs });
        double[] weights = [.. new Parameters(result.Model).ToVector()];
        Console.WriteLine($"weights {Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(weights.AsSpan())))}");
        using var self = Process.GetCurrentProcess();
        Console.WriteLine($"{new FileInfo(file).Length >> 20} MiB of data, {cluster.BytesSent >> 10} KiB sent; "
            + $"peak of the coordinator: {self.PeakWorkingSet64 >> 20} MiB");
    }
}
