// Where the first NaN or infinity of a forward and backward pass arose. Data only.

namespace Bptt.Diagnostics;

/// <summary>The part of a computation in which a number that is not finite arose.</summary>
public enum NonFinitePass
{
    /// <summary>h_t or o_t.</summary>
    Forward,

    /// <summary>∂L/∂o_t or ∂L/∂h_t.</summary>
    Backward,

    /// <summary>The sums (5) over all steps: every term is finite.</summary>
    WeightGradients,
}

/// <summary>The first number, in the order of computation, that is NaN or infinite.</summary>
public sealed class NonFiniteOrigin
{
    internal NonFiniteOrigin(
        NonFinitePass pass, string quantity, int? sequence, int? step, int row, int? column, string text)
    {
        Pass = pass;
        Quantity = quantity;
        Sequence = sequence;
        Step = step;
        Row = row;
        Column = column;
        Text = text;
    }

    /// <summary>The part of the computation.</summary>
    public NonFinitePass Pass { get; }

    /// <summary>h_t, o_t, ∂L/∂o_t, ∂L/∂h_t, ∂L/∂W_qh, ∂L/∂W_hx or ∂L/∂W_hh.</summary>
    public string Quantity { get; }

    /// <summary>The sequence, from 0; null for a weight gradient.</summary>
    public int? Sequence { get; }

    /// <summary>t; null for a weight gradient.</summary>
    public int? Step { get; }

    /// <summary>The entry of the vector, or the row of the matrix, from 0.</summary>
    public int Row { get; }

    /// <summary>The column of the matrix, from 0; null for a vector.</summary>
    public int? Column { get; }

    /// <summary>Where it is and how it came about, in a sentence.</summary>
    public string Text { get; }

    /// <summary><see cref="Text"/>.</summary>
    public override string ToString() => Text;
}
