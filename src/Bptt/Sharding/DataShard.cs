// One shard of the data of a training: some sequences with their share of the objective. Computes nothing.
//
//   h  hidden units      B  sequences of the whole

using Bptt.Edge;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Sharding;

/// <summary>
/// Some whole sequences, or segments of sequences that are cut in time, with an objective that knows the divisor of
/// the whole, so that the losses and gradients of all shards add up to those of the whole. Immutable; may be sent to
/// another process in bytes.
/// </summary>
/// <example>
/// <code>
/// // The loss of the whole as a sum over three shards, each of which could be anywhere.
/// IReadOnlyList&lt;DataShard&gt; shards = DataShard.Cut(batch, batchObjective, count: 3);
/// double[] flat = new Parameters(model).ToVector().ToArray();
/// var task = new ShardTask(
///     ShardQuantity.Loss, model.InputSize, model.HiddenSize, model.OutputSize, flat);
/// double loss = 0.0;
/// foreach (DataShard shard in shards)
/// {
///     var elsewhere = DataShard.FromBytes(shard.ToBytes());
///     loss += new ShardComputation(elsewhere).Run(task)[0];
/// }
/// Console.WriteLine($"{shards.Count} shards: L = {loss:G6}, by {EngineIdentity.Arithmetic}");
/// </code>
/// </example>
public sealed class DataShard
{
    private readonly double[] _initialStates;

    /// <summary>Puts a shard together.</summary>
    /// <param name="inputs">Its sequences, d rows each.</param>
    /// <param name="objective">The objective on them, with the divisor of the whole
    /// (<see cref="Objective.WithNormalizer"/>).</param>
    /// <param name="index">Its place among the shards, from 0.</param>
    /// <param name="firstSequence">The number of its first sequence in the whole, from 0.</param>
    /// <param name="initialStates">h×B: h_0 of its sequences where they are given and not learned; null for zero.
    /// Copied.</param>
    /// <param name="execution">How passes are carried out.</param>
    /// <exception cref="ArgumentNullException">Inputs or objective are null.</exception>
    /// <exception cref="ArgumentException">The inputs are not finite, a number is below 0, or the states are not one
    /// column for each sequence.</exception>
    public DataShard(
        SequenceBatch inputs,
        Objective objective,
        int index = 0,
        int firstSequence = 0,
        Matrix<double>? initialStates = null,
        ExecutionOptions? execution = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(objective);
        inputs.RequireFinite(nameof(inputs));
        Guard.NotNegative(index, nameof(index));
        Guard.NotNegative(firstSequence, nameof(firstSequence));
        if (initialStates is not null)
        {
            Guard.Shape(initialStates, initialStates.RowCount, inputs.Count, "h×B", nameof(initialStates));
            Guard.Finite(initialStates, nameof(initialStates));
        }
        Inputs = inputs;
        Objective = objective;
        Index = index;
        FirstSequence = firstSequence;
        Execution = (execution ?? ExecutionOptions.Default) with { Workspace = null };
        _initialStates = initialStates?.ToColumnMajorArray() ?? [];
    }

    /// <summary>The sequences.</summary>
    public SequenceBatch Inputs { get; }

    /// <summary>The objective on them.</summary>
    public Objective Objective { get; }

    /// <summary>The place among the shards, from 0.</summary>
    public int Index { get; }

    /// <summary>The number of the first sequence in the whole, from 0.</summary>
    public int FirstSequence { get; }

    /// <summary>How passes are carried out; results do not depend on its number of threads.</summary>
    public ExecutionOptions Execution { get; }

    /// <summary>h_0 where it is given, h×B; null for zero. Every call makes an independent copy.</summary>
    public Matrix<double>? InitialStates => _initialStates.Length == 0
        ? null
        : Matrix<double>.Build.DenseOfColumnMajor(_initialStates.Length / Inputs.Count, Inputs.Count, _initialStates);

