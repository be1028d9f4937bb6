// Shards computed elsewhere, as far as one process can be elsewhere.

using Bptt.Optimization;
using Bptt.Sharding;

namespace Bptt.Tests.Sharding;

/// <summary>Shards from their bytes, on threads of their own, the last one first.</summary>
internal sealed class Elsewhere : IShardExecutor
{
    /// <summary>Whether each task meets a fresh computation, as after the death of a worker.</summary>
    public bool IsForgetful { get; init; }

    public IShardRunner Start(IReadOnlyList<DataShard> shards) =>
        new Runner([.. shards.Select(shard => shard.ToBytes())], IsForgetful);

    private sealed class Runner(byte[][] shards, bool isForgetful) : IShardRunner
    {
        private ShardComputation[] _computations = Computations(shards);

        public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation)
        {
            _computations = isForgetful ? Computations(shards) : _computations;
            var terms = new ReadOnlyMemory<double>[shards.Length];
            for (int k = shards.Length - 1; k >= 0; k--)
            {
                int shard = k;
                var thread = new Thread(() => terms[shard] = _computations[shard].Run(task, cancellation));
                thread.Start();
                thread.Join();
            }
            return terms;
        }

        public void Dispose()
        {
        }

        private static ShardComputation[] Computations(byte[][] shards) => Array.ConvertAll(
            shards, bytes => new ShardComputation(DataShard.FromBytes(bytes), maxDegreeOfParallelism: 1));
    }
}
