// The forward pass over chunks: its formulas, each above the lines that give its terms. It is a forward pass with S
// times fewer steps, dS inputs and qS outputs, but that outputs come from the state before a chunk, and directly from
// its inputs.
//
//   c  a chunk      h_{cS}  the state at its end      X_c, O_c  its inputs and outputs, one below the other

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>h_{cS} = A h_{(c−1)S} + C X_c and O_c = O h_{(c−1)S} + 𝒯 X_c; see <see cref="LiftedWeights"/>.</summary>
/// <param name="window">The chunks.</param>
/// <param name="model">The lifted model.</param>
/// <param name="inputs">X, dS×n.</param>
/// <param name="states">h×(n + 1): h_0, in place, and then the states at the ends of the chunks.</param>
/// <param name="outputs">Receives O, qS×n.</param>
internal sealed class LiftedForwardFormulas<TReal>(
    PassWindow<TReal> window,
    LiftedModel<TReal> model,
    PackedColumns<TReal> inputs,
    PackedColumns<TReal> states,
    PackedColumns<TReal> outputs)
    : IRecurrenceFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly ForwardFormulas<TReal> _states = new(window, model.Lifted, inputs, states, outputs: null);
    private readonly PackedFactor<TReal> _outputs = window.Factor(model.Lifted.OutputSize, model.Lifted.HiddenSize);
    private readonly DirectTerm<TReal> _direct = new(window, model.Model, model.ChunkLength);

    public TimeDirection Direction => TimeDirection.Forward;

    public PackedColumns<TReal> States => states;

    public bool HasOutputs => true;

    private WindowColumns<TReal> X { get; } = window.Of(inputs);

    private WindowColumns<TReal> H { get; } = window.Of(states);

    private WindowColumns<TReal> O { get; } = window.Of(outputs);

    // h_{cS} = A h_{(c−1)S} + C X_c   is   s_c = A s_{c−1} + u_c
    public MatrixView<TReal> Transition => _states.Transition;

    public MatrixView<TReal> TransitionPower(TransitionPower<TReal> power) => _states.TransitionPower(power);

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
        _outputs.Pack(model.Lifted.Wqh);
        _direct.Pack(model.Response.Span);
    }
}
