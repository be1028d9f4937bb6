// A process of a cluster, for tests that kill it: a worker, or a coordinator that trains.
//
//   worker JOIN [THREADS] [BYTES] [FOLDER] [IP]
//                                             a worker, until its input ends; JOIN is HOST:PORT, redis:HOST:PORT or
//                                             tls:CERTIFICATE:HOST:PORT; BYTES of one message, FOLDER of data
//   train DATA METHOD EPOCHS SHARDS WORKERS   a coordinator; WORKERS processes of its own, 0 for this process alone
//         [--port P] [--checkpoint FILE] [--resume FILE] [--bytes BYTES] [--threads N] [--wait N] [--times]
//         [--segments N]                      the segments that each sequence is cut into in time
//         [--listen IP] [--hold EPOCHS FILE]  goes on behind each of them (3,30) when FILE.3, FILE.30 is there
//   write FILE B T                            a .npz of B generated sequences of T steps
//   refer FILE EPOCHS SHARDS WORKERS          a coordinator that trains on such a file, which only its workers read
//
// A training prints "epoch N" as it goes and at its end "weights" with a hash of every bit of the outcome.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bptt.Optimization;
using Bptt.Orleans;
using Bptt.Orleans.Peer;
using Bptt.Training;

if (args is ["worker", string join, ..])
{
    await BpttWorker.RunAsync(
        Meeting.Of(join) with
        {
            Threads = args.Length > 2 ? Number(args[2]) : 1,
            MaxMessageBytes = args.Length > 3 ? Number(args[3]) : 32 << 20,
            DataFolder = args.Length > 4 && args[4].Length > 0 ? args[4] : null,
            Listen = args.Length > 5 ? IPAddress.Parse(args[5]) : IPAddress.Loopback,
            Job = Work,
            Log = Console.Error.WriteLine,
        },
        LocalWorkers.InputEnd());
    return 0;
}
if (args is ["write", string written, string sequences, string steps])
{
    References.Write(written, Number(sequences), Number(steps));
    return 0;
}
if (args is ["refer", string referred, string most, string pieces, string helpers])
{
    await References.TrainAsync(referred, Number(most), Number(pieces), Number(helpers));
    return 0;
}

int bytes = Number(Option("--bytes") ?? $"{32 << 20}");
string threads = Option("--threads") ?? "1";
var problem = Problem.Of(
    args[1], args[2], Number(args[3]), Number(args[4]), Number(Option("--segments") ?? "1"));
TrainerOptions options = problem.Options with
{
    Checkpoint = Option("--checkpoint") is string file ? new CheckpointOptions(file, TimeSpan.Zero) : null,
    ResumeFrom = Option("--resume"),
    ProgressInterval = args.Contains("--hold") ? TimeSpan.Zero : problem.Options.ProgressInterval,
    Execution = problem.Options.Execution with { MaxDegreeOfParallelism = Number(threads) },
};
int workers = Number(args[5]);
if (workers == 0 && Option("--port") is null)
{
    Train(options, null);
    return 0;
}

var clock = Stopwatch.StartNew();
await using BpttCluster cluster = await BpttCluster.ConnectAsync(new BpttClusterOptions
{
    Port = Number(Option("--port") ?? "0"),
    MaxMessageBytes = bytes,
    Listen = IPAddress.Parse(Option("--listen") ?? "127.0.0.1"),
    Log = Say,
});
Say($"address {cluster.Address}");
await using LocalWorkers? local = workers == 0 ? null : LocalWorkers.Start(cluster, workers, Worker, Say);
await cluster.WaitForWorkersAsync(Math.Max(workers, Number(Option("--wait") ?? "1")));
Say($"formed after {clock.Elapsed.TotalSeconds:F1} s");
Train(options with { Gradients = cluster }, cluster);
return 0;

ProcessStartInfo Worker() => new(
    Environment.ProcessPath!,
    [.. Hosted(), "worker", cluster.Address, threads, $"{bytes}"]);

static string[] Hosted() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
    ? [typeof(Problem).Assembly.Location] : [];

void Train(TrainerOptions options, BpttCluster? cluster)
{
    var epoch = Stopwatch.StartNew();
    int last = -1;
    long sent = cluster?.BytesSent ?? 0;
    long received = cluster?.BytesReceived ?? 0;
    List<double> times = [];
    TrainingResult result = Trainer.Run(
        problem.Start, problem.Inputs, problem.Objective, options, new Progress(Tell));
    if (args.Contains("--times") && times.Count > 3)
    {
        double[] later = [.. times.Skip(2).Order()];
        Say($"times: smallest {later[0]:F1} ms an epoch, median {later[later.Length / 2]:F1} ms, "
            + $"largest {later[^1]:F1} ms, of {later.Length} reports");
    }
    ReadOnlySpan<double> bits =
    [
        .. new Parameters(result.Model, result.InitialStates).ToVector(),
        .. result.History.Select(record => record.Loss),
    ];
    Console.WriteLine($"weights {Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(bits)))}");

    void Tell(TrainingProgress progress)
    {
        if (progress.Epoch == last)
        {
            return;
        }
        times.Add(epoch.Elapsed.TotalMilliseconds / Math.Max(1, progress.Epoch - last));
        string moved = cluster is null
            ? "" : $", {cluster.BytesSent - sent} bytes sent, {cluster.BytesReceived - received} received";
        sent = cluster?.BytesSent ?? 0;
        received = cluster?.BytesReceived ?? 0;
        Say($"epoch {progress.Epoch}, {epoch.Elapsed.TotalMilliseconds:F1} ms since the last report{moved}");
        last = progress.Epoch;
        if (Array.IndexOf(args, "--hold") is int at and >= 0 && args[at + 1].Split(',').Contains($"{last}"))
        {
            Say($"held at epoch {last}");
            SpinWait.SpinUntil(() => File.Exists($"{args[at + 2]}.{last}"));
        }
        epoch.Restart();
    }
}

static void Say(string line)
{
    Console.WriteLine(line);
    Console.Out.Flush();
}

// A job that needs a disc: 128 KiB of space, and a number that all of them share.
static byte[] Work(byte[] shared, byte[] job, CancellationToken cancellation)
{
    string folder = Directory.CreateTempSubdirectory("bptt").FullName;
    try
    {
        File.WriteAllBytes(Path.Combine(folder, "work"), new byte[1 << 17]);
        return [(byte)(shared[0] + job[0])];
    }
    finally
    {
        Directory.Delete(folder, recursive: true);
    }
}

string? Option(string name) => Array.IndexOf(args, name) is int at and >= 0 ? args[at + 1] : null;

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

/// <summary>Tells on the training's own thread.</summary>
internal sealed class Progress(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => tell(value);
}
