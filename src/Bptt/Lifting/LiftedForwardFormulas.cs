// The forward pass over chunks: its formulas, each above the lines that give its terms. It is a forward pass with S
// times fewer steps, dS inputs and qS outputs, but that outputs come from the state before a chunk, and directly from
// its inputs.
//
//   c  a chunk      h_{cS}  the state at its end      X_c, O_c  its inputs and outputs, one below the other

using Bptt.LinearRecurrence;

namespace Bptt.Lifting;

/// <summary>h_{cS} = A h_{(c−1)S} + C X_c and O_c = O h_{(c−1)S} + 𝒯 X_c; see <see cref="LiftedWeights"/>.</summary>
/// <param name="window">The chunks.</param>
/// <param name="weights">The lifted model.</param>
/// <param name="inputs">X, dS×n.</param>
/// <param name="states">h×(n + 1): h_0, in place, and then the states at the ends of the chunks.</param>
/// <param name="outputs">Receives O, qS×n.</param>
internal sealed class LiftedForwardFormulas(
    PassWindow window, LiftedWeights weights, PackedColumns inputs, PackedColumns states, PackedColumns outputs)
    : IRecurrenceFormulas
{
    private readonly ForwardFormulas _states = new(window, weights.Lifted, inputs, states, outputs: null);
    private readonly PackedFactor _outputs = window.Factor(weights.Lifted.OutputSize, weights.Lifted.HiddenSize);
    private readonly DirectTerm _direct = new(window, weights.Model, weights.ChunkLength);

    public TimeDirection Direction => TimeDirection.Forward;

    public PackedColumns States => states;

    public bool HasOutputs => true;

    private WindowColumns X { get; } = window.Of(inputs);

    private WindowColumns H { get; } = window.Of(states);

    private WindowColumns O { get; } = window.Of(outputs);

    // h_{cS} = A h_{(c−1)S} + C X_c   is   s_c = A s_{c−1} + u_c
    public MatrixView Transition => _states.Transition;

    public MatrixView TransitionPower(TransitionPower power) => _states.TransitionPower(power);

    // u_c = C X_c
    public void Drive(TimeBlock t) => _states.Drive(t);

    // O_c = O h_{(c−1)S} + 𝒯 X_c
    public void Read(TimeBlock t)
    {
        foreach (Stretch s in H.Before(t))
        {
            _outputs.Multiply(H.Beside(s), O[s]);
        }
        _direct.AddTo(X[t], O[t]);
    }

    public void Pack()
    {
        _states.Pack();
        _outputs.Pack(weights.Lifted.Wqh);
        _direct.Pack(weights.Terms.Response.Span);
    }
}
