// The loss of one batch as a function of the parameters. Moves nothing and keeps no parameters.
//
//   h  hidden units      B  sequences      T_b  steps of sequence b

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// L(θ), with its gradient by back-propagation through time: the objective on one batch, and penalties where there are
/// any. What optimisers minimise.
/// </summary>
/// <remarks>
/// It has memory of its own, which evaluations reuse. The loss and the gradients of a <see cref="TrainingPoint"/> are
/// its own for ever; its passes can be read until the second later <see cref="Evaluate"/>, so one point can be read
/// while another is being made. <see cref="Loss"/> disturbs no point. Not for use from several threads at once. Results
/// are the same bit for bit for every thread count.
/// </remarks>
/// <example>
/// <code>
/// // A training loop of your own, with a penalty and any method of first order.
/// GradientOptimizer optimizer = new Adam(0.01);
/// var loss = new TrainingLoss(
///     inputs, objective, new TrainingLossOptions { Regularizers = [new L2Regularizer(1e-4)] });
/// var parameters = new Parameters(model);
/// for (int update = 1; update &lt;= 100; update++)
/// {
///     TrainingPoint point = loss.Evaluate(parameters);
///     parameters = parameters.With(optimizer.Step(parameters.ToVector(), point.GradientVector()));
/// }
/// Console.WriteLine($"from {loss.Loss(new Parameters(model)):G3} to {loss.Loss(parameters):G3}");
/// </code>
/// </example>
public sealed class TrainingLoss
{
    private readonly TrainingMemory _memory;
    private readonly Matrix<double>? _initialStates;
    private readonly SequenceBatch? _inputs;
    private readonly Objective? _objective;

    /// <summary>Creates the loss of a batch.</summary>
    /// <param name="inputs">B sequences of d rows; not copied, since a batch never changes.</param>
    /// <param name="objective">The objective, whose targets fit these sequences.</param>
    /// <param name="options">What else belongs to it; nothing where null.</param>
    /// <exception cref="ArgumentNullException">Inputs, objective or an option that may not be null are.</exception>
    /// <exception cref="ArgumentException">The inputs or the initial states hold NaN or infinities, or the initial
    /// states have other than B columns, or a penalty is null.</exception>
    public TrainingLoss(SequenceBatch inputs, Objective objective, TrainingLossOptions? options = null)
        : this(inputs, objective, options ?? new TrainingLossOptions(), new TrainingMemory())
    {
    }

    /// <summary>The same in memory that losses of other batches use too, one after the other.</summary>
    internal TrainingLoss(
        SequenceBatch inputs,
        Objective objective,
        TrainingLossOptions options,
        TrainingMemory memory,
        ShardedLoss? shards = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(options.Regularizers, nameof(options.Regularizers));
        ArgumentNullException.ThrowIfNull(options.Execution, nameof(options.Execution));
        inputs.RequireFinite(nameof(inputs));
        if (options.InitialStates is Matrix<double> states)
        {
            Guard.Shape(states, states.RowCount, inputs.Count, "h×B", nameof(options.InitialStates));
            Guard.Finite(states, nameof(options.InitialStates));
            _initialStates = Matrix<double>.Build.DenseOfMatrix(states);
        }
        Regularizer[] regularizers = [.. options.Regularizers];
        if (Array.IndexOf(regularizers, null) is int missing and >= 0)
        {
            throw Guard.Error(nameof(options.Regularizers), $"expected penalties, got null at index {missing}.");
        }
        Regularizers = Array.AsReadOnly(regularizers);
        _inputs = inputs;
        _objective = objective;
        Truncation = options.Truncation;
        Execution = options.Execution;
        _memory = memory;
        Shards = shards;
    }

    /// <summary>The loss over data that only the shards have.</summary>
    internal TrainingLoss(ShardedLoss shards, TrainingLossOptions options, TrainingMemory memory)
    {
        Regularizers = [.. options.Regularizers];
        Truncation = options.Truncation;
        Execution = options.Execution;
        _memory = memory;
        Shards = shards;
    }

    /// <summary>The B sequences.</summary>
    public SequenceBatch Inputs => _inputs!; // only losses inside a training have none

    /// <summary>The objective on them.</summary>
    public Objective Objective => _objective!;

    /// <summary>The penalties.</summary>
    public IReadOnlyList<Regularizer> Regularizers { get; }

    /// <summary>How far gradients travel back in time; null for the exact gradient.</summary>
    public Truncation? Truncation { get; }

    /// <summary>Who computes it, if it is not this object; the same batch, objective and states. Null for this
    /// object.</summary>
    internal ShardedLoss? Shards { get; }

    /// <summary>How passes are carried out.</summary>
    internal ExecutionOptions Execution { get; }

    /// <summary>Refuses an objective without second derivatives; one that only the shards have, they refuse.</summary>
    internal void RequireCurvature() => _objective?.RequireCurvature();

