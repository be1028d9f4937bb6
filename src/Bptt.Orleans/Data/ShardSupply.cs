// How the shards of a training come to workers: handed over, or read by each from its own file.

using Bptt.Sharding;

namespace Bptt.Orleans.Data;

/// <summary>The shards of one training.</summary>
internal abstract class ShardSupply
{
    /// <summary>How many.</summary>
    public abstract int Count { get; }

    /// <summary>Whether a second worker is to hold each shard: it is dear to send again.</summary>
    public abstract bool IsKeptTwice { get; }

    /// <summary>Lets a worker have a shard.</summary>
    public abstract Task BringAsync(WorkerLink worker, int shard);
}

/// <summary>Shards that the coordinator has.</summary>
internal sealed class HandedShards(IReadOnlyList<DataShard> shards) : ShardSupply
{
    public override int Count => shards.Count;

    public override bool IsKeptTwice => true;

    public override async Task BringAsync(WorkerLink worker, int shard)
    {
        await Task.Yield(); // the bytes are made beside, and not while others wait
        await worker.HandAsync(shard, shards[shard].ToBytes());
    }
}

/// <summary>Shards that each worker reads.</summary>
internal sealed class ReferredShards(IReadOnlyList<FileShard> shards) : ShardSupply
{
    public override int Count => shards.Count;

    public override bool IsKeptTwice => false;

    public override Task BringAsync(WorkerLink worker, int shard) => worker.ReferAsync(shards[shard]);
}

/// <summary>A worker has not the data of the coordinator; the message says where and what.</summary>
internal sealed class OtherDataException(string message) : Exception(message);

/// <summary>Data in files, computed on by workers.</summary>
internal sealed class DataOfWorkers(FileData data, Func<ShardSupply, IShardRunner> start) : IShardedData
{
    public int InputSize => data.InputSize;

    public int OutputSize => data.OutputSize;

    public IReadOnlyList<IReadOnlyList<int>> Lengths => data.Lengths;

    public string Identity => data.Identity;

    public IShardRunner Start(ExecutionOptions execution) => start(new ReferredShards(data.Shards(execution)));
}
