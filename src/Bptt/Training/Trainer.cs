// The training loop, as a caller sees it. What a run does is in TrainingRun.
//
//   d  inputs      h  hidden units      B  sequences      T  time steps

using Bptt.Edge;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Sharding;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>
/// Trains a model: goes through the data in epochs of updates, keeps the best weights, watches a validation loss,
/// refuses NaN and infinity, reports, saves itself and goes on from where it was saved.
/// </summary>
/// <remarks>
/// The same arguments give the same result bit for bit, whatever the number of threads, in one run or resumed. A
/// training never throws because it does not converge. An epoch is: for each mini-batch, and in it for each window of
/// time, gradient → clipping → optimiser → constraints; then the loss of the whole training set, and the validation
/// loss, at the weights as they are then. A window or mini-batch whose steps are all masked is passed over.
/// Methods of the whole batch (not <see cref="GradientOptimizer"/>) make one step an epoch; clipping does not apply to
/// them.
/// </remarks>
/// <example>
/// <code>
/// var options = new TrainerOptions
/// {
///     Validation = new ValidationSet(otherInputs, otherObjective),
///     Patience = 20,
///     MaxEpochs = 200,
///     NonFinite = NonFinitePolicy.Throw,
/// };
/// try
/// {
///     TrainingResult result = Trainer.Run(model, inputs, objective, options);
///     EpochRecord last = result.History[^1];
///     Console.WriteLine($"validation loss {last.ValidationLoss:G3} after epoch {last.Epoch}");
/// }
/// catch (TrainingDivergedException e)
/// {
///     Console.WriteLine($"the best weights before that are kept: {e.Result.BestLoss}");
/// }
/// </code>
/// </example>
public static class Trainer
{
    /// <summary>Trains on a batch of sequences, of any lengths.</summary>
    /// <param name="model">Where it starts; stays as it is.</param>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="objective">The objective on all of them, held-out ends included.</param>
    /// <param name="options">How it runs; the defaults where null.</param>
    /// <param name="progress">Told where the training stands, on the calling thread, as often as
    /// <see cref="TrainerOptions.ProgressInterval"/> says.</param>
    /// <param name="cancellationToken">Ends the training between two updates, or inside a step of a method that
    /// evaluates the loss itself, which then does not count.</param>
    /// <returns>The outcome, also where it was cancelled. Each update costs a forward and a backward pass of its piece
    /// of the data; an epoch of several updates costs a forward pass of the whole besides.</returns>
    /// <exception cref="ArgumentNullException">An argument that may not be null is.</exception>
    /// <exception cref="ArgumentException">Model, data and options do not fit each other, or a resumed training was
    /// another one.</exception>
    /// <exception cref="InvalidOperationException">A schedule, a clipping or a constraint of your own breaks its
    /// promise.</exception>
    /// <exception cref="InvalidDataException">The file to resume from is damaged or something else.</exception>
    /// <exception cref="IOException">The file to resume from cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file to resume from may not be read, or is a
    /// folder.</exception>
    /// <exception cref="TrainingDivergedException">A number is not finite, under
    /// <see cref="NonFinitePolicy.Throw"/>.</exception>
    public static TrainingResult Run(
        LinearRnn model,
        SequenceBatch inputs,
        Objective objective,
        TrainerOptions? options = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(objective);
        options ??= new TrainerOptions();
        TrainerRules.Check(model, inputs, options);
        Parameters start = StartOf(model, inputs.Count, options);
        Matrix<double>? fixedStates = options.InitialStates?.Clone();

        // Targets are checked here as a whole, since a part of an objective does not know them all.
        objective.CheckWhole(
            ForwardPass.Run(start.Model, inputs, fixedStates, options.Execution with { Workspace = null }));
        var data = TrainingData.Of(inputs, objective, options);
        using ShardedLoss? shards = options is { Shards: 1, Segments: 1, Gradients: null }
            ? null
            : ShardedLoss.Open(
                data.Inputs,
                data.Objective,
                options.Shards,
                options.Segments,
                fixedStates,
                options.Execution,
                options.Gradients);
        return Run(data, start, fixedStates, shards, options, progress, cancellationToken);
    }

