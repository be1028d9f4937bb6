// The forward pass: its formulas, each above the line that computes it. When a line is run is said in PassSchedule.
//
//   d  inputs      h  hidden units      q  outputs      N = ΣT_b columns
//   X = [x_1 … x_T]  d×N      H = [h_1 … h_T]  h×N      O = [o_1 … o_T]  q×N

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>h_t = W_hx x_t + W_hh h_{t−1} and o_t = W_qh h_t, the model of <i>Dive into Deep Learning</i>,
/// "Back-propagation through time".</summary>
/// <param name="window">The steps.</param>
/// <param name="weights">The model.</param>
/// <param name="inputs">X, of all steps.</param>
/// <param name="states">H, h×n: the step before the first one, in place, and then the steps of the window.</param>
/// <param name="outputs">Receives O, of all steps; null where only the states are wanted.</param>
internal sealed class ForwardFormulas<TReal>(
    PassWindow<TReal> window,
    ParameterArray<TReal> weights,
    PackedColumns<TReal> inputs,
    PackedColumns<TReal> states,
    PackedColumns<TReal>? outputs)
    : IRecurrenceFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly PackedFactor<TReal> _whx = window.Factor(weights.HiddenSize, weights.InputSize);
    private readonly PackedFactor<TReal>? _wqh =
        window.FactorIf(outputs is not null, weights.OutputSize, weights.HiddenSize);

    public TimeDirection Direction => TimeDirection.Forward;

    public PackedColumns<TReal> States => states;

    public bool HasOutputs => outputs is not null;

    private WindowColumns<TReal> X { get; } = window.Of(inputs);

    private WindowColumns<TReal> H { get; } = window.Of(states);

    private WindowColumns<TReal> O { get; } = window.Of(outputs);

    // h_t = W_hx x_t + W_hh h_{t−1}   is   s_t = A s_{t−1} + u_t   with   A = W_hh
    public MatrixView<TReal> Transition => weights.Whh;

    public MatrixView<TReal> TransitionPower(TransitionPower<TReal> power) => power.Of(weights.Whh);

    // u_t = W_hx x_t
    public void Drive(TimeBlock t) => _whx.Multiply(X[t], H[t]);

    // o_t = W_qh h_t
    public void Read(TimeBlock t) => _wqh!.Multiply(H[t], O[t]);

    public void Pack()
    {
        _whx.Pack(weights.Whx);
        _wqh?.Pack(weights.Wqh);
    }
}
