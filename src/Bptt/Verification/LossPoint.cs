// A point at which a loss is differentiated: the values of all weights, initial states and inputs, which L is a
// function of. Data only.
//
//   d inputs   h hidden units   q outputs   N = ΣT_b steps   B sequences

using Bptt.Edge;

namespace Bptt.Verification;

/// <summary>What L is differentiated with respect to.</summary>
internal enum LossVariable
{
    /// <summary>W_hx, h×d.</summary>
    Whx,

    /// <summary>W_hh, h×h.</summary>
    Whh,

    /// <summary>W_qh, q×h.</summary>
    Wqh,

    /// <summary>h_0 of every sequence, h×B.</summary>
    InitialStates,

    /// <summary>x_t of every sequence, d×N, packed as the passes pack it.</summary>
    Inputs,
}

/// <summary>A value of every variable. The owner may write to it.</summary>
internal sealed class LossPoint
{
    private readonly double[] _initialStates;

    private LossPoint(ParameterArray weights, double[] initialStates, PackedColumns inputs)
    {
        Weights = weights;
        _initialStates = initialStates;
        Inputs = inputs;
    }

    /// <summary>Every variable, in the order in which reports name them.</summary>
    public static IReadOnlyList<LossVariable> Variables { get; } = Enum.GetValues<LossVariable>();

    public ParameterArray Weights { get; }

    public ReadOnlySpan<double> InitialStates => _initialStates;

    public PackedColumns Inputs { get; }

    /// <summary>The entries of a variable, column after column.</summary>
    public Span<double> this[LossVariable variable] => variable switch
    {
        LossVariable.Whx => Weights.Whx.Values,
        LossVariable.Whh => Weights.Whh.Values,
        LossVariable.Wqh => Weights.Wqh.Values,
        LossVariable.InitialStates => _initialStates,
        _ => Inputs.All.Values,
    };

    /// <summary>The point of a pass, copied.</summary>
    public static LossPoint Of(ForwardPass forward) => new(
        forward.Model.Weights.Copy(), forward.InitialStates.ColumnMajor().ToArray(), Copied(forward.InputColumns));

    /// <summary>An independent copy.</summary>
    public LossPoint Copy() => new(Weights.Copy(), (double[])_initialStates.Clone(), Copied(Inputs));

    /// <summary>The rows of a variable.</summary>
    public int Rows(LossVariable variable) => variable switch
    {
        LossVariable.Wqh => Weights.OutputSize,
        LossVariable.Inputs => Weights.InputSize,
        _ => Weights.HiddenSize,
    };

    private static PackedColumns Copied(PackedColumns columns) =>
        new(columns.Rows, columns.Layout, columns.All.Values.ToArray());
}
