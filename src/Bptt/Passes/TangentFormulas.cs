// The derivative of the forward pass in one direction: its formulas, each above the line that computes it. When a line
// is run is said in PassSchedule.
//
//   V_hx, V_hh, V_qh, ẋ_t, ḣ_0  the direction      ḣ_t, ȯ_t  derivatives of h_t, o_t in that direction
//   X = [x_1 … x_T]  d×N      H = [h_1 … h_T]  h×N      with Dot: their derivatives

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>ḣ_t = W_hh ḣ_{t−1} + V_hx x_t + W_hx ẋ_t + V_hh h_{t−1} and ȯ_t = W_qh ḣ_t + V_qh h_t: each line of the
/// forward pass differentiated (Griewank and Walther, <i>Evaluating Derivatives</i>, chapter 3). Its own recurrence is
/// that of <see cref="ForwardFormulas"/>; parts of the direction that are zero cost nothing.</summary>
/// <param name="window">The steps.</param>
/// <param name="weights">The model.</param>
/// <param name="direction">V, ẋ_t and ḣ_0.</param>
/// <param name="inputs">X, of all steps.</param>
/// <param name="states">H, h×n: the step before the first one, and then the steps of the window.</param>
/// <param name="derivatives">Receives ḣ_t, likewise; the step before the first one is in place.</param>
/// <param name="outputs">Receives ȯ_t, of all steps; null where only ḣ_t is wanted.</param>
internal sealed class TangentFormulas(
    PassWindow window,
    ParameterArray weights,
    FlatDirection direction,
    PackedColumns inputs,
    PackedColumns states,
    PackedColumns derivatives,
    PackedColumns? outputs)
    : IRecurrenceFormulas
{
    private readonly PackedFactor? _vhx = window.FactorIf(direction.HasWhx, weights.HiddenSize, weights.InputSize);
    private readonly PackedFactor? _vhh = window.FactorIf(direction.HasWhh, weights.HiddenSize, weights.HiddenSize);
    private readonly PackedFactor? _whx =
        window.FactorIf(direction.Inputs is not null, weights.HiddenSize, weights.InputSize);
    private readonly PackedFactor? _wqh =
        window.FactorIf(outputs is not null, weights.OutputSize, weights.HiddenSize);
    private readonly PackedFactor? _vqh =
        window.FactorIf(outputs is not null && direction.HasWqh, weights.OutputSize, weights.HiddenSize);

    public TimeDirection Direction => TimeDirection.Forward;

    public PackedColumns States => derivatives;

    public bool HasOutputs => outputs is not null;

    private WindowColumns X { get; } = window.Of(inputs);

    private WindowColumns H { get; } = window.Of(states);

    private WindowColumns XDot { get; } = window.Of(direction.Inputs);

    private WindowColumns HDot { get; } = window.Of(derivatives);

    private WindowColumns ODot { get; } = window.Of(outputs);

    // ḣ_t = W_hh ḣ_{t−1} + (V_hx x_t + W_hx ẋ_t + V_hh h_{t−1})   is   s_t = A s_{t−1} + u_t   with   A = W_hh
    public MatrixView Transition => weights.Whh;

    public MatrixView TransitionPower(TransitionPower power) => power.Of(weights.Whh);

    // u_t = V_hx x_t + W_hx ẋ_t + V_hh h_{t−1}
    public void Drive(TimeBlock t)
    {
        if (_vhx is null)
        {
            HDot[t].Values.Clear();
        }
        _vhx?.Multiply(X[t], HDot[t]);
        _whx?.MultiplyAdd(XDot[t], HDot[t]);
        if (_vhh is not null)
        {
            foreach (Stretch s in H.Before(t))
            {
                _vhh.MultiplyAdd(H.Beside(s), HDot[s]);
            }
        }
    }

    // ȯ_t = W_qh ḣ_t + V_qh h_t
    public void Read(TimeBlock t)
    {
        _wqh!.Multiply(HDot[t], ODot[t]);
        _vqh?.MultiplyAdd(H[t], ODot[t]);
    }

    public void Pack()
    {
        _vhx?.Pack(direction.Weights.Whx);
        _vhh?.Pack(direction.Weights.Whh);
        _vqh?.Pack(direction.Weights.Wqh);
        _whx?.Pack(weights.Whx);
        _wqh?.Pack(weights.Wqh);
    }
}
