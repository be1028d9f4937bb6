// A direction in which the weights, the inputs and the initial states of a pass are moved. Data only.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>v in the directional derivative J v of a <see cref="TangentPass"/>. Null stands for zero; at least one part
/// is needed. Immutable; what it holds is read when the pass runs.</summary>
public sealed record TangentDirection
{
    /// <summary>The direction of W_hx, h×d.</summary>
    public Matrix<double>? Whx { get; init; }

    /// <summary>The direction of W_hh, h×h.</summary>
    public Matrix<double>? Whh { get; init; }

    /// <summary>The direction of W_qh, q×h.</summary>
    public Matrix<double>? Wqh { get; init; }

    /// <summary>The direction of x_t, sequences of d rows and as long as the inputs.</summary>
    public SequenceBatch? Inputs { get; init; }

    /// <summary>The direction of h_0 of every sequence, h×B.</summary>
    public Matrix<double>? InitialStates { get; init; }
}
