// How a training runs. Data only; what does not fit together, or not the data, the trainer refuses.
//
//   h  hidden units      B  sequences      T_b  steps of sequence b

using Bptt.Edge;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Sharding;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>Options of a <see cref="Trainer"/>. Immutable; what it holds is read when the training begins.</summary>
public sealed record TrainerOptions
{
    private readonly int? _batchSize;
    private readonly int? _windowLength;
    private readonly int? _patience;
    private readonly int _maxEpochs = 1000;
    private readonly int _shards = 1;
    private readonly int _segments = 1;
    private readonly double? _validationFraction;
    private readonly double? _targetLoss;
    private readonly InitialStateKind _initialStateKind = InitialStateKind.Carried;
    private readonly NonFinitePolicy _nonFinite = NonFinitePolicy.StopAndKeepBest;

    /// <summary>The method. A prototype: the run works on a copy without history.</summary>
    public Optimizer Optimizer { get; init; } = new Adam();

    /// <summary>The learning rate over the updates; for methods of first order.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Constant;

    /// <summary>What is done with large gradients before an update; null for nothing. For methods of first order:
    /// others take the gradient as it is.</summary>
    public GradientClipping? Clipping { get; init; } = new GlobalNormClipping(1.0);

    /// <summary>What happens with NaN and infinity.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the named ones.</exception>
    public NonFinitePolicy NonFinite
    {
        get => _nonFinite;
        init => _nonFinite = Enum.IsDefined(value) ? value : throw Guard.Range(
            nameof(NonFinite), $"expected StopAndKeepBest, SkipUpdate or Throw, got {value}.");
    }

    /// <summary>Penalties that add to the objective, in every update and in the training loss, not in the validation
    /// loss.</summary>
    public IReadOnlyList<Regularizer> Regularizers { get; init; } = [];

    /// <summary>Sets that W_hh is brought back to, in this order, at the start and after each update; for methods of
    /// first order.</summary>
    public IReadOnlyList<WeightConstraint> Constraints { get; init; } = [];

    /// <summary>How far gradients travel back in time; null for all the way. A randomised
    /// one takes another draw for each update, counted from the one given, and from 0 after the last. For methods of
    /// first order.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>Where the state starts.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the named ones.</exception>
    public InitialStateKind InitialStateKind
    {
        get => _initialStateKind;
        init => _initialStateKind = Enum.IsDefined(value) ? value : throw Guard.Range(
            nameof(InitialStateKind), $"expected Zero, Carried or Learned, got {value}.");
    }

    /// <summary>h×B: h_0 of every sequence, or where it is learned the values to start from; null stands for
    /// zero.</summary>
    public Matrix<double>? InitialStates { get; init; }

    /// <summary>Sequences of a mini-batch, drawn anew in each epoch; the last one may be smaller. Null, the default,
    /// takes all of them at once in their order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? BatchSize
    {
        get => _batchSize;
        init => _batchSize = AtLeastOne(value, nameof(BatchSize));
    }

    /// <summary>Steps after which the weights are updated, one window of time after the other; null, the default, takes
    /// whole sequences. The loss of a window is the objective on its steps.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? WindowLength
    {
        get => _windowLength;
        init => _windowLength = AtLeastOne(value, nameof(WindowLength));
    }

    /// <summary>The most passes over the data.</summary>
    /// <inheritdoc cref="BatchSize" path="/exception"/>
    public int MaxEpochs
    {
        get => _maxEpochs;
        init => _maxEpochs = AtLeastOne(value, nameof(MaxEpochs))!.Value;
    }

    /// <summary>The last part in time of each sequence is held out, so large a fraction of its steps (rounded), and
    /// judged by running on from the state at the end of its training part; null for none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not between 0 and 1.</exception>
    public double? ValidationFraction
    {
        get => _validationFraction;
        init => _validationFraction = value is null or (> 0.0 and < 1.0) ? value : throw Guard.Range(
            nameof(ValidationFraction), $"expected a number between 0 and 1, got {NumberText.Exact(value.Value)}.");
    }

    /// <summary>Other sequences that the training is judged by; null for none.</summary>
    public ValidationSet? Validation { get; init; }

    /// <summary>The epochs that may pass without a smaller validation loss before the training stops; null for any
    /// number.</summary>
    /// <inheritdoc cref="BatchSize" path="/exception"/>
    public int? Patience
    {
        get => _patience;
        init => _patience = AtLeastOne(value, nameof(Patience));
    }

    /// <summary>The training stops when the training loss is at most this; null for never.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is NaN or infinite.</exception>
    public double? TargetLoss
    {
        get => _targetLoss;
        init => _targetLoss = value is null || double.IsFinite(value.Value) ? value : throw Guard.Range(
            nameof(TargetLoss), $"expected a finite number, got {NumberText.Exact(value.Value)}.");
    }

    /// <summary>The seed that mini-batches are drawn from.</summary>
    public int Seed { get; init; }

