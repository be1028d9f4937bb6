// Where shards are computed, as training sees it. Computes nothing.

namespace Bptt.Sharding;

/// <summary>Computes the shards of one training, wherever: in this process, on threads, on other machines.</summary>
/// <remarks>A shard's terms depend on the shard and the task alone, so it may be computed anywhere and more than once.
/// Training adds them in the order of the shards: the result is the same bit for bit whoever computes them, given the
/// same library, the same kernels and the same data (<see cref="EngineIdentity"/>).</remarks>
public interface IShardRunner : IDisposable
{
    /// <summary>The terms of every shard, in the order of the shards.</summary>
    /// <param name="task">What is asked for.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>For each shard the numbers that <see cref="ShardQuantity"/> names.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation);
}

/// <summary>Takes the shards of a training to where they will be computed.</summary>
/// <example>
/// <code>
/// // Every shard by another thread of this process, in whatever order.
/// public sealed class OnThreads : IShardExecutor
/// {
///     public IShardRunner Start(IReadOnlyList&lt;DataShard&gt; shards) => new Runner(shards);
///
///     private sealed class Runner(IReadOnlyList&lt;DataShard&gt; shards) : IShardRunner
///     {
///         private readonly ShardComputation[] _computations =
///             [.. shards.Select(shard => new ShardComputation(shard, maxDegreeOfParallelism: 1))];
///
///         public IReadOnlyList&lt;ReadOnlyMemory&lt;double&gt;&gt; Run(ShardTask task, CancellationToken cancellation)
///         {
///             var terms = new ReadOnlyMemory&lt;double&gt;[_computations.Length];
///             Parallel.For(0, terms.Length, k => terms[k] = _computations[k].Run(task, cancellation));
///             return terms;
///         }
///
///         public void Dispose()
///         {
///         }
///     }
/// }
/// </code>
/// </example>
public interface IShardExecutor
{
    /// <summary>Begins a training.</summary>
    /// <param name="shards">Its shards, in order.</param>
    /// <returns>What computes them until it is disposed of.</returns>
    /// <exception cref="NotSupportedException">The shards cannot be taken there.</exception>
    IShardRunner Start(IReadOnlyList<DataShard> shards);
}
