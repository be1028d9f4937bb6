// A worker process: joins, computes, and joins again where the cluster has gone on without it.

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Bptt.Orleans;

/// <summary>A process that computes shards for coordinators (<see cref="BpttCluster"/>), one at a time, on the threads
/// that its options say.</summary>
public static class BpttWorker
{
    /// <summary>Without word from a coordinator for so long, a worker that joined one by its address looks for it
    /// anew: it may have been started again.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15.0);

    private static readonly TimeSpan TimeToLeave = TimeSpan.FromSeconds(2.0);

    /// <summary>Works until it is cancelled.</summary>
    /// <param name="options">Where the cluster is: <see cref="BpttClusterOptions.Join"/>, a store, or settings of
    /// your own.</param>
    /// <param name="cancellation">Ends it; it leaves the cluster first.</param>
    /// <exception cref="ArgumentNullException">The options are null.</exception>
    /// <exception cref="ArgumentException">They name no cluster, or one that is no address.</exception>
    public static async Task RunAsync(BpttClusterOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options is { Join: null, Redis: null, AdoNet: null, Configure: null })
        {
            throw new ArgumentException("options: expected a coordinator to join or a store, got neither.");
        }
        if (options.Join is string join)
        {
            SiloHost.EndPointOf(join, nameof(options.Join));
        }
        while (!cancellation.IsCancellationRequested)
        {
            string end = await BelongAsync(options, cancellation);
            if (!cancellation.IsCancellationRequested)
            {
                options.Log?.Invoke($"left the cluster ({end}); joining again");
                await Task.Delay(500, CancellationToken.None);
            }
        }
    }

    /// <summary>One membership, from joining to its end.</summary>
    /// <returns>Why it ended.</returns>
    private static async Task<string> BelongAsync(BpttClusterOptions options, CancellationToken cancellation)
    {
        var life = new WorkerLife(options.Log);
        (IHost host, int port) = SiloHost.Create(options, SiloHost.WorkerName, services =>
        {
            services.AddSingleton(_ => new WorkerMemory(options, TimeProvider.System));
            services.AddSingleton(life);
            services.AddSingleton<IFatalErrorHandler>(life);
            services.AddGrainService<ShardService>();
        });
        try
        {
            try
            {
                await host.StartAsync(cancellation);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                return e.Message.Split('\n')[0]; // nobody there yet
            }
            options.Log?.Invoke($"worker {Environment.ProcessId} listens on {options.Listen}:{port}");
            while (!life.End.IsCompleted && !(options.Join is not null && life.Silence > LongestSilence))
            {
                await Task.WhenAny(life.End, Task.Delay(500, cancellation));
                cancellation.ThrowIfCancellationRequested();
            }
            return life.End.IsCompleted ? await life.End : "no word from the coordinator";
        }
        catch (OperationCanceledException)
        {
            return "cancelled";
        }
        finally
        {
            await LeaveAsync(host);
        }
    }

    /// <summary>Stops a member, however it stands; what takes longer than <see cref="TimeToLeave"/>, such as telling a
    /// store that has forgotten the member, is left to end by itself.</summary>
    internal static async Task LeaveAsync(IHost host)
    {
        using var hurry = new CancellationTokenSource(TimeToLeave);
        await InTimeAsync(host.StopAsync(hurry.Token));
        if (host is IAsyncDisposable disposable)
        {
            await InTimeAsync(disposable.DisposeAsync().AsTask());
        }
    }

    private static async Task InTimeAsync(Task leaving)
    {
        try
        {
            await leaving.WaitAsync(2.0 * TimeToLeave);
        }
#pragma warning disable CA1031 // it is leaving, and others do not depend on how
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
