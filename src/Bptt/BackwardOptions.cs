// What a backward pass is told beyond ∂L/∂o_t: what comes from beyond the last step, and how far back to go.

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>Options of a backward pass. Immutable; what it holds is read when the pass runs.</summary>
public sealed record BackwardOptions
{
    /// <summary>∂L/∂h_T of every sequence that comes from beyond this piece, h×B: from the user of an encoder's final
    /// state, or from the rest of a sequence that was cut in time. Added to W_qhᵀ ∂L/∂o_T in (2). Null stands for
    /// zero.</summary>
    public Matrix<double>? FinalStateGradients { get; init; }

    /// <summary>How far gradients travel back in time; null for all the way, the exact gradient.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>Whether only ∂L/∂h_t is wanted: the gradients of the weights may then be left out, as zeros.</summary>
    internal bool IsOfStatesAlone { get; init; }

    /// <summary>A copy for one pass, with a dense matrix of its own.</summary>
    /// <exception cref="ArgumentException">The final-state gradients do not fit the pass, or are not
    /// finite.</exception>
    internal BackwardOptions CopyFor(ForwardPass forward)
    {
        if (FinalStateGradients is null)
        {
            return this;
        }
        Guard.Shape(
            FinalStateGradients, forward.Model.HiddenSize, forward.SequenceCount, "h×B", nameof(FinalStateGradients));
        Guard.Finite(FinalStateGradients, nameof(FinalStateGradients));
        return this with { FinalStateGradients = Matrix<double>.Build.DenseOfMatrix(FinalStateGradients) };
    }
}
