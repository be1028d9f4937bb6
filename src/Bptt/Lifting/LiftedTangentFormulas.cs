// The derivative of the forward pass over chunks in one direction: its formulas, each above the lines that give its
// terms.
//
//   Ȧ, Ċ, Ȯ, 𝒯̇  how the lifted weights move in the direction      Ẋ_c, ḣ_0  how inputs and h_0 do

using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>What moves.</summary>
/// <param name="Weights">Ċ, Ȧ, Ȯ and Ṁ.</param>
/// <param name="Inputs">Ẋ, dS×n; null for zero.</param>
internal sealed record LiftedDirection(DoublingTerms Weights, PackedColumns? Inputs)
{
    /// <summary>The same as a direction of the model that takes S steps at once.</summary>
    public FlatDirection Flat { get; } = new()
    {
        Weights = Weights.Lifted,
        HasWhx = true,
        HasWhh = true,
        HasWqh = true,
        Inputs = Inputs,
    };
}

/// <summary>ḣ_{cS} = A ḣ_{(c−1)S} + Ċ X_c + C Ẋ_c + Ȧ h_{(c−1)S}, and the derivative of O_c.</summary>
/// <param name="window">The chunks.</param>
/// <param name="weights">The lifted model.</param>
/// <param name="direction">What moves.</param>
/// <param name="inputs">X, dS×n.</param>
/// <param name="states">h_0 and the states at the ends of the chunks, h×(n + 1).</param>
/// <param name="derivatives">Receives theirs, likewise; ḣ_0 is in place.</param>
/// <param name="outputs">Receives Ȯ_c, qS×n.</param>
internal sealed class LiftedTangentFormulas(
    PassWindow window,
    LiftedWeights weights,
    LiftedDirection direction,
    PackedColumns inputs,
    PackedColumns states,
    PackedColumns derivatives,
    PackedColumns outputs)
    : IRecurrenceFormulas
{
    private readonly TangentFormulas _states =
        new(window, weights.Lifted, direction.Flat, inputs, states, derivatives, outputs: null);
    private readonly PackedFactor _outputs = window.Factor(weights.Lifted.OutputSize, weights.Lifted.HiddenSize);
    private readonly PackedFactor _movedOutputs =
        window.Factor(weights.Lifted.OutputSize, weights.Lifted.HiddenSize);
    private readonly DirectTerm _movedDirect = new(window, weights.Model, weights.ChunkLength);
    private readonly DirectTerm? _direct =
        direction.Inputs is null ? null : new DirectTerm(window, weights.Model, weights.ChunkLength);

    public TimeDirection Direction => TimeDirection.Forward;

    public PackedColumns States => derivatives;

    public bool HasOutputs => true;

    private WindowColumns X { get; } = window.Of(inputs);

    private WindowColumns H { get; } = window.Of(states);

    private WindowColumns XDot { get; } = window.Of(direction.Inputs);

    private WindowColumns HDot { get; } = window.Of(derivatives);

    private WindowColumns ODot { get; } = window.Of(outputs);

    public MatrixView Transition => _states.Transition;

    public MatrixView TransitionPower(TransitionPower power) => _states.TransitionPower(power);

    // u_c = Ċ X_c + C Ẋ_c + Ȧ h_{(c−1)S}
    public void Drive(TimeBlock t) => _states.Drive(t);

    // O ḣ_{(c−1)S} + Ȯ h_{(c−1)S} + 𝒯̇ X_c + 𝒯 Ẋ_c
    public void Read(TimeBlock t)
    {
        foreach (Stretch s in HDot.Before(t))
        {
            _outputs.Multiply(HDot.Beside(s), ODot[s]);
        }
        foreach (Stretch s in H.Before(t))
        {
            _movedOutputs.MultiplyAdd(H.Beside(s), ODot[s]);
        }
        _movedDirect.AddTo(X[t], ODot[t]);
        _direct?.AddTo(XDot[t], ODot[t]);
    }

    public void Pack()
    {
        _states.Pack();
        _outputs.Pack(weights.Lifted.Wqh);
        _movedOutputs.Pack(direction.Weights.Lifted.Wqh);
        _movedDirect.Pack(direction.Weights.Response.Span);
        _direct?.Pack(weights.Terms.Response.Span);
    }
}