    /// <summary>L and ∂L/∂θ.</summary>
    /// <param name="parameters">θ; with initial states where these are learned.</param>
    /// <returns>The point. Where a number is not finite, it says so. Cost of one forward and one backward
    /// pass.</returns>
    /// <exception cref="ArgumentNullException">The parameters are null.</exception>
    /// <exception cref="ArgumentException">Parameters, inputs and targets do not fit each other.</exception>
    public TrainingPoint Evaluate(Parameters parameters)
    {
        if (Shards is not null)
        {
            return EvaluateShards(parameters, Shards);
        }
        BackwardThroughTime backward = Backward(Forward(parameters, _memory.ForNextPoint()));
        double[] gradient = new double[parameters.Count];
        Span<double> weights = gradient.AsSpan(0, parameters.WeightCount);
        backward.Gradients.Entries.Values.CopyTo(weights);
        if (parameters.StateCount > 0)
        {
            backward.InitialStateGradients.ColumnMajor().CopyTo(gradient.AsSpan(parameters.WeightCount));
        }
        double loss = backward.Loss;
        foreach (Regularizer regularizer in Regularizers)
        {
            (double penalty, Gradients gradients) = regularizer.Evaluate(backward);
            gradients.RequireShapeOf(parameters.Model, $"the penalty {regularizer}");
            loss += penalty;
            VectorMath.AddScaled(1.0, gradients.Entries.Values, weights);
        }
        return new TrainingPoint(parameters, loss, backward.Loss, gradient, backward);
    }

    /// <summary>The point with the passes alone: its gradient is zero, and so is that of the weights in its backward
    /// pass, where they are not wanted.</summary>
    internal TrainingPoint EvaluateStates(Parameters parameters)
    {
        var backward = BackwardThroughTime.Run(
            Forward(parameters, _memory.ForNextPoint()), Objective, new BackwardOptions { IsOfStatesAlone = true });
        return new TrainingPoint(parameters, backward.Loss, backward.Loss, new double[parameters.Count], backward);
    }

    /// <summary>The point, which disturbs no earlier one where L or its gradient is not finite.</summary>
    /// <returns>Null where a number is not finite.</returns>
    internal TrainingPoint? EvaluateWhereFinite(Parameters parameters)
    {
        TrainingPoint point = Evaluate(parameters);
        if (point.IsFinite)
        {
            return point;
        }
        if (Shards is null)
        {
            _memory.TakeBackPoint();
        }
        return null;
    }

    /// <summary>L alone, the same to the last bit as from <see cref="Evaluate"/>.</summary>
    /// <param name="parameters">θ; with initial states where these are learned.</param>
    /// <returns>L; NaN or infinite where it is. Cost of one forward pass, and of a backward pass where a penalty
    /// depends on ∂L/∂h_t.</returns>
    /// <exception cref="ArgumentNullException">The parameters are null.</exception>
    /// <exception cref="ArgumentException">Parameters, inputs and targets do not fit each other.</exception>
    public double Loss(Parameters parameters)
    {
        if (Shards is null)
        {
            return Judge(Forward(parameters, _memory.ForLosses));
        }
        ArgumentNullException.ThrowIfNull(parameters);
        double loss = Shards.Loss(parameters);
        foreach (Regularizer regularizer in Regularizers)
        {
            loss += regularizer.ValueOf(parameters.Model)!.Value;
        }
        return loss;
    }

    /// <summary>L and ∂L/∂θ from the shards, and penalties of the weights alone.</summary>
    private TrainingPoint EvaluateShards(Parameters parameters, ShardedLoss shards)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        (double dataLoss, double[] gradient) = shards.Evaluate(parameters);
        double loss = dataLoss;
        foreach (Regularizer regularizer in Regularizers)
        {
            (double penalty, Gradients gradients) = regularizer.OfWeights(parameters.Model)!.Value;
            loss += penalty;
            VectorMath.AddScaled(1.0, gradients.Entries.Values, gradient.AsSpan(0, parameters.WeightCount));
        }
        return new TrainingPoint(parameters, loss, dataLoss, gradient, backward: null, shards);
    }

    /// <summary>L and Σ Ω of a pass that has been run.</summary>
    internal double Judge(ForwardPass forward)
    {
        double?[] penalties = [.. Regularizers.Select(regularizer => regularizer.ValueOf(forward.Model))];
        BackwardThroughTime? backward = Array.TrueForAll(penalties, p => p is not null) ? null : Backward(forward);
        double loss = backward?.Loss ?? Objective.Loss(forward);
        for (int i = 0; i < penalties.Length; i++)
        {
            loss += penalties[i] ?? Regularizers[i].Value(backward!);
        }
        return loss;
    }

    /// <summary>A forward pass on this batch, in the memory of losses: readable until the next one.</summary>
    internal ForwardPass Forward(Parameters parameters) => Forward(parameters, _memory.ForLosses);

    private BackwardThroughTime Backward(ForwardPass forward) => BackwardThroughTime.Run(
        forward, Objective, Truncation is null ? null : new BackwardOptions { Truncation = Truncation });

    private ForwardPass Forward(Parameters parameters, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return ForwardPass.Run(
            parameters.Model,
            Inputs,
            parameters.InitialStates ?? _initialStates,
            Execution with { Workspace = workspace });
    }
}
