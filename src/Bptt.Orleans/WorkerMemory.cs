// What a worker holds: bytes that are arriving, shards with their computations, numbers of the last tasks, and terms
// that are being fetched. Computes by the library; talks to nobody.

using System.Collections.Concurrent;
using Bptt.Optimization;
using Bptt.Orleans.Data;
using Bptt.Sharding;

namespace Bptt.Orleans;

/// <summary>The memory of one worker, by runs. For use from many threads.</summary>
/// <param name="options">Its threads, the longest terms of one message, its folder of data, what it does with
/// jobs.</param>
/// <param name="time">Says how long ago something was.</param>
internal sealed class WorkerMemory(BpttClusterOptions options, TimeProvider time) : IDisposable
{
    /// <summary>Vectors that are kept: weights of two points with what is carried between segments, a direction,
    /// coordinates and their metric.</summary>
    private const int VectorsKept = 8;

    private readonly ConcurrentDictionary<Guid, RunMemory> _runs = new();

    /// <summary>One shard at a time, on all threads.</summary>
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>One file at a time, so that memory is taken for one shard beside those that stay.</summary>
    private readonly SemaphoreSlim _reading = new(1);

    /// <summary>After so long, what a coordinator that died has left is forgotten; one that lives sends it
    /// again.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1.0);

    /// <summary>The threads to compute on.</summary>
    public int Threads => options.Threads == -1 ? Environment.ProcessorCount : options.Threads;

    /// <summary>Whether it knows what to do with jobs.</summary>
    public bool TakesJobs => options.Job is not null;

    /// <summary>The most bytes of numbers in one message.</summary>
    public int MaxMessageBytes => options.MaxMessageBytes;

    private sealed class RunMemory(long used)
    {
        private int _jobs;

        /// <summary>Ends its jobs. Not disposed of: nothing waits on its handle.</summary>
        public CancellationTokenSource Cancellation { get; } = new();

        /// <summary>What all its jobs share.</summary>
        public ConcurrentDictionary<string, byte[]> Shared { get; } = new();

        /// <summary>When something of it was last asked for, as the clock counts.</summary>
        public long Used { get; set; } = used;

        /// <summary>Whether a job is being done: it may take longer than any pause.</summary>
        public bool IsAtWork => Volatile.Read(ref _jobs) > 0;

        public ConcurrentDictionary<string, byte[]?[]> Arriving { get; } = new();

        public ConcurrentDictionary<string, byte[]> Bytes { get; } = new();

        public ConcurrentDictionary<int, ShardComputation> Shards { get; } = new();

        public ConcurrentDictionary<string, byte[]> Leaving { get; } = new();

        /// <summary>Vectors by their keys, the last used one last.</summary>
        public List<(string Key, double[] Numbers)> Vectors { get; } = [];

        public void BeginJob() => Interlocked.Increment(ref _jobs);

        public void EndJob(long now)
        {
            Used = now;
            Interlocked.Decrement(ref _jobs);
        }
    }

    /// <summary>Takes a piece; where it is the last one missing, the whole is there.</summary>
    public void Put(Piece piece)
    {
        RunMemory run = RunOf(piece.Run);
        byte[]?[] pieces = run.Arriving.GetOrAdd(piece.Key, _ => new byte[piece.Count][]);
        lock (pieces)
        {
            pieces[piece.Index] = piece.Bytes;
            if (Array.TrueForAll(pieces, p => p is not null))
            {
                run.Bytes[piece.Key] = Pieces.Join(pieces!);
                run.Arriving.TryRemove(piece.Key, out _);
            }
        }
    }

    /// <summary>Makes a shard of bytes that are there.</summary>
    /// <returns>Their hash; empty where they are not there.</returns>
    public string Load(Guid run, int shard, string key)
    {
        RunMemory memory = RunOf(run);
        if (!memory.Bytes.TryRemove(key, out byte[]? bytes))
        {
            return "";
        }
        memory.Shards[shard] = new ShardComputation(DataShard.FromBytes(bytes), options.Threads);
        return Pieces.HashOf(bytes);
    }

