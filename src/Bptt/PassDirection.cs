// A direction in which weights, inputs and initial states are moved, as the engine reads it: checked, copied and flat.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>v of a directional derivative. Parts that are not there are zero and cost nothing.</summary>
internal sealed class PassDirection
{
    private PassDirection(ParameterArray weights, bool[] parts, PackedColumns? inputs, double[]? initialStates)
    {
        Weights = weights;
        (HasWhx, HasWhh, HasWqh) = (parts[0], parts[1], parts[2]);
        Inputs = inputs;
        InitialStates = initialStates;
    }

    /// <summary>V_hx, V_hh and V_qh; undefined where not there.</summary>
    public ParameterArray Weights { get; }

    public bool HasWhx { get; }

    public bool HasWhh { get; }

    public bool HasWqh { get; }

    /// <summary>ẋ, d×N; null for zero.</summary>
    public PackedColumns? Inputs { get; }

    /// <summary>ḣ_0, h×B in the order of the sequences; null for zero.</summary>
    public double[]? InitialStates { get; }

    /// <summary>A direction of all weights, and of the initial states where they are given; nothing is copied or
    /// checked.</summary>
    public static PassDirection Of(ParameterArray weights, double[]? initialStates) =>
        new(weights, [true, true, true], null, initialStates);

    /// <summary>A copy of a direction, whose shapes and numbers are checked.</summary>
    /// <exception cref="ArgumentException">The direction is empty, a part has another shape than what it moves, or
    /// holds NaN or infinities.</exception>
    public static PassDirection Checked(ForwardPass forward, TangentDirection direction)
    {
        LinearRnn model = forward.Model;
        (int d, int h, int q) = (model.InputSize, model.HiddenSize, model.OutputSize);
        if (direction is { Whx: null, Whh: null, Wqh: null, Inputs: null, InitialStates: null })
        {
            throw Guard.Error(nameof(direction), "expected at least one part, got none.");
        }
        if (direction.Inputs is SequenceBatch inputs)
        {
            string name = $"{nameof(direction)}.{nameof(direction.Inputs)}";
            if (inputs.RowCount != d)
            {
                throw Guard.Error(name, $"expected sequences of {d} rows (d), got {inputs.RowCount}.");
            }
            Guard.SameLengths(forward.Lengths, inputs.Lengths, "the inputs", "the directions of the inputs", name);
            inputs.RequireFinite(name);
        }
        var weights = new ParameterArray(d, h, q);
        bool[] parts =
        [
            Copy(direction.Whx, h, d, "h×d", nameof(direction.Whx), weights.Whx.Values),
            Copy(direction.Whh, h, h, "h×h", nameof(direction.Whh), weights.Whh.Values),
            Copy(direction.Wqh, q, h, "q×h", nameof(direction.Wqh), weights.Wqh.Values),
        ];
        double[] initialStates = new double[h * forward.SequenceCount];
        bool moves = Copy(
            direction.InitialStates, h, forward.SequenceCount, "h×B", nameof(direction.InitialStates), initialStates);
        return new PassDirection(weights, parts, direction.Inputs?.Columns, moves ? initialStates : null);

        static bool Copy(
            Matrix<double>? part, int rows, int columns, string shape, string member, Span<double> target)
        {
            if (part is null)
            {
                return false;
            }
            string name = $"{nameof(direction)}.{member}";
            Guard.Shape(part, rows, columns, shape, name);
            Guard.Finite(part, name);
            part.ColumnMajor().CopyTo(target);
            return true;
        }
    }
}
