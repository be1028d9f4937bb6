// Sequences that a training is judged by and never moved by. Data only.

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>Validation data: other sequences than those trained on, with an objective of their own.
/// Immutable.</summary>
public sealed class ValidationSet
{
    private readonly Matrix<double>? _initialStates;

    /// <summary>Puts a validation set together.</summary>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="objective">The objective, whose targets fit them.</param>
    /// <param name="initialStates">h×B: their h_0, copied; zero where null. They are never learned.</param>
    /// <exception cref="ArgumentNullException">Inputs or objective are null.</exception>
    /// <exception cref="ArgumentException">Inputs or initial states hold NaN or infinities.</exception>
    public ValidationSet(SequenceBatch inputs, Objective objective, Matrix<double>? initialStates = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(objective);
        inputs.RequireFinite(nameof(inputs));
        if (initialStates is not null)
        {
            Guard.Finite(initialStates, nameof(initialStates));
            _initialStates = Matrix<double>.Build.DenseOfMatrix(initialStates);
        }
        Inputs = inputs;
        Objective = objective;
    }

    /// <summary>The sequences.</summary>
    public SequenceBatch Inputs { get; }

    /// <summary>The objective on them.</summary>
    public Objective Objective { get; }

    /// <summary>h_0, h×B; null stands for zero. Every call makes an independent copy.</summary>
    public Matrix<double>? InitialStates => _initialStates?.Clone();
}
