// One training on a cluster: every task to the workers, every shard's terms back, whatever happens to the workers in
// between. Adds nothing up: the library does, in the order of the shards.

using Bptt.Orleans.Data;
using Bptt.Sharding;

namespace Bptt.Orleans;

internal sealed class ClusterRunner : IShardRunner
{
    private static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(50.0);

    private readonly BpttClusterOptions _options;
    private readonly ClusterMembers _members;
    private readonly Traffic _traffic;
    private readonly Guid _run = Guid.NewGuid();
    private readonly ShardSupply _shards;
    private readonly Dictionary<SiloAddress, string> _refused = []; // of this training
    private readonly ShardAssignment _assignment;
    private readonly Dictionary<Member, WorkerLink> _links = [];
    private readonly List<(ReadOnlyMemory<double> Numbers, string Key)> _known = [];
    private long _keys;

    public ClusterRunner(
        BpttClusterOptions options, ClusterMembers members, Traffic traffic, ShardSupply shards)
    {
        _options = options;
        _members = members;
        _traffic = traffic;
        _shards = shards;
        _assignment = new ShardAssignment(shards.Count);
        if (shards.Count > 0 && members.Workers.Count > shards.Count)
        {
            options.Log?.Invoke(
                $"{members.Workers.Count} workers for {shards.Count} shards: some will have nothing to do");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation) =>
        Task.Run(() => RunAsync(task, cancellation), cancellation).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Member worker in _links.Keys.Where(_members.Has))
        {
            worker.Service.Forget(_run).Ignore();
        }
    }

    private async Task<IReadOnlyList<ReadOnlyMemory<double>>> RunAsync(ShardTask task, CancellationToken cancellation)
    {
        var terms = new ReadOnlyMemory<double>[_shards.Count];
        bool[] done = new bool[_shards.Count];
        bool isAgain = false;
        DateTime progress = DateTime.UtcNow;
        int left = done.Length;
        while (done.Contains(false))
        {
            await AssignAsync(cancellation);
            IGrouping<Member, int>[] work =
            [
                .. Enumerable.Range(0, done.Length).Where(k => !done[k]).GroupBy(k => _assignment.Owners[k]!),
            ];
            if (isAgain)
            {
                _options.Log?.Invoke($"again: {string.Join("; ", work.Select(
                    w => $"shards {string.Join(", ", w)} by {w.Key.Name}"))}");
                await Task.Delay(ShortPause, cancellation);
            }
            await Task.WhenAll(work.Select(w => ComputeAsync(LinkOf(w.Key), task, [.. w], terms, done, cancellation)))
                .WaitAsync(cancellation);
            isAgain = true;
            int before = left;
            left = done.Count(isDone => !isDone);
            progress = left < before ? DateTime.UtcNow : progress;
            if (left > 0 && DateTime.UtcNow - progress > _options.WorkerTimeout)
            {
                throw new BpttClusterException(
                    $"Workers: expected an answer of any in {_options.WorkerTimeout.TotalSeconds:F0} s, got none, "
                    + $"{left} of {done.Length} shards missing.");
            }
        }
        return terms;
    }

    /// <summary>Every shard gets a living owner, and a second worker that keeps its data.</summary>
    private async Task AssignAsync(CancellationToken cancellation)
    {
        IReadOnlyList<Member> workers = await WorkersAsync(cancellation);
        foreach (Member gone in _links.Keys.Except(workers).ToArray())
        {
            _links.Remove(gone);
        }
        IReadOnlyList<int> moved = _assignment.Balance(workers, (worker, shard) => LinkOf(worker).Has(shard));
        if (moved.Count == 0)
        {
            return;
        }
        _options.Log?.Invoke(string.Join("; ", workers.Select(
            w => $"{w.Name}: {_assignment.Owners.Count(owner => owner == w)} of {_shards.Count} shards")));
        for (int k = 0; _shards.IsKeptTwice && workers.Count > 1 && k < _shards.Count; k++)
        {
            Member owner = _assignment.Owners[k]!;
            if (!workers.Any(w => w != owner && LinkOf(w).Has(k)))
            {
                int place = 0;
                while (workers[place] != owner)
                {
                    place++;
                }
                int shard = k;
                WorkerLink second = LinkOf(workers[(place + 1 + k % (workers.Count - 1)) % workers.Count]);
                _ = KeepAsync(second, shard);
            }
        }
    }

    /// <summary>Lets a second worker have a shard's data, so that it need not be sent when the first one dies. Where
    /// that fails, it is sent then.</summary>
    private async Task KeepAsync(WorkerLink second, int shard)
    {
        try
        {
            await second.BringShardAsync(shard, _shards.BringAsync);
        }
        catch (Exception e) when (IsOfTheCluster(e))
        {
        }
    }

    /// <summary>The workers that live; waits where there is none.</summary>
    /// <exception cref="BpttClusterException">None comes.</exception>
    private async Task<IReadOnlyList<Member>> WorkersAsync(CancellationToken cancellation)
    {
        DateTime last = DateTime.UtcNow + _options.WorkerTimeout;
        while (true)
        {
            Task change = _members.Change;
            (Member[] workers, string[] refused) = Usable();
            if (workers.Length > 0)
            {
                return workers;
            }
            if (refused.Length > 0)
            {
                throw new BpttClusterException(
                    $"Workers: expected 1 that can compute, got 0: {string.Join("; ", refused)}");
            }
            TimeSpan left = last - DateTime.UtcNow;
            if (left <= TimeSpan.Zero)
            {
                throw BpttCluster.NoWorkers(1, _options.WorkerTimeout, _members);
            }
            _options.Log?.Invoke("no worker is there; waiting for one");
            await Task.WhenAny(change, Task.Delay(left, cancellation));
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The workers that this training may ask, and what is wrong with the others.</summary>
    private (Member[] Workers, string[] Refused) Usable()
    {
        IReadOnlyList<Member> all = _members.Workers;
        lock (_refused)
        {
            return (
                [.. all.Where(w => !_refused.ContainsKey(w.Address))],
                [.. all.Where(w => _refused.ContainsKey(w.Address)).Select(w => _refused[w.Address])]);
        }
    }

    /// <summary>Leaves a worker out of this training, since it has other data.</summary>
    private void Refuse(Member worker, string why)
    {
        lock (_refused)
        {
            if (!_refused.TryAdd(worker.Address, $"{worker.Name} is refused: {why}"))
            {
                return;
            }
        }
        _options.Log?.Invoke($"{worker.Name} is refused: {why}");
    }

    /// <summary>Has a worker compute some shards. What does not come back stays to be done.</summary>
    private async Task ComputeAsync(
        WorkerLink link,
        ShardTask task,
        int[] shards,
        ReadOnlyMemory<double>[] terms,
        bool[] done,
        CancellationToken cancellation)
    {
        try
        {
            (TaskMessage message, (string Key, ReadOnlyMemory<double> Numbers)[] vectors) = MessageOf(task);
            foreach ((string key, ReadOnlyMemory<double> numbers) in vectors)
            {
                await link.BringVectorAsync(key, numbers);
            }
            await Task.WhenAll(shards.Select(async shard =>
            {
                await link.BringShardAsync(shard, _shards.BringAsync);
                cancellation.ThrowIfCancellationRequested();
                if (await link.ComputeAsync(message, shard) is double[] numbers)
                {
                    (terms[shard], done[shard]) = (numbers, true);
                }
            }));
        }
        catch (OtherDataException e)
        {
            Refuse(link.Worker, e.Message);
        }
        catch (Exception e) when (IsOfTheCluster(e))
        {
            _options.Log?.Invoke($"{link.Worker.Name} did not answer ({e.GetType().Name})");
            if (_members.Has(link.Worker))
            {
                // It may be alive and the connection not: anew, or gone from the list in a moment.
                await Task.WhenAny(_members.Change, Task.Delay(TimeSpan.FromSeconds(0.5), cancellation));
            }
        }
    }

    internal static bool IsOfTheCluster(Exception e) =>
        e is OrleansException or TimeoutException or IOException or ObjectDisposedException;

    private WorkerLink LinkOf(Member worker)
    {
        lock (_links)
        {
            if (!_links.TryGetValue(worker, out WorkerLink? link))
            {
                link = new WorkerLink(_run, worker, _options.MaxMessageBytes, _traffic);
                _links[worker] = link;
            }
            return link;
        }
    }

    /// <summary>A task with its vectors by name. Vectors in the same memory have the same name, so that weights travel
    /// once to each worker.</summary>
    private (TaskMessage Message, (string Key, ReadOnlyMemory<double> Numbers)[] Vectors) MessageOf(ShardTask task)
    {
        lock (_known)
        {
            string parameters = KeyOf(task.Parameters);
            string direction = KeyOf(task.Direction);
            string metric = KeyOf(task.Metric);
            string initialStates = KeyOf(task.InitialStates);
            string finalStateGradients = KeyOf(task.FinalStateGradients);
            var message = new TaskMessage(
                _run,
                (int)task.Quantity,
                task.InputSize,
                task.HiddenSize,
                task.OutputSize,
                parameters,
                direction,
                metric,
                task.Penalty,
                initialStates,
                finalStateGradients);
            return (message,
            [
                (parameters, task.Parameters), (direction, task.Direction), (metric, task.Metric),
                (initialStates, task.InitialStates), (finalStateGradients, task.FinalStateGradients),
            ]);
        }
    }

    private string KeyOf(ReadOnlyMemory<double> numbers)
    {
        if (numbers.IsEmpty)
        {
            return "";
        }
        int at = _known.FindIndex(k => k.Numbers.Equals(numbers));
        (ReadOnlyMemory<double>, string Key) known = at >= 0 ? _known[at] : (numbers, $"vector {++_keys}");
        if (at >= 0)
        {
            _known.RemoveAt(at);
        }
        _known.Add(known);
        if (_known.Count > 6) // fewer than a worker keeps
        {
            _known.RemoveAt(0);
        }
        return known.Key;
    }
}