    /// <summary>Cuts data into shards: whole sequences in their order, with about as many steps in each. The cut
    /// depends on the lengths and the number of shards alone.</summary>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="objective">The objective on them.</param>
    /// <param name="count">The number of shards, at least 1; fewer where there are fewer sequences.</param>
    /// <param name="initialStates">h×B: h_0 where it is given and not learned; null for zero.</param>
    /// <param name="execution">How passes are carried out.</param>
    /// <returns>The shards, in order. Cost O(d·ΣT_b).</returns>
    /// <exception cref="ArgumentNullException">Inputs or objective are null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1.</exception>
    /// <exception cref="ArgumentException">Inputs or states are not finite or do not fit.</exception>
    public static IReadOnlyList<DataShard> Cut(
        SequenceBatch inputs,
        Objective objective,
        int count,
        Matrix<double>? initialStates = null,
        ExecutionOptions? execution = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(objective);
        Guard.AtLeastOne(count, nameof(count));
        IReadOnlyList<int> borders = Borders(inputs.Lengths, count);
        if (borders.Count == 2)
        {
            return [new DataShard(inputs, objective, 0, 0, initialStates, execution)];
        }
        double normalizer = objective.NormalizerOf(inputs.Lengths);
        var shards = new DataShard[borders.Count - 1];
        for (int k = 0; k < shards.Length; k++)
        {
            int first = borders[k];
            SequencePart[] parts =
            [
                .. Enumerable.Range(first, borders[k + 1] - first)
                    .Select(b => new SequencePart(b, 1, inputs.Lengths[b])),
            ];
            shards[k] = new DataShard(
                inputs.Part(parts),
                objective.Part(parts).WithNormalizer(normalizer),
                k,
                first,
                initialStates?.SubMatrix(0, initialStates.RowCount, first, parts.Length),
                execution);
        }
        return shards;
    }

    /// <summary>The shard in bytes, the same for the same shard, little-endian.</summary>
    /// <exception cref="NotSupportedException">The objective is one of your own, which no other process
    /// knows.</exception>
    public byte[] ToBytes() => ShardBytes.Write(this);

    /// <summary>A shard from the bytes that <see cref="ToBytes"/> gave, bit for bit.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="ArgumentNullException">The bytes are null.</exception>
    /// <exception cref="InvalidDataException">They are damaged or something else.</exception>
    public static DataShard FromBytes(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return ShardBytes.Read(bytes);
    }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() =>
        $"shard {Index}: sequences {FirstSequence} to {FirstSequence + Inputs.Count - 1}, {Inputs.TotalLength} steps";

    /// <summary>Where <see cref="Cut"/> cuts: each shard ends where the steps come nearest to its share, and has a
    /// sequence at least.</summary>
    /// <param name="lengths">T_b of every sequence.</param>
    /// <param name="count">The number of shards, at least 1; fewer where there are fewer sequences.</param>
    /// <returns>The first sequence of each shard, and last of all B. Cost O(B).</returns>
    /// <exception cref="ArgumentNullException">The lengths are null.</exception>
    /// <exception cref="ArgumentException">There are none.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1.</exception>
    public static IReadOnlyList<int> Borders(IReadOnlyList<int> lengths, int count)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        Guard.AtLeastOne(count, nameof(count));
        if (lengths.Count == 0)
        {
            throw Guard.Error(nameof(lengths), "expected at least one sequence, got none.");
        }
        count = Math.Min(count, lengths.Count);
        double total = lengths.Sum(length => (double)length);
        int[] borders = new int[count + 1];
        double steps = 0.0;
        int b = 0;
        for (int k = 1; k < count; k++)
        {
            double share = total * k / count;
            int last = lengths.Count - (count - k); // sequences that the shards behind need are left
            do
            {
                steps += lengths[b++];
            }
            while (b < last && share - steps > 0.5 * lengths[b]);
            borders[k] = b;
        }
        borders[count] = lengths.Count;
        return borders;
    }
}
