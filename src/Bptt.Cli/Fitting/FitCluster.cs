// The worker processes of a fit: started, watched and ended with it, or joined from elsewhere. Only a fit that asks for
// workers comes here, so that the others load nothing of it.

using System.Diagnostics;
using System.Net;
using Bptt.Cli.Console;
using Bptt.Orleans;
using Bptt.Sharding;

namespace Bptt.Cli.Fitting;

internal sealed class FitCluster : IDisposable
{
    private readonly BpttCluster _cluster;
    private readonly LocalWorkers? _workers;

    private FitCluster(BpttCluster cluster, LocalWorkers? workers)
    {
        _cluster = cluster;
        _workers = workers;
    }

    /// <summary>Who computes the shards of trainings.</summary>
    public IShardExecutor Executor => _cluster;

    /// <summary>Has workers do jobs (<see cref="FitJobs"/>).</summary>
    /// <exception cref="DataFaultException">A job failed, or no worker is left.</exception>
    public byte[][] Spread(
        byte[] shared, IReadOnlyList<byte[]> jobs, Action<int> finished, CancellationToken cancellation)
    {
        try
        {
            return _cluster.RunJobsAsync(shared, jobs, finished, cancellation).GetAwaiter().GetResult();
        }
        catch (BpttClusterException e)
        {
            throw new DataFaultException($"--workers: {e.Message}", e);
        }
    }

    /// <summary>Brings the workers together that a fit asks for.</summary>
    /// <param name="terminal">Told who joins, leaves, computes what, and what is done again.</param>
    /// <param name="settings">With workers or a cluster.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="DataFaultException">They do not come together.</exception>
    public static FitCluster Start(Terminal terminal, FitSettings settings, CancellationToken cancellation) =>
        StartAsync(terminal, settings, cancellation).GetAwaiter().GetResult();

    /// <summary>Options of a cluster from a word: redis:HOST:PORT, or HOST:PORT.</summary>
    /// <param name="word">The word; null for this machine alone.</param>
    /// <param name="listen">The address to listen on; null for the one of the word, or this machine alone.</param>
    /// <param name="isWorker">Whether HOST:PORT is to be joined, and not listened on.</param>
    public static BpttClusterOptions OptionsOf(string? word, string? listen, bool isWorker)
    {
        var options = new BpttClusterOptions { Listen = listen is null ? IPAddress.Loopback : IPAddress.Parse(listen) };
        const string redis = "redis:";
        if (word is null)
        {
            return options;
        }
        if (word.StartsWith(redis, StringComparison.Ordinal))
        {
            return options with { Redis = word[redis.Length..] };
        }
        if (isWorker)
        {
            return options with { Join = word };
        }
        var own = IPEndPoint.Parse(word);
        return options with { Listen = own.Address, Port = own.Port };
    }

    /// <inheritdoc/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async ValueTask DisposeAsync()
    {
        if (_workers is not null)
        {
            await _workers.DisposeAsync();
        }
        await _cluster.DisposeAsync();
    }

    private static async Task<FitCluster> StartAsync(
        Terminal terminal, FitSettings settings, CancellationToken cancellation)
    {
        Lock telling = new();
        BpttCluster? cluster = null;
        LocalWorkers? workers = null;
        try
        {
            cluster = await BpttCluster.ConnectAsync(
                OptionsOf(settings.Cluster, settings.Listen, isWorker: false) with { Log = Tell }, cancellation);
            if (settings.Workers is int count)
            {
                int threads = Math.Max(1, Environment.ProcessorCount / count);
                workers = LocalWorkers.Start(cluster, count, () => Worker(cluster.Address, threads), Tell);
            }
            else
            {
                terminal.Error.WriteLine($"waiting for workers: bptt worker --join {cluster.Address}");
            }
            await cluster.WaitForWorkersAsync(settings.Workers ?? 1, cancellation);
            return new FitCluster(cluster, workers);
        }
        catch (Exception e)
        {
            if (workers is not null)
            {
                await workers.DisposeAsync();
            }
            if (cluster is not null)
            {
                await cluster.DisposeAsync();
            }
            if (e is BpttClusterException or ArgumentException)
            {
                throw new DataFaultException($"--workers: {e.Message}", e);
            }
            throw;
        }

        void Tell(string line)
        {
            lock (telling)
            {
                terminal.Error.WriteLine(line);
            }
        }
    }

    /// <summary>This program as a worker that lives as long as this process.</summary>
    private static ProcessStartInfo Worker(string address, int threads)
    {
        string program = Environment.ProcessPath!;
        bool isHosted = Path.GetFileNameWithoutExtension(program) == "dotnet";
        return new ProcessStartInfo(
            program,
            [
                .. isHosted ? [typeof(FitCluster).Assembly.Location] : Array.Empty<string>(),
                "worker", "--join", address, "--threads", $"{threads}", "--until-input-ends",
            ]);
    }
}
