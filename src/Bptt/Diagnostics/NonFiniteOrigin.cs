// Where the first NaN or infinity of a forward and backward pass arose. Data only.

namespace Bptt.Diagnostics;

/// <summary>The first number, in the order of computation, that is NaN or infinite.</summary>
public sealed class NonFiniteOrigin
{
    internal NonFiniteOrigin(string quantity, int? sequence, int? step, int row, int? column, string summary)
    {
        Quantity = quantity;
        Sequence = sequence;
        Step = step;
        Row = row;
        Column = column;
        Summary = summary;
    }

    /// <summary>h_t or o_t of the forward pass, ∂L/∂o_t or ∂L/∂h_t of the backward pass, or ∂L/∂W_qh, ∂L/∂W_hx or
    /// ∂L/∂W_hh, the sums (5), of which every term is finite.</summary>
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
    public string Summary { get; }

    /// <summary><see cref="Summary"/>.</summary>
    public override string ToString() => Summary;
}
