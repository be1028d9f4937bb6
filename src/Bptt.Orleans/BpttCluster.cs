// The coordinator: a member of the cluster that gives out work and computes nothing itself.

using Bptt.Orleans.Data;
using Bptt.Sharding;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Bptt.Orleans;

/// <summary>
/// Computes the shards of trainings on other processes: give it as <c>TrainerOptions.Gradients</c>. Whoever joins,
/// leaves or dies, the result is the same to the last bit, since a shard's terms depend on the shard alone and are
/// added in the order of the shards.
/// </summary>
/// <remarks>Workers must have the same library, the same kernels and the same runtime: others are refused by name. What
/// a dead worker had not answered is computed by another. May serve several trainings at once.</remarks>
public sealed class BpttCluster : IShardExecutor, IAsyncDisposable
{
    private readonly IHost _host;
    private readonly BpttClusterOptions _options;
    private readonly ClusterMembers _members;
    private readonly Traffic _traffic = new();

    private BpttCluster(IHost host, int port, BpttClusterOptions options)
    {
        _host = host;
        _options = options;
        Address = $"{options.Listen}:{port}";
        _members = new ClusterMembers(
            host.Services.GetRequiredService<IClusterMembershipService>(),
            host.Services.GetRequiredService<ShardServiceClient>(),
            options);
    }

    /// <summary>HOST:PORT: what workers join where no store keeps the list of members.</summary>
    public string Address { get; }

    /// <summary>The workers that may compute, by name.</summary>
    public IReadOnlyList<string> Workers => [.. _members.Workers.Select(worker => worker.Name)];

    /// <summary>The bytes of numbers that have been sent to workers.</summary>
    public long BytesSent => _traffic.Sent;

    /// <summary>The bytes of numbers that workers have sent.</summary>
    public long BytesReceived => _traffic.Received;

    /// <summary>Starts a coordinator.</summary>
    /// <param name="options">The options: without a store it keeps the list of members itself.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <returns>The coordinator. It takes a second or two.</returns>
    /// <exception cref="ArgumentException">The options ask it to join another coordinator.</exception>
    public static async Task<BpttCluster> ConnectAsync(
        BpttClusterOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new BpttClusterOptions();
        if (options.Join is not null)
        {
            throw new ArgumentException(
                "Join: expected null for a coordinator, which workers join, got an address.", nameof(options));
        }
        (IHost host, int port) = SiloHost.Create(options, SiloHost.CoordinatorName, _ => { });
        try
        {
            await host.StartAsync(cancellation);
            return new BpttCluster(host, port, options);
        }
        catch
        {
            await BpttWorker.LeaveAsync(host);
            throw;
        }
    }

    /// <summary>Waits until so many workers have been taken.</summary>
    /// <param name="count">How many.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="BpttClusterException">A worker was refused, or too few have come in
    /// <see cref="BpttClusterOptions.WorkerTimeout"/>.</exception>
    public async Task WaitForWorkersAsync(int count, CancellationToken cancellation = default)
    {
        DateTime last = DateTime.UtcNow + _options.WorkerTimeout;
        while (true)
        {
            Task change = _members.Change;
            if (_members.Workers.Count >= count)
            {
                return;
            }
            TimeSpan left = last - DateTime.UtcNow;
            if (_members.Refusals.Count > 0 || left <= TimeSpan.Zero)
            {
                throw NoWorkers(count, _options.WorkerTimeout, _members);
            }
            await Task.WhenAny(change, Task.Delay(left, cancellation));
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="BpttClusterException">Later, in the training: there is no worker any more, and none
    /// comes.</exception>
    public IShardRunner Start(IReadOnlyList<DataShard> shards)
    {
        ArgumentNullException.ThrowIfNull(shards);
        return new ClusterRunner(_options, _members, _traffic, new HandedShards(shards));
    }

    /// <summary>Has workers read data from their own files and compute on them: give it to a
    /// <c>Trainer</c>.</summary>
    /// <param name="data">The data, which each worker has at the same path (or in its
    /// <see cref="BpttClusterOptions.DataFolder"/>).</param>
    /// <returns>The data by reference. A worker that has not the same numbers there, or no such file, is refused by
    /// name for this training; where none is left, the training ends with a
    /// <see cref="BpttClusterException"/>.</returns>
    /// <exception cref="ArgumentNullException">The data are null.</exception>
    public IShardedData Over(FileData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new DataOfWorkers(data, shards => new ClusterRunner(_options, _members, _traffic, shards));
    }

    /// <summary>Has workers do independent jobs, each by one of their threads: whole trainings, candidates of a search.
    /// What a worker had not finished when it died is begun anew by another.</summary>
    /// <param name="shared">What all jobs need, such as the data: sent once to each worker.</param>
    /// <param name="jobs">What each job needs besides.</param>
    /// <param name="finished">Told how many are done, one call at a time; null for nobody.</param>
    /// <param name="cancellation">Asks the workers to come to an end (the cancellation of
    /// <see cref="BpttClusterOptions.Job"/>); the results that they then have are returned.</param>
    /// <returns>The result of each job, in the order of the jobs.</returns>
    /// <exception cref="ArgumentNullException">An argument that may not be null is.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and a job has no result then.</exception>
    /// <exception cref="BpttClusterException">A job failed, no worker takes jobs, or none is left.</exception>
    public async Task<byte[][]> RunJobsAsync(
        byte[] shared,
        IReadOnlyList<byte[]> jobs,
        Action<int>? finished = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(shared);
        ArgumentNullException.ThrowIfNull(jobs);
        return await new JobRunner(_options, _members, _traffic, shared, jobs, finished).RunAsync(cancellation);
    }

    /// <summary>Where it is and who is there.</summary>
    public override string ToString() => $"cluster at {Address}";

    /// <summary>Leaves the cluster; workers stay, and may join another coordinator.</summary>
    public async ValueTask DisposeAsync()
    {
        await _members.DisposeAsync();
        await BpttWorker.LeaveAsync(_host);
    }

    /// <summary>Tells the cluster at once that a process of this machine has ended.</summary>
    internal Task DeclareDeadAsync(int processId) => _members.DeclareDeadAsync(processId);

    internal static BpttClusterException NoWorkers(int count, TimeSpan waited, ClusterMembers members)
    {
        IReadOnlyList<string> refusals = members.Refusals;
        string why = refusals.Count > 0
            ? string.Join("; ", refusals) : $"none more came in {waited.TotalSeconds:F0} s";
        return new BpttClusterException(
            $"Workers: expected {count} that can compute, got {members.Workers.Count}: {why}.");
    }
}
