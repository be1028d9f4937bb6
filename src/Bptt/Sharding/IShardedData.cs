// Data of a training that are elsewhere, such as in files of other machines. Holds none of them.

namespace Bptt.Sharding;

/// <summary>Data cut into shards that this process need not hold: it knows their sizes, and who computes on
/// them.</summary>
/// <example>
/// <code>
/// // Shards whose numbers are made when they are wanted, and kept by nobody.
/// public sealed class MadeAnew(Func&lt;int, DataShard&gt; shard, int count) : IShardedData, IShardRunner
/// {
///     private readonly int[][] _lengths =
///         [.. Enumerable.Range(0, count).Select(k =&gt; shard(k).Inputs.Lengths.ToArray())];
///
///     public int InputSize =&gt; 1;
///
///     public int OutputSize =&gt; 1;
///
///     public IReadOnlyList&lt;IReadOnlyList&lt;int&gt;&gt; Lengths =&gt; _lengths;
///
///     public string Identity =&gt; "made by the same rule";
///
///     public IShardRunner Start(ExecutionOptions execution) =&gt; this;
///
///     public IReadOnlyList&lt;ReadOnlyMemory&lt;double&gt;&gt; Run(
///         ShardTask task, CancellationToken cancellation) =&gt;
///     [
///         .. Enumerable.Range(0, count).Select(
///             k =&gt; (ReadOnlyMemory&lt;double&gt;)new ShardComputation(shard(k)).Run(task, cancellation)),
///     ];
///
///     public void Dispose()
///     {
///     }
/// }
/// </code>
/// </example>
public interface IShardedData
{
    /// <summary>d.</summary>
    int InputSize { get; }

    /// <summary>q.</summary>
    int OutputSize { get; }

    /// <summary>T_b of the sequences of each shard, in order; at least one shard, and a sequence in each.</summary>
    IReadOnlyList<IReadOnlyList<int>> Lengths { get; }

    /// <summary>The same text for the same data, such as a hash: a checkpoint is resumed only with what has
    /// it.</summary>
    string Identity { get; }

    /// <summary>Begins a training.</summary>
    /// <param name="execution">How passes are carried out.</param>
    /// <returns>What computes the shards until it is disposed of. Their objectives have the divisor of the whole
    /// (<see cref="Objective.WithNormalizer"/>).</returns>
    IShardRunner Start(ExecutionOptions execution);
}
