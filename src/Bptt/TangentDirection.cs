// A direction in which the weights, the inputs and the initial states of a pass are moved. Moves nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.Edge;
using Bptt.Passes;
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

    /// <summary>A flat copy, whose shapes and numbers fit a pass.</summary>
    /// <exception cref="ArgumentException">The direction is empty, a part has another shape than what it moves, or
    /// holds NaN or infinities.</exception>
    internal FlatDirection Checked(ForwardPass forward, string name)
    {
        LinearRnn model = forward.Model;
        (int d, int h, int q) = (model.InputSize, model.HiddenSize, model.OutputSize);
        if (this is { Whx: null, Whh: null, Wqh: null, Inputs: null, InitialStates: null })
        {
            throw Guard.Error(name, "expected at least one part, got none.");
        }
        if (Inputs is not null)
        {
            string inputsName = $"{name}.{nameof(Inputs)}";
            if (Inputs.RowCount != d)
            {
                throw Guard.Error(inputsName, $"expected sequences of {d} rows (d), got {Inputs.RowCount}.");
            }
            Guard.SameLengths(
                forward.Lengths, Inputs.Lengths, "the inputs", "the directions of the inputs", inputsName);
            Inputs.RequireFinite(inputsName);
        }
        var weights = new ParameterArray(d, h, q);
        double[] initialStates = new double[h * forward.SequenceCount];
        bool movesInitialStates = Copy(
            InitialStates, h, forward.SequenceCount, "h×B", nameof(InitialStates), initialStates);
        return new FlatDirection
        {
            Weights = weights,
            HasWhx = Copy(Whx, h, d, "h×d", nameof(Whx), weights.Whx.Values),
            HasWhh = Copy(Whh, h, h, "h×h", nameof(Whh), weights.Whh.Values),
            HasWqh = Copy(Wqh, q, h, "q×h", nameof(Wqh), weights.Wqh.Values),
            Inputs = Inputs?.Columns,
            InitialStates = movesInitialStates ? initialStates : null,
        };

        bool Copy(Matrix<double>? part, int rows, int columns, string shape, string member, Span<double> target)
        {
            if (part is null)
            {
                return false;
            }
            Guard.Shape(part, rows, columns, shape, $"{name}.{member}");
            Guard.Finite(part, $"{name}.{member}");
            part.ColumnMajor().CopyTo(target);
            return true;
        }
    }
}