    /// <summary>How passes are carried out; results do not depend on the number of threads. Its
    /// <see cref="ExecutionOptions.Workspace"/> is not used.</summary>
    public ExecutionOptions Execution { get; init; } = ExecutionOptions.Default;

    /// <summary>How many shards the sequences are cut into; losses, gradients and second derivatives are summed over
    /// them in their order. 1, the default, sums in one piece. The result depends on this number, within rounding, and
    /// not on who computes the shards, to the last bit: so choose one that divides well among all the workers there may
    /// ever be, such as 60. There are never more shards than sequences, or than <see cref="Segments"/> of all of them.
    /// With shards, segments or <see cref="Gradients"/>, an epoch is one update with all the data: no mini-batches, no
    /// carried windows, no truncation, and penalties of the weights alone.</summary>
    /// <inheritdoc cref="BatchSize" path="/exception"/>
    public int Shards
    {
        get => _shards;
        init => _shards = AtLeastOne(value, nameof(Shards))!.Value;
    }

    /// <summary>How many consecutive segments each sequence is cut into in time, as evenly as whole steps allow, so
    /// that <see cref="Shards"/> can be made of them and one long sequence be computed in many places at once; a
    /// sequence of fewer steps is cut into those. 1, the default, cuts none. Exact, for methods of first order and
    /// <see cref="QuasiNewton"/>: the segments are run from zero, the states at their borders are chained by powers of
    /// W_hh, c_{s+1} = e_s + W_hh^T_s c_s; the segments are run from there, and ∂L/∂h_T at their ends is chained
    /// likewise, μ_s = ∂L_{s+1}/∂c_{s+1} + (W_hhᵀ)^T_{s+1} μ_{s+1}; then the gradients of the weights follow. The
    /// result depends on this number within rounding (where the spectral radius is near 1, about that of W_hh itself in
    /// so many steps, or of passes that are parallel over time), and not on who computes, to the last bit.</summary>
    /// <remarks>Two forward and two backward passes in place of one each, and gradients of the weights once: about 5/3
    /// of the work, more where passes take several steps at once, in three rounds in place of one. A carry that is not
    /// finite makes the loss NaN. Where a segment does not end where the next one began, as with powers of a defective
    /// W_hh, the carries are corrected and the round is repeated, in the end without powers, at most as often as there
    /// are segments and three times more.</remarks>
    /// <inheritdoc cref="BatchSize" path="/exception"/>
    public int Segments
    {
        get => _segments;
        init => _segments = AtLeastOne(value, nameof(Segments))!.Value;
    }

    /// <summary>Who computes the shards, such as a cluster; null, the default, for this process. The result does not
    /// depend on it, bit for bit.</summary>
    public IShardExecutor? Gradients { get; init; }

    /// <summary>Where and how often the training saves itself; null for never.</summary>
    public CheckpointOptions? Checkpoint { get; init; }

    /// <summary>The file of an earlier training to go on from; null to begin. Data, start and options must be the same,
    /// but for <see cref="MaxEpochs"/>, <see cref="Patience"/>, <see cref="TargetLoss"/>,
    /// <see cref="Checkpoint"/>, <see cref="Gradients"/> and the number of threads. The training then ends bit for bit
    /// as it would have without an interruption.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>The least time between two reports of progress, 0.1 s where not set; with zero every update and every
    /// epoch is reported.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromMilliseconds(100.0);

    /// <summary>The method, and what else is not as by default, in one line, for a debugger.</summary>
    public override string ToString()
    {
        string?[] parts =
        [
            Optimizer?.ToString() ?? "no optimiser",
            Schedule == LearningRateSchedule.Constant ? null : $"schedule {Schedule}",
            Clipping is null ? "no clipping" : Clipping.ToString(),
            Regularizers is not { Count: > 0 } ? null : string.Join(" + ", Regularizers),
            Constraints is not { Count: > 0 } ? null : string.Join(" + ", Constraints),
            Truncation is null ? null : $"truncated to {Truncation}",
            $"initial state {InitialStateKind}",
            BatchSize is null ? null : $"batches of {BatchSize}",
            WindowLength is null ? null : $"windows of {WindowLength} steps",
            ValidationFraction is double fraction ? $"the last {NumberText.Exact(fraction)} held out" : null,
            Validation is null ? null : $"validation on {Validation.Inputs.Count} sequences",
            Patience is null ? null : $"patience {Patience}",
            TargetLoss is double target ? $"target loss {NumberText.Exact(target)}" : null,
            $"at most {MaxEpochs} epochs",
            Shards > 1 ? $"{Shards} shards" : null,
            Segments > 1 ? $"{Segments} segments" : null,
            Gradients is null ? null : $"computed by {Gradients}",
            Checkpoint is null ? null : $"saved to {Checkpoint.Path}",
            ResumeFrom is null ? null : $"resumed from {ResumeFrom}",
        ];
        return $"TrainerOptions ({string.Join(", ", parts.OfType<string>())})";
    }

    private static int? AtLeastOne(int? value, string name)
    {
        if (value is int number)
        {
            Guard.AtLeastOne(number, name);
        }
        return value;
    }
}