    /// <summary>Trains on data that are elsewhere: their losses and gradients are sums over their shards, and nothing
    /// of their size is held here.</summary>
    /// <param name="model">Where it starts; stays as it is.</param>
    /// <param name="data">The data.</param>
    /// <param name="options">How it runs; the defaults where null. No mini-batches, windows, truncation or validation
    /// fraction, no penalty that needs a backward pass, and no h_0 that is given and not learned.</param>
    /// <param name="progress">Told where the training stands, on the calling thread, as often as
    /// <see cref="TrainerOptions.ProgressInterval"/> says.</param>
    /// <param name="cancellationToken">Ends the training between two updates.</param>
    /// <inheritdoc
    /// cref="Run(LinearRnn, SequenceBatch, Objective, TrainerOptions, IProgress{TrainingProgress}, CancellationToken)"
    /// />
    public static TrainingResult Run(
        LinearRnn model,
        IShardedData data,
        TrainerOptions? options = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        options ??= new TrainerOptions();
        TrainerRules.Check(model, data, options);
        Parameters start = StartOf(model, data.Lengths.Sum(shard => shard.Count), options);
        using var shards = ShardedLoss.Open(data, options.Execution);
        return Run(
            TrainingData.Of(data, options), start, fixedStates: null, shards, options, progress, cancellationToken);
    }

    private static Parameters StartOf(LinearRnn model, int sequences, TrainerOptions options)
    {
        foreach (WeightConstraint constraint in options.Constraints)
        {
            model = constraint.Apply(model);
        }
        return options.InitialStateKind == InitialStateKind.Learned
            ? new Parameters(model, options.InitialStates ?? Matrix<double>.Build.Dense(model.HiddenSize, sequences))
            : new Parameters(model);
    }

    private static TrainingResult Run(
        TrainingData data,
        Parameters start,
        Matrix<double>? fixedStates,
        ShardedLoss? shards,
        TrainerOptions options,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        var state = new TrainingState(start, options.Optimizer.Fresh());
        (string Name, string Text)[] fingerprint = options.Checkpoint is null && options.ResumeFrom is null
            ? []
            : TrainingFingerprint.Of(data, options, fixedStates, start, shards);
        if (options.ResumeFrom is string path)
        {
            TrainingCheckpoint.Load(path, state, EpochPlan.Of(data, options), fingerprint);
        }
        var checkpoints = new CheckpointKeeper(options.Checkpoint, state, fingerprint);
        return new TrainingRun(
            data, options, fixedStates, state, shards, checkpoints, progress, cancellationToken).Run();
    }

    /// <summary>Trains on one sequence.</summary>
    /// <param name="model">Where it starts; stays as it is.</param>
    /// <param name="inputs">d×T: column t−1 is x_t. Copied.</param>
    /// <param name="objective">The objective on the whole sequence, a held-out end included.</param>
    /// <param name="options">How it runs; the defaults where null.</param>
    /// <param name="progress">Told where the training stands, on the calling thread, as often as
    /// <see cref="TrainerOptions.ProgressInterval"/> says.</param>
    /// <param name="cancellationToken">Ends the training between two updates.</param>
    /// <inheritdoc
    /// cref="Run(LinearRnn, SequenceBatch, Objective, TrainerOptions, IProgress{TrainingProgress}, CancellationToken)"
    /// />
    public static TrainingResult Run(
        LinearRnn model,
        Matrix<double> inputs,
        Objective objective,
        TrainerOptions? options = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        Guard.NotEmpty(inputs, "d×T", nameof(inputs));
        return Run(model, SequenceBatch.Pack([inputs]), objective, options, progress, cancellationToken);
    }
}
