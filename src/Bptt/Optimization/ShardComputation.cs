// What one shard computes: the terms of sums over all shards. Knows no other shard and sums nothing.
//
//   h  hidden units      B  sequences of the shard      n  parameters      m  coordinates

using System.Runtime.InteropServices;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Sharding;

namespace Bptt.Optimization;

/// <summary>
/// Answers the tasks of a training for one shard, by the same passes as a training in one piece. The numbers depend on
/// the shard and the task alone, bit for bit: not on the threads, not on what was asked before.
/// </summary>
/// <remarks>It keeps the passes of the last two points, so that products at them cost no further passes. Several
/// threads that ask take turns.</remarks>
public sealed class ShardComputation
{
    private readonly Lock _gate = new();
    private readonly DataShard _shard;
    private readonly TrainingLoss _loss;
    private readonly Known?[] _points = new Known?[2];
    private int _last;
    private TriangularFactor? _factor;

    /// <summary>Prepares the computation of a shard.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="maxDegreeOfParallelism">The most threads at once; null for what the shard says.</param>
    /// <exception cref="ArgumentNullException">The shard is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of threads is 0 or below −1.</exception>
    public ShardComputation(DataShard shard, int? maxDegreeOfParallelism = null)
    {
        ArgumentNullException.ThrowIfNull(shard);
        _shard = shard;
        ExecutionOptions execution = shard.Execution;
        _loss = new TrainingLoss(shard.Inputs, shard.Objective, new TrainingLossOptions
        {
            InitialStates = shard.InitialStates,
            Execution = maxDegreeOfParallelism is int threads
                ? execution with { MaxDegreeOfParallelism = threads } : execution,
        });
    }

    /// <summary>What has been evaluated: the point, its passes and their products.</summary>
    /// <param name="Point">The point.</param>
    /// <param name="HasWeights">Whether with the gradients of the weights.</param>
    private sealed record Known(TrainingPoint Point, bool HasWeights)
    {
        public CurvatureOperator? Hessian { get; set; }

        public CurvatureOperator? GaussNewton { get; set; }
    }

