// A direction in which weights, inputs and initial states are moved, as the engine reads it: flat. Checks nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

namespace Bptt.Passes;

/// <summary>v of a directional derivative. Parts that are not there are zero and cost nothing.</summary>
internal sealed class FlatDirection
{
    /// <summary>V_hx, V_hh and V_qh; undefined where not there.</summary>
    public required ParameterArray Weights { get; init; }

    public bool HasWhx { get; init; }

    public bool HasWhh { get; init; }

    public bool HasWqh { get; init; }

    /// <summary>ẋ, d×N; null for zero.</summary>
    public PackedColumns? Inputs { get; init; }

    /// <summary>ḣ_0, h×B in the order of the sequences; null for zero.</summary>
    public double[]? InitialStates { get; init; }

    /// <summary>The same direction of the weights with other inputs and initial states.</summary>
    public FlatDirection With(PackedColumns? inputs, double[]? initialStates) => new()
    {
        Weights = Weights,
        HasWhx = HasWhx,
        HasWhh = HasWhh,
        HasWqh = HasWqh,
        Inputs = inputs,
        InitialStates = initialStates,
    };

    /// <summary>A direction of all weights, and of the initial states where they are given.</summary>
    public static FlatDirection Of(ParameterArray weights, double[]? initialStates) => new()
    {
        Weights = weights,
        HasWhx = true,
        HasWhh = true,
        HasWqh = true,
        InitialStates = initialStates,
    };
}
