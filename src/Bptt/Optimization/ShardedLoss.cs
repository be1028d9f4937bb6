// The loss over shards: asks for their terms and adds them in the order of the shards. Computes no pass.
//
//   h  hidden units      B  sequences      N  segments of all sequences      n  parameters      m  coordinates

using Bptt.Edge;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Sharding;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>Sums over a fixed number of shards: the same bits whoever computes the terms, and with one shard those of a
/// loss in one piece.</summary>
internal sealed class ShardedLoss : IDisposable
{
    private readonly IShardRunner _runner;
    private readonly (int First, int Count)[] _shards; // sequences, or segments where these are cut in time
    private readonly SegmentChain? _chain;

    private ShardedLoss(
        IReadOnlyList<IReadOnlyList<int>> lengths,
        double[] givenStates,
        IShardRunner runner,
        SegmentChain? chain = null,
        IReadOnlyList<int>? wholeLengths = null)
    {
        _chain = chain;
        _runner = runner;
        _shards = new (int, int)[lengths.Count];
        for (int k = 0, first = 0; k < _shards.Length; first += lengths[k++].Count)
        {
            _shards[k] = (first, lengths[k].Count);
        }
        Lengths = wholeLengths ?? [.. lengths.SelectMany(shard => shard)];
        GivenStates = givenStates;
    }

    /// <summary>T_b.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>h_0 where it is given, column by column; empty where it is zero.</summary>
    public double[] GivenStates { get; }

    /// <summary>Cuts data into shards and takes them to where they are computed; of sequences that are cut in time the
    /// shards are made of segments.</summary>
    public static ShardedLoss Open(
        SequenceBatch inputs,
        Objective objective,
        int count,
        int segments,
        Matrix<double>? initialStates,
        ExecutionOptions execution,
        IShardExecutor? executor)
    {
        SequencePart[]? parts = segments > 1 ? SegmentChain.Cut(inputs.Lengths, segments) : null;
        IReadOnlyList<DataShard> shards = parts is null
            ? DataShard.Cut(inputs, objective, count, initialStates, execution)
            : DataShard.Cut(
                inputs.Part(parts), objective.Segmented(parts, inputs.Lengths), count, initialStates: null, execution);
        return new ShardedLoss(
            [.. shards.Select(shard => shard.Inputs.Lengths)],
            initialStates?.ToColumnMajorArray() ?? [],
            executor?.Start(shards) ?? new LocalShards(shards),
            parts is null ? null : new SegmentChain(parts, execution.Precision),
            inputs.Lengths);
    }

    /// <summary>The loss over data that are elsewhere.</summary>
    public static ShardedLoss Open(IShardedData data, ExecutionOptions execution) =>
        new(data.Lengths, [], data.Start(execution));

    /// <summary>L.</summary>
    public double Loss(Parameters at) => _chain is null
        ? SumOfLosses(Run(Task(ShardQuantity.Loss, at), default))
        : RunForward(at, ShardQuantity.LossAndFinalStates, _chain) is SegmentStates states
        ? SumOfLosses(states.Terms)
        : double.NaN;

    /// <summary>L and ∂L/∂θ.</summary>
    public (double Loss, double[] Gradient) Evaluate(Parameters at)
    {
        if (_chain is not null)
        {
            return EvaluateSegments(at, _chain);
        }
        IReadOnlyList<ReadOnlyMemory<double>> terms = Run(Task(ShardQuantity.Gradient, at), default);
        double[] gradient = new double[at.Count];
        Add(terms, first: 1, at, gradient);
        return (SumOfLosses(terms), gradient);
    }