    /// <summary>The shard's terms of a quantity.</summary>
    /// <param name="task">What is asked for.</param>
    /// <param name="cancellation">Asked now and then.</param>
    /// <returns>The numbers that <see cref="ShardQuantity"/> names, fresh. Cost: a forward pass for a loss or final
    /// states, a backward pass more for a gradient, about two more for a product; for a factor what a step of
    /// <see cref="LevenbergMarquardt"/> costs.</returns>
    /// <exception cref="ArgumentNullException">The task is null.</exception>
    /// <exception cref="ArgumentException">Task and shard do not fit each other.</exception>
    /// <exception cref="NotSupportedException">The objective does not give its second derivatives.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public double[] Run(ShardTask task, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (task.InputSize != _shard.Inputs.RowCount)
        {
            throw Guard.Error(
                nameof(task), $"expected {_shard.Inputs.RowCount} inputs, as the shard has, got {task.InputSize}.");
        }
        if (!task.InitialStates.IsEmpty && task.Quantity
            is ShardQuantity.HessianProduct or ShardQuantity.GaussNewtonProduct or ShardQuantity.JacobianFactor)
        {
            throw Guard.Error(nameof(task), $"expected no initial states for {task.Quantity}, got some.");
        }
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return task.Quantity switch
            {
                ShardQuantity.Loss => [_loss.Loss(Local(task))],
                ShardQuantity.FinalStates => _loss.Forward(Local(task)).FinalStates.ToColumnMajorArray(),
                ShardQuantity.Gradient => Gradient(task),
                ShardQuantity.HessianProduct or ShardQuantity.GaussNewtonProduct => Product(task),
                ShardQuantity.JacobianFactor => JacobianFactor(task, cancellation),
                ShardQuantity.LossAndFinalStates => LossAndFinalStates(task),
                ShardQuantity.LossAndBorders => LossAndBorders(task),
                _ => throw Guard.Error(nameof(task), $"expected a known quantity, got {task.Quantity}."),
            };
        }
    }

    private double[] Gradient(ShardTask task)
    {
        TrainingPoint point = At(task, needsWeights: task.FinalStateGradients.IsEmpty).Point;
        if (task.FinalStateGradients.IsEmpty)
        {
            return [point.Loss, .. point.Gradient];
        }
        int h = task.HiddenSize;
        var backward = BackwardThroughTime.Run(point.Forward, _shard.Objective, new BackwardOptions
        {
            FinalStateGradients = OwnColumns(task, task.FinalStateGradients.Span).ToArray().ToColumns(h),
        });
        return
        [
            backward.Loss,
            .. backward.Gradients.Entries.Values,
            .. point.Parameters.StateCount == 0 ? [] : backward.InitialStateGradients.ColumnMajor(),
        ];
    }

    private double[] LossAndFinalStates(ShardTask task)
    {
        ForwardPass forward = _loss.Forward(Local(task));
        return [_shard.Objective.Loss(forward), .. forward.FinalStates.ColumnMajor()];
    }

    private double[] LossAndBorders(ShardTask task)
    {
        TrainingPoint point = At(task, needsWeights: false).Point;
        return
        [
            point.Loss,
            .. point.Forward.FinalStates.ColumnMajor(),
            .. point.Backward.InitialStateGradients.ColumnMajor(),
        ];
    }

    private double[] Product(ShardTask task)
    {
        Known at = At(task);
        CurvatureOperator matrix = task.Quantity == ShardQuantity.HessianProduct
            ? at.Hessian ??= CurvatureOperator.Hessian(at.Point, penalty: 0.0)
            : at.GaussNewton ??= CurvatureOperator.GaussNewton(at.Point, penalty: 0.0);
        double[] product = new double[at.Point.Parameters.Count];
        matrix.Multiply(Own(task, task.Direction.Span), product);
        return product;
    }

    private double[] JacobianFactor(ShardTask task, CancellationToken cancellation)
    {
        TrainingPoint at = At(task).Point;
        var coordinates = LocalCoordinates.Given(task);
        int m = coordinates.Count;
        if (_factor?.Unknowns != m)
        {
            _factor = new TriangularFactor(m);
        }
        _factor.Clear();
        if (_shard.Index == 0)
        {
            FactoredSystem.AddPenalty(
                _factor, coordinates, task.Parameters.Span, task.WeightCount, task.StateCount > 0, task.Penalty);
        }
        bool isWhole = JacobianRows.AddTo(_loss, at, coordinates, _factor, cancellation, _shard.FirstSequence);
        return [isWhole ? 1.0 : 0.0, .. _factor.Packed()];
    }

    /// <summary>The point of a task: one that is known, or evaluated anew, with the same bits.</summary>
    private Known At(ShardTask task, bool needsWeights = true)
    {
        for (int back = 0; back < 2; back++)
        {
            if (_points[(_last + back) % 2] is Known known && IsAt(known.Point, task)
                && (known.HasWeights || !needsWeights))
            {
                return known;
            }
        }
        // In the memory of the point before the last, as the loss itself takes turns.
        _last = 1 - _last;
        _points[_last] = null;
        Parameters parameters = Local(task);
        Known evaluated = new(
            needsWeights ? _loss.Evaluate(parameters) : _loss.EvaluateStates(parameters), needsWeights);
        _points[_last] = evaluated;
        return evaluated;
    }

    private bool IsAt(TrainingPoint point, ShardTask task) =>
        point.Parameters.Model.HiddenSize == task.HiddenSize
        && point.Parameters.Model.OutputSize == task.OutputSize
        && AreSameBits(point.Parameters.Values[..point.Parameters.WeightCount], Weights(task))
        && AreSameBits(point.Parameters.InitialStateValues, States(task));

    private static bool AreSameBits(ReadOnlySpan<double> left, ReadOnlySpan<double> right) =>
        MemoryMarshal.AsBytes(left).SequenceEqual(MemoryMarshal.AsBytes(right));

    /// <summary>θ as far as it concerns this shard.</summary>
    private Parameters Local(ShardTask task)
    {
        var weights = new ParameterArray(task.InputSize, task.HiddenSize, task.OutputSize);
        Weights(task).CopyTo(weights.Values);
        ReadOnlySpan<double> states = States(task);
        return new Parameters(
            new LinearRnn(weights), states.IsEmpty ? null : states.ToArray().ToColumns(task.HiddenSize));
    }

    private static ReadOnlySpan<double> Weights(ShardTask task) => task.Parameters.Span[..task.WeightCount];

    /// <summary>h_0 of this shard's sequences as the task says it, learned or given; empty where it does not.</summary>
    private ReadOnlySpan<double> States(ShardTask task) => OwnColumns(
        task, task.StateCount > 0 ? task.Parameters.Span[task.WeightCount..] : task.InitialStates.Span);

    /// <summary>The entries of a vector that belong to the weights and to h_0 of this shard's sequences.</summary>
    private ReadOnlySpan<double> Own(ShardTask task, ReadOnlySpan<double> whole)
    {
        Guard.Length(whole.Length, task.Parameters.Length, "the number of parameters", nameof(task));
        return task.StateCount == 0
            ? whole
            : (double[])[.. whole[..task.WeightCount], .. OwnColumns(task, whole[task.WeightCount..])];
    }

    /// <summary>This shard's of the columns of all sequences, of which there are all or none.</summary>
    private ReadOnlySpan<double> OwnColumns(ShardTask task, ReadOnlySpan<double> columns)
    {
        int h = task.HiddenSize;
        int end = _shard.FirstSequence + _shard.Inputs.Count;
        return columns.IsEmpty ? []
            : columns.Length / h >= end ? columns[(_shard.FirstSequence * h)..(end * h)]
            : throw Guard.Error(
                nameof(task), $"expected states of at least {end} sequences, got {columns.Length / h} columns.");
    }
}
