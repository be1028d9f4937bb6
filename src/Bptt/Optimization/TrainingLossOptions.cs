// What belongs to a training loss beyond inputs and objective. Data only.

using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>Options of a <see cref="TrainingLoss"/>. Immutable; what it holds is read when the loss is made.</summary>
public sealed record TrainingLossOptions
{
    /// <summary>h×B: h_0 of every sequence where it is fixed; null stands for zero. Not used where the
    /// <see cref="Parameters"/> hold initial states, which are then learned.</summary>
    public Matrix<double>? InitialStates { get; init; }

    /// <summary>Penalties that add to the objective, in this order; none by default. Copied when the loss is
    /// made.</summary>
    public IReadOnlyList<Regularizer> Regularizers { get; init; } = [];

    /// <summary>How far gradients travel back in time; null for all the way, the exact gradient.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>How passes are carried out. Its <see cref="ExecutionOptions.Workspace"/> is not used: a loss has memory
    /// of its own.</summary>
    public ExecutionOptions Execution { get; init; } = ExecutionOptions.Default;
}
