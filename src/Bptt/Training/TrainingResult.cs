// What a training found, and how it went. Data only.

using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>The outcome of a training. Immutable.</summary>
public sealed class TrainingResult
{
    private readonly Matrix<double>? _initialStates;

    internal TrainingResult(
        StopReason stopReason, string summary, TrainingState state, Matrix<double>? initialStates, string? checkpointFault)
    {
        StopReason = stopReason;
        Summary = summary;
        BestParameters = state.Best;
        BestLoss = state.BestLoss;
        BestEpoch = state.BestEpoch;
        LastParameters = state.Current;
        History = Array.AsReadOnly(state.History.ToArray());
        Updates = state.Updates;
        SkippedUpdates = state.Skipped;
        CheckpointFault = checkpointFault;
        _initialStates = initialStates;
    }

    /// <summary>Why it ended.</summary>
    public StopReason StopReason { get; }

    /// <summary>Why it ended, in a sentence.</summary>
    public string Summary { get; }

    /// <summary>The losses of every epoch, the start first.</summary>
    public IReadOnlyList<EpochRecord> History { get; }

    /// <summary>The parameters after the epoch with the smallest loss: on the validation set where there is one,
    /// otherwise on the whole training set at the weights themselves.</summary>
    public Parameters BestParameters { get; }

    /// <summary>The best weights.</summary>
    public LinearRnn Model => BestParameters.Model;

    /// <summary>h_0 of every training sequence that belongs to the best weights, h×B: learned or given; null stands for
    /// zero. Every call makes an independent copy.</summary>
    public Matrix<double>? InitialStates => BestParameters.InitialStates ?? _initialStates?.Clone();

    /// <summary>The loss of the best parameters; infinite where no epoch had a finite one.</summary>
    public double BestLoss { get; }

    /// <summary>The epochs that had been done at the best parameters; 0 is the start.</summary>
    public int BestEpoch { get; }

    /// <summary>The parameters when it ended.</summary>
    public Parameters LastParameters { get; }

    /// <summary>The epochs done, in runs that it was resumed from too.</summary>
    public int Epochs => History[^1].Epoch;

    /// <summary>The updates done, those left out included.</summary>
    public int Updates { get; }

    /// <summary>The updates left out by <see cref="NonFinitePolicy.SkipUpdate"/>.</summary>
    public int SkippedUpdates { get; }

    /// <summary>Why the last attempt to save the training failed; null where it did not, or nothing was to be
    /// saved.</summary>
    public string? CheckpointFault { get; }

    /// <summary><see cref="Summary"/>.</summary>
    public override string ToString() => Summary;
}
