// What one worker has of one training, and how it is brought what it lacks. Decides no assignment.

using System.Runtime.InteropServices;
using Bptt.Orleans.Data;

namespace Bptt.Orleans;

/// <summary>The coordinator's side of one worker in one training. Calls are those of the training's thread, and of a
/// task that brings it shards to keep.</summary>
/// <param name="run">The training.</param>
/// <param name="worker">The worker.</param>
/// <param name="maxMessageBytes">The most bytes of one piece.</param>
/// <param name="traffic">Counts bytes.</param>
internal sealed class WorkerLink(Guid run, Member worker, int maxMessageBytes, Traffic traffic)
{
    private const int MostNames = 1000;
    private const string SharedKey = "shared";

    private readonly HashSet<string> _vectors = [];
    private readonly Dictionary<int, Task> _shards = [];

    /// <summary>The worker.</summary>
    public Member Worker => worker;

    /// <summary>Whether it has the data of a shard.</summary>
    public bool Has(int shard)
    {
        lock (_shards)
        {
            return _shards.TryGetValue(shard, out Task? loading) && loading.IsCompletedSuccessfully;
        }
    }

    /// <summary>Brings it a shard where it lacks it.</summary>
    /// <param name="shard">Which.</param>
    /// <param name="bring">How.</param>
    public async Task BringShardAsync(int shard, Func<WorkerLink, int, Task> bring)
    {
        Task loading;
        lock (_shards)
        {
            if (!_shards.TryGetValue(shard, out Task? known) || known.IsFaulted || known.IsCanceled)
            {
                known = bring(this, shard);
                _shards[shard] = known;
            }
            loading = known;
        }
        await loading;
    }

    /// <summary>Lets it have a vector where it lacks it.</summary>
    /// <param name="key">Its name; the same name always stands for the same numbers.</param>
    /// <param name="numbers">The numbers.</param>
    public async Task BringVectorAsync(string key, ReadOnlyMemory<double> numbers)
    {
        if (key.Length > 0 && !_vectors.Contains(key))
        {
            await PutAsync(key, Pieces.BytesOf(numbers.Span));
            if (_vectors.Count > MostNames)
            {
                _vectors.Clear(); // what is still in use is sent once more
            }
            _vectors.Add(key);
        }
    }

    /// <summary>Has it compute a shard's terms.</summary>
    /// <returns>The terms; null where it lacks a vector, which is then not taken for granted any more.</returns>
    public async Task<double[]?> ComputeAsync(TaskMessage task, int shard)
    {
        Terms terms = await worker.Service.Compute(task, shard);
        if (terms.Missing is not null)
        {
            _vectors.Clear();
            lock (_shards)
            {
                if (terms.Missing == "shard")
                {
                    _shards.Remove(shard);
                }
            }
            return null;
        }
        return MemoryMarshal.Cast<byte, double>(await BytesOfAsync(terms)).ToArray();
    }

    /// <summary>Has it do a job.</summary>
    /// <param name="shared">What all jobs of the run share; sent once.</param>
    /// <param name="key">The job's name.</param>
    /// <param name="job">The job's own bytes.</param>
    /// <returns>The result, or what went wrong in it.</returns>
    public async Task<(byte[]? Result, string? Fault)> WorkAsync(byte[] shared, string key, byte[] job)
    {
        await BringShardAsync(-1, (_, _) => PutAsync(SharedKey, shared));
        await PutAsync(key, job);
        Terms terms = await worker.Service.Work(run, SharedKey, key);
        if (terms.Missing is not null)
        {
            lock (_shards)
            {
                _shards.Clear();
            }
            throw new TimeoutException($"{worker.Name} has forgotten what it was sent.");
        }
        return terms.Fault is null ? (await BytesOfAsync(terms), null) : (null, terms.Fault);
    }

    private async Task<byte[]> BytesOfAsync(Terms terms)
    {
        byte[] bytes = terms.Bytes ?? await TakeAsync(terms);
        traffic.AddReceived(bytes.Length);
        return bytes;
    }

    private async Task<byte[]> TakeAsync(Terms terms)
    {
        byte[][] pieces = new byte[terms.Pieces][];
        for (int i = 0; i < pieces.Length; i++)
        {
            pieces[i] = await worker.Service.Take(terms.Key, i);
        }
        return Pieces.Join(pieces);
    }

    /// <summary>Hands it a shard.</summary>
    public async Task HandAsync(int shard, byte[] bytes)
    {
        string key = $"shard {shard}";
        await PutAsync(key, bytes);
        string hash = await worker.Service.Load(run, shard, key);
        if (hash != Pieces.HashOf(bytes))
        {
            throw new TimeoutException($"{worker.Name}: shard {shard} did not arrive as it was sent.");
        }
    }

    /// <summary>Has it read a shard from its own file.</summary>
    /// <exception cref="OtherDataException">It has not the same data there.</exception>
    public async Task ReferAsync(FileShard shard)
    {
        if (await worker.Service.LoadFile(run, shard) is string fault)
        {
            throw new OtherDataException(fault);
        }
    }

    private async Task PutAsync(string key, byte[] bytes)
    {
        int count = Pieces.CountOf(bytes.Length, maxMessageBytes);
        for (int i = 0; i < count; i++)
        {
            byte[] piece = count == 1 ? bytes : Pieces.Of(bytes, i, maxMessageBytes);
            await worker.Service.Put(new Piece(run, key, i, count, piece));
            traffic.AddSent(piece.Length);
        }
    }
}

/// <summary>Counts the bytes of numbers that are moved.</summary>
internal sealed class Traffic
{
    private long _sent;
    private long _received;

    public long Sent => Interlocked.Read(ref _sent);

    public long Received => Interlocked.Read(ref _received);

    public void AddSent(int bytes) => Interlocked.Add(ref _sent, bytes);

    public void AddReceived(int bytes) => Interlocked.Add(ref _received, bytes);
}
