// How processes find each other, and who listens where. Data only.

using System.Net;

namespace Bptt.Orleans;

/// <summary>Options that the processes of a cluster share. Immutable.</summary>
/// <remarks>By default nothing listens beyond this machine's loopback address.</remarks>
public sealed record BpttClusterOptions
{
    private readonly int _maxMessageBytes = 32 << 20;
    private readonly int _threads = -1;

    /// <summary>The coordinator that keeps the list of members, HOST:PORT; null for a coordinator, which keeps it, and
    /// where a store does.</summary>
    public string? Join { get; init; }

    /// <summary>A Redis server that keeps the list of members, as StackExchange.Redis writes it, such as
    /// "10.0.0.5:6379"; null for none.</summary>
    public string? Redis { get; init; }

    /// <summary>The database that keeps the list of members, with the invariant name of its ADO.NET driver and the
    /// connection string; null for none. The tables are those of Orleans' scripts.</summary>
    public (string Invariant, string ConnectionString)? AdoNet { get; init; }

    /// <summary>The name of the cluster: processes with another name do not see each other.</summary>
    public string ClusterId { get; init; } = "bptt";

    /// <summary>The address to listen on, by which others reach this process.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>The port to listen on; 0 for a free one.</summary>
    public int Port { get; init; }

    /// <summary>The threads that a worker computes on; −1 for all processors.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is 0 or below −1.</exception>
    public int Threads
    {
        get => _threads;
        init => _threads = value is -1 or >= 1 ? value : throw new ArgumentOutOfRangeException(
            nameof(Threads), $"{nameof(Threads)}: expected -1 (all processors) or at least 1, got {value}.");
    }

    /// <summary>The most bytes of numbers in one message, the same for coordinator and workers: others are refused by
    /// name. What is longer is sent in pieces.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 4096.</exception>
    public int MaxMessageBytes
    {
        get => _maxMessageBytes;
        init => _maxMessageBytes = value is >= 4096 and <= 1 << 30 ? value : throw new ArgumentOutOfRangeException(
            nameof(MaxMessageBytes), $"{nameof(MaxMessageBytes)}: expected 4096 to {1 << 30}, got {value}.");
    }

    /// <summary>The time after which a worker that does not answer counts as dead; by default 3 seconds. A longer one
    /// bears with longer pauses of a machine, a shorter one finds the dead sooner.</summary>
    public TimeSpan DeadAfter { get; init; } = TimeSpan.FromSeconds(3.0);

    /// <summary>How long a coordinator waits for a worker where it has none.</summary>
    public TimeSpan WorkerTimeout { get; init; } = TimeSpan.FromMinutes(2.0);

    /// <summary>The folder that a worker reads the files of <see cref="FileData"/> from, and no others; their paths are
    /// taken from there. Null, the default, for paths as the coordinator has them.</summary>
    public string? DataFolder { get; init; }

    /// <summary>What a worker does with the jobs of <see cref="BpttCluster.RunJobsAsync"/>: from what all of them share
    /// and the job's own bytes to its result, on one thread, heeding the cancellation. Null, the default, for a worker
    /// that takes none.</summary>
    public Func<byte[], byte[], CancellationToken, byte[]>? Job { get; init; }

    /// <summary>Told in one line each who joins, leaves, is refused, computes what, and what is done again; null for
    /// nobody. Called from any thread.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Further settings of Orleans, such as TLS or another store; null for none.</summary>
    public Action<ISiloBuilder>? Configure { get; init; }
}
