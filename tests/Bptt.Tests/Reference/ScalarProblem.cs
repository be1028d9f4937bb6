// The numbers of one problem, its forward pass and its gradients, as plain arrays of any scalar type. Data only:
// nothing is computed here.
//
//   d inputs   h hidden units   q outputs   T_b steps of sequence b   B sequences

namespace Bptt.Tests.Reference;

/// <summary>What L is differentiated with respect to.</summary>
public enum Quantity
{
    Whx,
    Whh,
    Wqh,
    InitialStates,
    Inputs,
}

/// <summary>W_hx h×d, W_hh h×h, W_qh q×h, h_0 of every sequence h×B, and for each sequence x_1 … x_T, d×T_b.</summary>
internal sealed record ScalarProblem<TScalar>(
    TScalar[,] Whx, TScalar[,] Whh, TScalar[,] Wqh, TScalar[,] InitialStates, TScalar[][,] Inputs)
{
    public int InputSize => Whx.GetLength(1);

    public int HiddenSize => Whx.GetLength(0);

    public int OutputSize => Wqh.GetLength(0);

    public int SequenceCount => Inputs.Length;

    /// <summary>T_b.</summary>
    public int Length(int sequence) => Inputs[sequence].GetLength(1);

    /// <summary>The array of one quantity; the sequence matters for the inputs only.</summary>
    public TScalar[,] Values(Quantity quantity, int sequence) => quantity switch
    {
        Quantity.Whx => Whx,
        Quantity.Whh => Whh,
        Quantity.Wqh => Wqh,
        Quantity.InitialStates => InitialStates,
        _ => Inputs[sequence],
    };

    /// <summary>The same problem with one entry of one quantity replaced.</summary>
    public ScalarProblem<TScalar> With(Quantity quantity, int sequence, int row, int column, TScalar value)
    {
        var changed = (TScalar[,])Values(quantity, sequence).Clone();
        changed[row, column] = value;
        switch (quantity)
        {
            case Quantity.Whx:
                return this with { Whx = changed };
            case Quantity.Whh:
                return this with { Whh = changed };
            case Quantity.Wqh:
                return this with { Wqh = changed };
            case Quantity.InitialStates:
                return this with { InitialStates = changed };
            default:
                var inputs = (TScalar[][,])Inputs.Clone();
                inputs[sequence] = changed;
                return this with { Inputs = inputs };
        }
    }

    /// <summary>The same numbers in another scalar type.</summary>
    public ScalarProblem<TOther> Convert<TOther>(Func<TScalar, TOther> convert) => new(
        Whx.Map(convert), Whh.Map(convert), Wqh.Map(convert), InitialStates.Map(convert), Inputs.Map(convert));

    /// <summary>Every array that can be differentiated with respect to.</summary>
    public IEnumerable<(Quantity Quantity, int Sequence)> Quantities()
    {
        foreach (Quantity quantity in Enum.GetValues<Quantity>())
        {
            int count = quantity == Quantity.Inputs ? SequenceCount : 1;
            for (int b = 0; b < count; b++)
            {
                yield return (quantity, b);
            }
        }
    }
}

/// <summary>For each sequence h_0 … h_T, h×(T_b+1), and o_1 … o_T, q×T_b.</summary>
internal sealed record ScalarPass<TScalar>(TScalar[][,] States, TScalar[][,] Outputs);

/// <summary>∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh, and for each sequence ∂L/∂h_0 … ∂L/∂h_T, h×(T_b+1), and ∂L/∂x_1 … ∂L/∂x_T,
/// d×T_b.</summary>
internal sealed record ScalarGradients<TScalar>(
    TScalar[,] Whx, TScalar[,] Whh, TScalar[,] Wqh, TScalar[][,] HiddenStates, TScalar[][,] Inputs)
{
    /// <summary>The gradient of one quantity, in the shape of the quantity.</summary>
    public TScalar[,] Values(Quantity quantity, int sequence) => quantity switch
    {
        Quantity.Whx => Whx,
        Quantity.Whh => Whh,
        Quantity.Wqh => Wqh,
        Quantity.InitialStates => InitialStates(),
        _ => Inputs[sequence],
    };

    public ScalarGradients<TOther> Convert<TOther>(Func<TScalar, TOther> convert) => new(
        Whx.Map(convert), Whh.Map(convert), Wqh.Map(convert), HiddenStates.Map(convert), Inputs.Map(convert));

    /// <summary>∂L/∂h_0 of every sequence, h×B.</summary>
    private TScalar[,] InitialStates()
    {
        var gradients = new TScalar[Whx.GetLength(0), HiddenStates.Length];
        for (int b = 0; b < HiddenStates.Length; b++)
        {
            for (int i = 0; i < gradients.GetLength(0); i++)
            {
                gradients[i, b] = HiddenStates[b][i, 0];
            }
        }
        return gradients;
    }
}

/// <summary>Arrays from arrays, entry by entry.</summary>
internal static class ScalarArrays
{
    public static TOut[,] Map<TIn, TOut>(this TIn[,] values, Func<TIn, TOut> convert)
    {
        var result = new TOut[values.GetLength(0), values.GetLength(1)];
        for (int i = 0; i < values.GetLength(0); i++)
        {
            for (int j = 0; j < values.GetLength(1); j++)
            {
                result[i, j] = convert(values[i, j]);
            }
        }
        return result;
    }

    public static TOut[][,] Map<TIn, TOut>(this TIn[][,] values, Func<TIn, TOut> convert) =>
        Array.ConvertAll(values, matrix => matrix.Map(convert));
}
