// The loss over shards: asks for their terms and adds them in the order of the shards. Computes no pass.
//
//   h  hidden units      B  sequences      n  parameters      m  coordinates

using Bptt.LinearAlgebra;
using Bptt.Sharding;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>Sums over a fixed number of shards: the same bits whoever computes the terms, and with one shard those of a
/// loss in one piece.</summary>
internal sealed class ShardedLoss : IDisposable
{
    private readonly IShardRunner _runner;
    private readonly (int First, int Count)[] _shards; // sequences

    private ShardedLoss(IReadOnlyList<IReadOnlyList<int>> lengths, double[] givenStates, IShardRunner runner)
    {
        _runner = runner;
        _shards = new (int, int)[lengths.Count];
        for (int k = 0, first = 0; k < _shards.Length; first += lengths[k++].Count)
        {
            _shards[k] = (first, lengths[k].Count);
        }
        Lengths = [.. lengths.SelectMany(shard => shard)];
        GivenStates = givenStates;
    }

    /// <summary>T_b.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>h_0 where it is given, column by column; empty where it is zero.</summary>
    public double[] GivenStates { get; }

    /// <summary>Cuts data into shards and takes them to where they are computed.</summary>
    public static ShardedLoss Open(
        SequenceBatch inputs,
        Objective objective,
        int count,
        Matrix<double>? initialStates,
        ExecutionOptions execution,
        IShardExecutor? executor)
    {
        IReadOnlyList<DataShard> shards = DataShard.Cut(inputs, objective, count, initialStates, execution);
        return new ShardedLoss(
            [.. shards.Select(shard => shard.Inputs.Lengths)],
            [.. shards.SelectMany(shard => shard.InitialStates?.ToColumnMajorArray() ?? [])],
            executor?.Start(shards) ?? new LocalShards(shards));
    }

    /// <summary>The loss over data that are elsewhere.</summary>
    public static ShardedLoss Open(IShardedData data, ExecutionOptions execution) =>
        new(data.Lengths, [], data.Start(execution));

    /// <summary>L.</summary>
    public double Loss(Parameters at) => SumOfLosses(Run(Task(ShardQuantity.Loss, at), default));

    /// <summary>L and ∂L/∂θ.</summary>
    public (double Loss, double[] Gradient) Evaluate(Parameters at)
    {
        IReadOnlyList<ReadOnlyMemory<double>> terms = Run(Task(ShardQuantity.Gradient, at), default);
        double[] gradient = new double[at.Count];
        Add(terms, first: 1, at, gradient);
        return (SumOfLosses(terms), gradient);
    }

    /// <summary>h_T of every sequence, h×B.</summary>
    public Matrix<double> FinalStates(Parameters at)
    {
        double[] columns =
            [.. Run(Task(ShardQuantity.FinalStates, at), default).SelectMany(term => term.ToArray())];
        int h = at.Model.HiddenSize;
        return Matrix<double>.Build.Dense(h, columns.Length / h, columns);
    }

    /// <summary>A product with a matrix of second derivatives.</summary>
    /// <param name="quantity">Which.</param>
    /// <param name="at">Where, as the tasks of evaluations know it.</param>
    /// <param name="vector">v, n numbers.</param>
    /// <param name="product">Receives the product.</param>
    public void Multiply(ShardQuantity quantity, Parameters at, ReadOnlySpan<double> vector, Span<double> product) =>
        Add(Run(Task(quantity, at, vector.ToArray()), default), first: 0, at, product);

    /// <summary>R and Z of the rows of all shards, with those of the penalties.</summary>
    /// <returns>Whether RᵀZ is all of the gradient.</returns>
    public bool Factor(
        Parameters at,
        LocalCoordinates coordinates,
        double penalty,
        TriangularFactor factor,
        CancellationToken cancellation)
    {
        IReadOnlyList<ReadOnlyMemory<double>> terms = Run(coordinates.Task(at, penalty), cancellation);
        factor.SetPacked(terms[0].Span[1..]);
        bool isWhole = terms[0].Span[0] == 1.0;
        for (int k = 1; k < terms.Count; k++)
        {
            factor.AddPacked(terms[k].Span[1..]);
            isWhole &= terms[k].Span[0] == 1.0;
        }
        return isWhole;
    }

    /// <inheritdoc/>
    public void Dispose() => _runner.Dispose();

    private IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation)
    {
        IReadOnlyList<ReadOnlyMemory<double>> terms = _runner.Run(task, cancellation);
        return terms.Count == _shards.Length
            ? terms
            : throw new InvalidOperationException(
                $"{_runner.GetType().Name}: expected the terms of {_shards.Length} shards, got {terms.Count}.");
    }

    /// <summary>The first numbers of all terms, in the order of the shards.</summary>
    private static double SumOfLosses(IReadOnlyList<ReadOnlyMemory<double>> terms)
    {
        double sum = terms[0].Span[0];
        for (int k = 1; k < terms.Count; k++)
        {
            sum += terms[k].Span[0];
        }
        return sum;
    }

    private static ShardTask Task(ShardQuantity quantity, Parameters at, ReadOnlyMemory<double> direction = default) =>
        new(
            quantity,
            at.Model.InputSize,
            at.Model.HiddenSize,
            at.Model.OutputSize,
            at.Memory,
            direction);

    /// <summary>Adds up the parts of the weights in the order of the shards, and puts those of h_0 side by
    /// side.</summary>
    private void Add(
        IReadOnlyList<ReadOnlyMemory<double>> terms, int first, Parameters at, Span<double> sum)
    {
        int weights = at.WeightCount;
        int h = at.StateCount == 0 ? 0 : at.Model.HiddenSize;
        for (int k = 0; k < terms.Count; k++)
        {
            ReadOnlySpan<double> term = terms[k].Span[first..];
            int states = _shards[k].Count * h;
            if (term.Length != weights + states)
            {
                throw new InvalidOperationException(
                    $"{_runner.GetType().Name}: expected {weights + states} numbers for shard {k}, "
                    + $"got {term.Length}.");
            }
            if (k == 0)
            {
                term[..weights].CopyTo(sum);
            }
            else
            {
                VectorMath.AddScaled(1.0, term[..weights], sum[..weights]);
            }
            term[weights..].CopyTo(sum[(weights + _shards[k].First * h)..]);
        }
    }
}

/// <summary>Every shard in this process, one after the other.</summary>
internal sealed class LocalShards(IReadOnlyList<DataShard> shards) : IShardRunner
{
    private readonly ShardComputation[] _computations = [.. shards.Select(shard => new ShardComputation(shard))];

    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation) =>
        Array.ConvertAll(_computations, c => (ReadOnlyMemory<double>)c.Run(task, cancellation));

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
