// Independent jobs on a cluster: each is done by one worker, and begun anew by another where that one dies. Knows
// nothing of what they do.

namespace Bptt.Orleans;

/// <summary>The jobs of one call.</summary>
internal sealed class JobRunner(
    BpttClusterOptions options,
    ClusterMembers members,
    Traffic traffic,
    byte[] shared,
    IReadOnlyList<byte[]> jobs,
    Action<int>? finished)
{
    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(0.5);

    private static readonly TimeSpan PauseBetweenAsking = TimeSpan.FromSeconds(1.0);

    private readonly Guid _run = Guid.NewGuid();
    private readonly Lock _gate = new();
    private readonly List<int> _waiting = [.. Enumerable.Range(0, jobs.Count)];
    private readonly Dictionary<(int Job, SiloAddress Worker), string> _faults = [];
    private readonly byte[]?[] _results = new byte[jobs.Count][];
    private readonly Dictionary<Member, WorkerLink> _links = [];
    private readonly HashSet<int> _begun = [];
    private BpttClusterException? _fault;
    private int _done;

    /// <summary>Runs all of them.</summary>
    public async Task<byte[][]> RunAsync(CancellationToken cancellation)
    {
        Dictionary<(Member Worker, int Thread), Task> serving = [];
        using var ended = new CancellationTokenSource();
        Task asking = AskToEndAsync(cancellation, ended.Token);
        try
        {
            DateTime last = DateTime.UtcNow + options.WorkerTimeout;
            while (_done < jobs.Count && _fault is null)
            {
                Task change = members.Change;
                Member[] workers = [.. members.Workers.Where(worker => worker.Hello.TakesJobs)];
                foreach (((Member, int) key, Task served) in serving.Where(s => s.Value.IsCompleted).ToArray())
                {
                    serving.Remove(key);
                    await served; // what is no fault of the cluster ends all
                }
                for (int thread = 0; thread < workers.Select(w => w.Hello.Threads).DefaultIfEmpty().Max(); thread++)
                {
                    foreach (Member worker in workers.Where(w => thread < w.Hello.Threads && MayServe(w)))
                    {
                        if (!serving.ContainsKey((worker, thread)))
                        {
                            serving[(worker, thread)] = ServeAsync(worker, cancellation);
                        }
                    }
                }
                TimeSpan left = last - DateTime.UtcNow;
                if (serving.Count > 0)
                {
                    last = DateTime.UtcNow + options.WorkerTimeout;
                }
                else if (left <= TimeSpan.Zero)
                {
                    throw BpttCluster.NoWorkers(1, options.WorkerTimeout, members);
                }
                else
                {
                    cancellation.ThrowIfCancellationRequested();
                    options.Log?.Invoke("no worker is there that takes jobs; waiting for one");
                    await Task.WhenAny(change, Task.Delay(left, cancellation));
                    continue;
                }
                await Task.WhenAny([change, .. serving.Values]);
            }
            return _fault is null ? Array.ConvertAll(_results, result => result!) : throw _fault;
        }
        finally
        {
            await ended.CancelAsync();
            await asking;
            foreach (Member worker in _links.Keys.Where(members.Has))
            {
                worker.Service.Forget(_run).Ignore();
            }
        }
    }

    /// <summary>Once it is cancelled, asks the workers to bring their jobs to an end: again and again until they have,
    /// since a message may be lost, and a worker may join.</summary>
    private async Task AskToEndAsync(CancellationToken cancellation, CancellationToken ended)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, ended);
        await Task.Delay(Timeout.InfiniteTimeSpan, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!ended.IsCancellationRequested)
        {
            foreach (Member worker in members.Workers)
            {
                worker.Service.Cancel(_run).Ignore();
            }
            await Task.Delay(PauseBetweenAsking, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private bool MayServe(Member worker)
    {
        lock (_gate)
        {
            return _waiting.Exists(job => !_faults.ContainsKey((job, worker.Address)));
        }
    }

    /// <summary>One thread of a worker: one job after the other, until none waits or the worker fails.</summary>
    private async Task ServeAsync(Member worker, CancellationToken cancellation)
    {
        while (_fault is null && Next(worker) is int job)
        {
            try
            {
                WorkerLink link = LinkOf(worker);
                (byte[]? result, string? fault) = await link.WorkAsync(shared, $"job {job}", jobs[job]);
                if (fault is not null)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Fail(job, worker, fault);
                    continue;
                }
                lock (_gate)
                {
                    _results[job] = result;
                    _done++;
                    finished?.Invoke(_done);
                }
            }
            catch (Exception e) when (ClusterRunner.IsOfTheCluster(e))
            {
                lock (_gate)
                {
                    _waiting.Add(job);
                }
                options.Log?.Invoke($"{worker.Name} did not finish job {job + 1} ({e.GetType().Name})");
                await Task.WhenAny(members.Change, Task.Delay(PauseAfterFault, CancellationToken.None));
                return;
            }
        }
    }

    /// <summary>The next job; null where none waits.</summary>
    private int? Next(Member worker)
    {
        int job;
        bool isAgain;
        lock (_gate)
        {
            int at = _waiting.FindIndex(j => !_faults.ContainsKey((j, worker.Address)));
            if (at < 0)
            {
                return null;
            }
            job = _waiting[at];
            _waiting.RemoveAt(at);
            isAgain = !_begun.Add(job);
        }
        options.Log?.Invoke($"{(isAgain ? "again: " : "")}job {job + 1} of {jobs.Count} by {worker.Name}");
        return job;
    }

    /// <summary>What failed on one worker, such as for want of space on its disc, another may do; what fails on two is
    /// the job's own fault.</summary>
    private void Fail(int job, Member worker, string fault)
    {
        string text = $"job {job + 1} of {jobs.Count}, {worker.Name}: {fault}";
        options.Log?.Invoke(text);
        lock (_gate)
        {
            _faults[(job, worker.Address)] = text;
            string[] all = [.. _faults.Where(f => f.Key.Job == job).Select(f => f.Value)];
            bool isLeft = members.Workers.Any(
                w => w.Hello.TakesJobs && !_faults.ContainsKey((job, w.Address)));
            if (all.Length > 1 || !isLeft)
            {
                _fault = new BpttClusterException(string.Join("; ", all));
            }
            else
            {
                _waiting.Add(job);
            }
        }
    }

    private WorkerLink LinkOf(Member worker)
    {
        lock (_links)
        {
            if (!_links.TryGetValue(worker, out WorkerLink? link))
            {
                link = new WorkerLink(_run, worker, options.MaxMessageBytes, traffic);
                _links[worker] = link;
            }
            return link;
        }
    }
}