    /// <summary>Reads a shard from its file.</summary>
    /// <returns>Why that cannot be; null where it was.</returns>
    public async Task<string?> LoadFileAsync(Guid run, FileShard shard)
    {
        await _reading.WaitAsync();
        try
        {
            DataShard data = await Task.Run(() => shard.Read(PathOf(shard.Path)));
            RunOf(run).Shards[shard.Index] = new ShardComputation(data, options.Threads);
            return null;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException
            or ArgumentException)
        {
            return e.Message;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Computes a shard's terms.</summary>
    public async Task<Terms> ComputeAsync(TaskMessage message, int shard)
    {
        if (!_runs.TryGetValue(message.Run, out RunMemory? run)
            || !run.Shards.TryGetValue(shard, out ShardComputation? computation))
        {
            return Missing("shard");
        }
        run.Used = time.GetTimestamp();
        if (Vector(run, message.Parameters) is not double[] parameters
            || Vector(run, message.Direction) is not double[] direction
            || Vector(run, message.Metric) is not double[] metric
            || Vector(run, message.InitialStates) is not double[] initialStates
            || Vector(run, message.FinalStateGradients) is not double[] finalStateGradients)
        {
            return Missing("vector");
        }
        var task = new ShardTask(
            (ShardQuantity)message.Quantity,
            message.InputSize,
            message.HiddenSize,
            message.OutputSize,
            parameters,
            direction,
            metric,
            message.Penalty,
            initialStates,
            finalStateGradients);
        await _turn.WaitAsync();
        byte[] bytes;
        try
        {
            bytes = Pieces.BytesOf(await Task.Run(() => computation.Run(task)));
        }
        finally
        {
            _turn.Release();
        }
        return Leave(message.Run, run, bytes);

        static Terms Missing(string what) => new(null, "", 0, what);
    }

    /// <summary>Does a job.</summary>
    public async Task<Terms> WorkAsync(Guid id, string shared, string job)
    {
        RunMemory run = RunOf(id);
        if (run.Bytes.TryRemove(shared, out byte[]? arrived))
        {
            run.Shared[shared] = arrived;
        }
        if (!run.Shared.TryGetValue(shared, out byte[]? common) || !run.Bytes.TryRemove(job, out byte[]? own))
        {
            return new Terms(null, "", 0, "job");
        }
        run.BeginJob();
        try
        {
            // A thread of its own: a training is long, and the pool's threads are for messages.
            byte[] result = await Task.Factory.StartNew(
                () => options.Job!(common, own, run.Cancellation.Token),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            return Leave(id, run, result);
        }
#pragma warning disable CA1031 // whatever it is: the coordinator is told
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new Terms(null, "", 0, null, e.Message);
        }
        finally
        {
            run.EndJob(time.GetTimestamp());
        }
    }

    /// <summary>Asks the jobs of a run to come to an end.</summary>
    public void Cancel(Guid run) => RunOf(run).Cancellation.Cancel();

    /// <summary>One piece of terms; with the last one they are forgotten.</summary>
    public byte[] Take(string key, int piece)
    {
        string[] names = key.Split(' ');
        if (!_runs.TryGetValue(Guid.ParseExact(names[0], "N"), out RunMemory? run)
            || !run.Leaving.TryGetValue(names[1], out byte[]? bytes))
        {
            throw new InvalidOperationException("The terms are no longer here.");
        }
        if (piece == Pieces.CountOf(bytes.Length, options.MaxMessageBytes) - 1)
        {
            run.Leaving.TryRemove(names[1], out _);
        }
        return Pieces.Of(bytes, piece, options.MaxMessageBytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _turn.Dispose();
        _reading.Dispose();
    }

    /// <summary>Forgets a run.</summary>
    public void Forget(Guid run)
    {
        if (_runs.TryRemove(run, out RunMemory? memory))
        {
            memory.Cancellation.Cancel();
        }
    }

    /// <summary>Where a file of a coordinator is here.</summary>
    /// <exception cref="UnauthorizedAccessException">It lies outside the folder that may be read.</exception>
    private string PathOf(string path)
    {
        if (options.DataFolder is not string dataFolder)
        {
            return path;
        }
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataFolder));
        string full = Path.GetFullPath(path, folder);
        return full.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? full
            : throw new UnauthorizedAccessException($"{path}: expected a file in {folder}, which alone is read.");
    }

    /// <summary>Bytes as an answer, or kept to be fetched in pieces.</summary>
    private Terms Leave(Guid id, RunMemory run, byte[] bytes)
    {
        if (bytes.Length <= options.MaxMessageBytes)
        {
            return new Terms(bytes, "", 0, null);
        }
        string key = Guid.NewGuid().ToString("N");
        run.Leaving[key] = bytes;
        return new Terms(null, $"{id:N} {key}", Pieces.CountOf(bytes.Length, options.MaxMessageBytes), null);
    }

    private RunMemory RunOf(Guid id)
    {
        if (!_runs.ContainsKey(id))
        {
            foreach ((Guid other, RunMemory memory) in _runs)
            {
                if (!memory.IsAtWork && time.GetElapsedTime(memory.Used) > LongestPause)
                {
                    _runs.TryRemove(other, out _);
                }
            }
        }
        return _runs.GetOrAdd(id, _ => new RunMemory(time.GetTimestamp()));
    }

    /// <summary>The numbers under a key, none for an empty key; null where they are not there.</summary>
    private static double[]? Vector(RunMemory run, string key)
    {
        if (key.Length == 0)
        {
            return [];
        }
        lock (run.Vectors)
        {
            int known = run.Vectors.FindIndex(v => v.Key == key);
            double[] numbers;
            if (known >= 0)
            {
                numbers = run.Vectors[known].Numbers;
                run.Vectors.RemoveAt(known);
            }
            else if (run.Bytes.TryRemove(key, out byte[]? bytes))
            {
                numbers = Pieces.NumbersOf(bytes);
            }
            else
            {
                return null;
            }
            run.Vectors.Add((key, numbers));
            if (run.Vectors.Count > VectorsKept)
            {
                run.Vectors.RemoveAt(0);
            }
            return numbers;
        }
    }
}