    /// <summary>h_T of every sequence, h×B.</summary>
    public Matrix<double> FinalStates(Parameters at)
    {
        double[] columns = _chain is null
            ? [.. Run(Task(ShardQuantity.FinalStates, at), default).SelectMany(term => term.ToArray())]
            : RunForward(at, ShardQuantity.FinalStates, _chain) is SegmentStates states
            ? _chain.OfSequences(Columns(states.Terms, at, last: 0), isLast: true)
            : NotNumbers(at.Model.HiddenSize * Lengths.Count);
        return columns.ToColumns(at.Model.HiddenSize);
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

    /// <summary>The forward passes of all segments, each from where the one before it ends.</summary>
    /// <param name="Powers">Those of W_hh.</param>
    /// <param name="Starts">h_0 of the segments, h×N.</param>
    /// <param name="Terms">The terms of the shards.</param>
    private sealed record SegmentStates(
        MatrixPowers Powers, double[] Starts, IReadOnlyList<ReadOnlyMemory<double>> Terms);

    /// <summary>L and ∂L/∂θ over segments: states are carried on forward in time, their gradients backward, and with
    /// both each segment has the gradients of the weights.</summary>
    private (double Loss, double[] Gradient) EvaluateSegments(Parameters at, SegmentChain chain)
    {
        if (RunForward(at, ShardQuantity.LossAndBorders, chain) is not SegmentStates states)
        {
            return (double.NaN, NotNumbers(at.Count));
        }
        double loss = SumOfLosses(states.Terms);
        double[] initialGradients = Columns(states.Terms, at, last: 0);
        IReadOnlyList<ReadOnlyMemory<double>> terms = [];
        bool isFinite = chain.Settle(
            TimeDirection.Backward,
            states.Powers,
            new double[initialGradients.Length],
            initialGradients,
            finals =>
            {
                terms = Run(SegmentTask(ShardQuantity.Gradient, at, states.Starts, finals), default);
                return initialGradients = Columns(terms, at, last: 0);
            }) is not null;
        if (!isFinite)
        {
            return (loss, NotNumbers(at.Count));
        }
        double[] gradient = new double[at.Count];
        foreach (ReadOnlyMemory<double> term in terms)
        {
            VectorMath.AddScaled(1.0, term.Span.Slice(1, at.WeightCount), gradient.AsSpan(0, at.WeightCount));
        }
        if (at.StateCount > 0)
        {
            chain.OfSequences(initialGradients, isLast: false).CopyTo(gradient, at.WeightCount);
        }
        return (loss, gradient);
    }

    /// <summary>Runs the segments from zero, and then from where each begins.</summary>
    /// <returns>Null where a state that is carried is not finite.</returns>
    private SegmentStates? RunForward(Parameters at, ShardQuantity quantity, SegmentChain chain)
    {
        var powers = new MatrixPowers(ScaledMatrix.Of(at.Model.Weights.Whh), KernelChoice.Default);
        ReadOnlySpan<double> initialStates = at.StateCount > 0 ? at.InitialStateValues : GivenStates;
        double[] uncarried = chain.Uncarried(initialStates, at.Model.HiddenSize);
        IReadOnlyList<ReadOnlyMemory<double>> terms = Run(
            SegmentTask(ShardQuantity.FinalStates, at, initialStates.IsEmpty ? default : uncarried), default);
        double[]? starts = chain.Settle(
            TimeDirection.Forward,
            powers,
            uncarried,
            Columns(terms, at, last: 0),
            carries =>
            {
                terms = Run(SegmentTask(quantity, at, carries), default);
                return Columns(terms, at, last: quantity == ShardQuantity.LossAndBorders ? 1 : 0);
            });
        return starts is null ? null : new SegmentStates(powers, starts, terms);
    }

    private static double[] NotNumbers(int count)
    {
        double[] numbers = new double[count];
        Array.Fill(numbers, double.NaN);
        return numbers;
    }

    /// <summary>A task of the segments: the weights, which are the same memory for all tasks of a point, and what is
    /// carried.</summary>
    private static ShardTask SegmentTask(
        ShardQuantity quantity,
        Parameters at,
        ReadOnlyMemory<double> starts,
        ReadOnlyMemory<double> finals = default) =>
        new(
            quantity,
            at.Model.InputSize,
            at.Model.HiddenSize,
            at.Model.OutputSize,
            at.Memory[..at.WeightCount],
            initialStates: starts,
            finalStateGradients: finals);

    /// <summary>h×N: what the terms of each shard end with, a column for each of its segments, but for as many columns
    /// behind them.</summary>
    private double[] Columns(IReadOnlyList<ReadOnlyMemory<double>> terms, Parameters at, int last)
    {
        int h = at.Model.HiddenSize;
        double[] columns = new double[_chain!.Count * h];
        for (int k = 0; k < terms.Count; k++)
        {
            int count = _shards[k].Count * h;
            terms[k].Span.Slice(terms[k].Length - (last + 1) * count, count)
                .CopyTo(columns.AsSpan(_shards[k].First * h));
        }
        return columns;
    }

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
