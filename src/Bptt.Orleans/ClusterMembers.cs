// Who is in the cluster and may compute: watches the list of members, shakes hands with workers that join, and tells
// the living that the coordinator lives. Assigns no work.

using System.Collections.Concurrent;
using Bptt.Sharding;

namespace Bptt.Orleans;

/// <summary>A worker that has been taken.</summary>
/// <param name="Address">Where it is, and which of its lives.</param>
/// <param name="Service">How to call it.</param>
/// <param name="Hello">Who it is.</param>
internal sealed record Member(SiloAddress Address, IShardService Service, WorkerHello Hello)
{
    /// <summary>As messages name it.</summary>
    public string Name => $"worker {Hello.ProcessId} on {Hello.Machine} ({Address.Endpoint})";
}

internal sealed class ClusterMembers : IAsyncDisposable
{
    private static readonly TimeSpan Pulse = TimeSpan.FromSeconds(1.0);
    private static readonly TimeSpan LongestHello = TimeSpan.FromSeconds(10.0);

    private readonly IClusterMembershipService _membership;
    private readonly ShardServiceClient _client;
    private readonly Action<string>? _log;
    private readonly int _maxMessageBytes;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<SiloAddress, Member> _taken = new();
    private readonly ConcurrentDictionary<SiloAddress, string> _refused = new();
    private readonly ConcurrentDictionary<SiloAddress, Task> _greeted = new();
    private readonly Task _watch;
    private readonly Task _pulse;
    private TaskCompletionSource _change = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ClusterMembers(
        IClusterMembershipService membership, ShardServiceClient client, BpttClusterOptions options)
    {
        _membership = membership;
        _client = client;
        _log = options.Log;
        _maxMessageBytes = options.MaxMessageBytes;
        _watch = Task.Run(WatchAsync);
        _pulse = Task.Run(PulseAsync);
    }

    /// <summary>The workers that may compute, in a fixed order.</summary>
    public IReadOnlyList<Member> Workers =>
        [.. _taken.Values.OrderBy(m => m.Address.Endpoint.ToString(), StringComparer.Ordinal)];

    /// <summary>Who was refused, and why.</summary>
    public IReadOnlyList<string> Refusals => [.. _refused.Values.Order(StringComparer.Ordinal)];

    /// <summary>Ends when a worker joins, leaves or is refused after this is read.</summary>
    public Task Change => Volatile.Read(ref _change).Task;

    /// <summary>Whether a worker is a member still.</summary>
    public bool Has(Member worker) => _taken.ContainsKey(worker.Address);

    /// <summary>Tells the cluster that a process has ended, which it would find out by itself a little later.</summary>
    public async Task DeclareDeadAsync(int processId)
    {
        foreach (Member member in Workers)
        {
            if (member.Hello.ProcessId == processId && member.Hello.Machine == Environment.MachineName)
            {
                Drop(member.Address);
                await _membership.TryKill(member.Address);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_watch, _pulse).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task WatchAsync()
    {
        await foreach (ClusterMembershipSnapshot snapshot in _membership.MembershipUpdates.WithCancellation(_end.Token))
        {
            foreach (ClusterMember member in snapshot.Members.Values)
            {
                bool isWorker = member.Name.StartsWith(SiloHost.WorkerName, StringComparison.Ordinal);
                if (isWorker && member.Status == SiloStatus.Active)
                {
                    _ = _greeted.GetOrAdd(member.SiloAddress, address => Task.Run(() => GreetAsync(address)));
                }
            }
            foreach (SiloAddress address in _greeted.Keys)
            {
                if (!IsActive(snapshot, address))
                {
                    Drop(address);
                }
            }
        }
    }

    private static bool IsActive(ClusterMembershipSnapshot snapshot, SiloAddress address) =>
        snapshot.Members.TryGetValue(address, out ClusterMember? member) && member.Status == SiloStatus.Active;

    private async Task GreetAsync(SiloAddress address)
    {
        IShardService service = _client.At(address);
        while (!_end.IsCancellationRequested && IsActive(_membership.CurrentSnapshot, address))
        {
            try
            {
                WorkerHello hello = await service.Hello().WaitAsync(LongestHello, _end.Token);
                var member = new Member(address, service, hello);
                string verdict = Verdict(hello);
                await service.Heed(verdict).WaitAsync(LongestHello, _end.Token);
                if (verdict.Length > 0)
                {
                    _refused[address] = $"{member.Name} is refused: {verdict}";
                    _log?.Invoke(_refused[address]);
                }
                else
                {
                    _taken[address] = member;
                    _log?.Invoke($"{member.Name} has joined");
                }
                if (!IsActive(_membership.CurrentSnapshot, address))
                {
                    Drop(address);
                }
                Signal();
                return;
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                await Task.Delay(100, _end.Token);
            }
        }
    }

    /// <summary>What keeps a worker from computing the same bits or from being understood, by name; empty for
    /// nothing.</summary>
    private string Verdict(WorkerHello hello)
    {
        List<string> differences = [];
        if (hello.Library != EngineIdentity.Library)
        {
            differences.Add($"library: expected {EngineIdentity.Library}, got {hello.Library}");
        }
        if (hello.Arithmetic != EngineIdentity.Arithmetic)
        {
            differences.Add($"arithmetic: expected {EngineIdentity.Arithmetic}, got {hello.Arithmetic}");
        }
        if (hello.MaxMessageBytes != _maxMessageBytes)
        {
            differences.Add($"bytes of a message: expected at most {_maxMessageBytes}, got {hello.MaxMessageBytes}");
        }
        return string.Join("; ", differences);
    }

    /// <summary>Lets every worker know that the coordinator lives.</summary>
    private async Task PulseAsync()
    {
        using var timer = new PeriodicTimer(Pulse);
        while (await timer.WaitForNextTickAsync(_end.Token))
        {
            foreach (Member member in Workers)
            {
                member.Service.Heed("").Ignore();
            }
        }
    }

    private void Drop(SiloAddress address)
    {
        bool wasKnown = _refused.TryRemove(address, out _);
        if (_taken.TryRemove(address, out Member? member))
        {
            wasKnown = true;
            _log?.Invoke($"{member.Name} is gone");
        }
        if (wasKnown)
        {
            Signal();
        }
    }

    private void Signal() => Interlocked.Exchange(
        ref _change, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}
