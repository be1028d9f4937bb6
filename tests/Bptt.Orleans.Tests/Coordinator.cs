// A coordinator in the test's own process, with workers in processes of their own.

using System.Collections.Concurrent;
using Bptt.Optimization;
using Bptt.Orleans.Peer;
using Bptt.Sharding;
using Bptt.Training;

namespace Bptt.Orleans.Tests;

internal sealed class Coordinator : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _log = new();
    private LocalWorkers? _workers;

    public BpttCluster Cluster { get; private init; } = null!;

    /// <summary>What has been told so far.</summary>
    public string Log => string.Join('\n', _log);

    public IReadOnlyList<int> ProcessIds => _workers!.ProcessIds;

    public static async Task<Coordinator> StartAsync(int workers, BpttClusterOptions? options = null)
    {
        ConcurrentQueue<string> log = new();
        options = (options ?? new BpttClusterOptions()) with { Log = log.Enqueue };
        BpttCluster cluster = await BpttCluster.ConnectAsync(options);
        var coordinator = new Coordinator(log) { Cluster = cluster };
        if (workers > 0)
        {
            coordinator._workers = LocalWorkers.Start(
                cluster,
                workers,
                () => PeerProcess.Program(
                    PeerProcess.Folder, "worker", cluster.Address, "1", $"{options.MaxMessageBytes}"),
                log.Enqueue);
            await cluster.WaitForWorkersAsync(workers);
        }
        return coordinator;
    }

    private Coordinator(ConcurrentQueue<string> log)
    {
        _log = log;
    }

    /// <summary>Every number that a training ends with, computed by the workers.</summary>
    public double[] Train(Problem problem, Action<int>? atEpoch = null) =>
        Train(problem with { Options = problem.Options with { Gradients = Cluster } }, atEpoch, default);

    /// <summary>The same through something between the training and the cluster.</summary>
    public static double[] Train(Problem problem, IShardExecutor executor) =>
        Train(problem with { Options = problem.Options with { Gradients = executor } }, null, default);

    /// <summary>The same computed by this process.</summary>
    public static double[] TrainHere(Problem problem) => Train(problem, null, default);

    public async ValueTask DisposeAsync()
    {
        if (_workers is not null)
        {
            await _workers.DisposeAsync();
        }
        await Cluster.DisposeAsync();
    }

    private static double[] Train(Problem problem, Action<int>? atEpoch, CancellationToken cancellation)
    {
        TrainingResult result = Trainer.Run(
            problem.Start,
            problem.Inputs,
            problem.Objective,
            problem.Options,
            atEpoch is null ? null : new Progress(progress => atEpoch(progress.Epoch)),
            cancellation);
        return
        [
            .. new Parameters(result.Model, result.InitialStates).ToVector(),
            .. result.History.Select(record => record.Loss),
        ];
    }

    private sealed class Progress(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell(value);
    }
}
