// The backward pass: its formulas, each above the line that computes it. When a line is run is said in PassSchedule;
// how the recursion is run, step by step or in parallel over time, in LinearRecurrence/BlockRecurrence.
//
//   d  inputs      h  hidden units      q  outputs      N = ΣT_b columns
//   X = [x_1 … x_T]  d×N      G = [∂L/∂o_1 … ∂L/∂o_T]  q×N
//   H = [h_1 … h_T]  h×N      D = [∂L/∂h_1 … ∂L/∂h_T]  h×N

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>The state gradients: formulas (2) and (3) of <i>Dive into Deep Learning</i>, "Back-propagation through
/// time".</summary>
/// <param name="window">The steps.</param>
/// <param name="weights">The model.</param>
/// <param name="paths">How far gradients travel back.</param>
/// <param name="outputGradients">G, of all steps.</param>
/// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
/// <param name="stateGradients">Receives D, h×n: the steps of the window, step 0 where it is among them; the step after
/// the last one, where there is one, is in place.</param>
internal sealed class BackwardFormulas<TReal>(
    PassWindow<TReal> window,
    ParameterArray<TReal> weights,
    BackwardPaths paths,
    PackedColumns<TReal> outputGradients,
    ReadOnlyMemory<TReal> finalStateGradients,
    PackedColumns<TReal> stateGradients)
    : IRecurrenceFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly PackedFactor<TReal> _wqhTransposed = window.Factor(weights.HiddenSize, weights.OutputSize);
    private readonly TReal[]? _scaledWhh = paths.CarryFactor == 1.0 ? null : Scaled(weights.Whh, paths.CarryFactor);

    public TimeDirection Direction => TimeDirection.Backward;

    public PackedColumns<TReal> States => stateGradients;

    private WindowColumns<TReal> G { get; } = window.Of(outputGradients);

    private WindowColumns<TReal> D { get; } = window.Of(stateGradients);

    // BlockRecurrence adds A s_{t+1} to the u_t that stands in D; nothing leads to T, which is (2).
    // (3)  ∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t   is   s_t = A s_{t+1} + u_t   with   A = W_hhᵀ
    public MatrixView<TReal> Transition => CarriedWhh.T;

    public MatrixView<TReal> TransitionPower(TransitionPower<TReal> power) => power.Of(weights.Whh).T;

    // (3)  u_t = W_qhᵀ ∂L/∂o_t      (2)  ∂L/∂h_T = W_qhᵀ ∂L/∂o_T, and what comes from beyond the last step
    public void Drive(TimeBlock t)
    {
        _wqhTransposed.Multiply(G[t], D[t]);
        FinalStates<TReal>.Add(finalStateGradients, G.All, t.FirstStep, t.LastStep, D.Columns);
    }

    // Where truncation cuts, (3) is without its first term.
    public Func<int, bool>? IsCut => paths.IsCut;

    // ∂L/∂h_0 = W_hhᵀ ∂L/∂h_1, which truncation neither cuts nor scales
    public void StepZero(BlockRecurrence<TReal> recurrence)
    {
        if (_scaledWhh is null)
        {
            recurrence.StepZero();
            return;
        }
        window.Kernels.Multiply(weights.Whh.T, D.Columns.Block(1), D.Columns.Block(0));
        KernelSet<TReal>.FlushTiny(D.Columns.Block(0).Values);
    }

    public void Pack() => _wqhTransposed.Pack(weights.Wqh.T);

    /// <summary>W_hh, times f where a randomised truncation scales what it does not cut.</summary>
    private MatrixView<TReal> CarriedWhh => _scaledWhh is null
        ? weights.Whh
        : new MatrixView<TReal>(_scaledWhh, weights.HiddenSize, weights.HiddenSize, weights.HiddenSize);

    private static TReal[] Scaled(MatrixSpan<TReal> whh, double factor)
    {
        TReal[] scaled = whh.Values.ToArray();
        VectorMath.Scale<TReal>(TReal.CreateTruncating(factor), scaled);
        return scaled;
    }
}

/// <summary>The weight gradients: formula (5).</summary>
/// <param name="window">The steps.</param>
/// <param name="inputs">X, of all steps.</param>
/// <param name="states">H, h×n: the step before the first one, and then the steps of the window.</param>
/// <param name="outputGradients">G, of all steps.</param>
/// <param name="stateGradients">D, h×n, of the steps of the window.</param>
/// <param name="gradients">Receives ∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh.</param>
internal sealed class WeightGradientFormulas<TReal>(
    PassWindow<TReal> window,
    PackedColumns<TReal> inputs,
    PackedColumns<TReal> states,
    PackedColumns<TReal> outputGradients,
    PackedColumns<TReal> stateGradients,
    ParameterArray<TReal> gradients) : IGradientFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private WindowColumns<TReal> X { get; } = window.Of(inputs);

    private WindowColumns<TReal> H { get; } = window.Of(states);

    private WindowColumns<TReal> G { get; } = window.Of(outputGradients);

    private WindowColumns<TReal> D { get; } = window.Of(stateGradients);

    // (5)  ∂L/∂W_qh = Σ ∂L/∂o_t h_tᵀ
    public void AddWqh(TimeBlock t, ref GradientRows<TReal> rows) => rows.Add(G[t], H[t].T, gradients.Wqh);

    // (5)  ∂L/∂W_hx = Σ ∂L/∂h_t x_tᵀ
    public void AddWhx(TimeBlock t, ref GradientRows<TReal> rows) => rows.Add(D[t], X[t].T, gradients.Whx);

    // (5)  ∂L/∂W_hh = Σ ∂L/∂h_t h_{t−1}ᵀ
    public void AddWhh(TimeBlock t, ref GradientRows<TReal> rows)
    {
        foreach (Stretch s in H.Before(t))
        {
            AddWhh(s, ref rows);
        }
    }

    public void AddWhh(Stretch s, ref GradientRows<TReal> rows) => rows.Add(D[s], H.Beside(s).T, gradients.Whh);
}
