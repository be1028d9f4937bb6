// The backward pass over chunks: its formulas, each above the lines that give its terms.
//
//   D_c  ∂L/∂h_{cS} as far as it comes from later chunks, or from beyond the last one      G_c  ∂L/∂o_t of a chunk, one
//   below the other      X_c, O_c  inputs and outputs likewise

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>D_c = Aᵀ D_{c+1} + Oᵀ G_{c+1}, and D_n from beyond the last chunk: the adjoint of
/// <see cref="LiftedForwardFormulas{TReal}"/>. ∂L/∂h_0 = D_0.</summary>
/// <param name="window">The chunks.</param>
/// <param name="model">The lifted model.</param>
/// <param name="outputGradients">G, qS×n.</param>
/// <param name="finalGradients">D_n of every sequence, h×B; empty for zero.</param>
/// <param name="stateGradients">Receives D_0 … D_n, h×(n + 1).</param>
internal sealed class LiftedBackwardFormulas<TReal>(
    PassWindow<TReal> window,
    LiftedModel<TReal> model,
    PackedColumns<TReal> outputGradients,
    ReadOnlyMemory<TReal> finalGradients,
    PackedColumns<TReal> stateGradients)
    : IRecurrenceFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly PackedFactor<TReal> _outputsTransposed =
        window.Factor(model.Lifted.HiddenSize, model.Lifted.OutputSize);

    public TimeDirection Direction => TimeDirection.Backward;

    public PackedColumns<TReal> States => stateGradients;

    private WindowColumns<TReal> G { get; } = window.Of(outputGradients);

    private WindowColumns<TReal> D { get; } = window.Of(stateGradients);

    // D_c = Aᵀ D_{c+1} + Oᵀ G_{c+1}   is   s_c = Aᵀ s_{c+1} + u_c
    public MatrixView<TReal> Transition => model.Lifted.Whh.T;

    public MatrixView<TReal> TransitionPower(TransitionPower<TReal> power) => power.Of(model.Lifted.Whh).T;

    // u_c = Oᵀ G_{c+1}, or what comes from beyond the last chunk
    public void Drive(TimeBlock t)
    {
        D[t].Values.Clear();
        foreach (Stretch s in G.After(t))
        {
            _outputsTransposed.Multiply(G.Beside(s), D[s]);
        }
        FinalStates<TReal>.Add(finalGradients, G.All, t.FirstStep, t.LastStep, D.Columns);
    }

    // D_0 = Aᵀ D_1 + Oᵀ G_1
    public void StepZero(BlockRecurrence<TReal> recurrence)
    {
        recurrence.StepZero();
        _outputsTransposed.MultiplyAdd(G.Columns.Block(1), D.Columns.Block(0));
    }

    public void Pack() => _outputsTransposed.Pack(model.Lifted.Wqh.T);
}

/// <summary>The gradients of the lifted model.</summary>
/// <param name="window">The chunks.</param>
/// <param name="model">d and q: the sizes of a block of 𝒯.</param>
/// <param name="operands">What they are summed of.</param>
/// <param name="sums">Receives them.</param>
internal sealed class LiftedGradientFormulas<TReal>(
    PassWindow<TReal> window, ParameterArray<TReal> model, LiftedOperands<TReal> operands, LiftedSums<TReal> sums)
    : IGradientFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly WeightGradientFormulas<TReal> _weights = new(
        window,
        operands.Inputs,
        operands.States,
        operands.OutputGradients,
        operands.StateGradients,
        sums.Sums.Products);

    private WindowColumns<TReal> X { get; } = window.Of(operands.Inputs);

    private WindowColumns<TReal> H { get; } = window.Of(operands.States);

    private WindowColumns<TReal> G { get; } = window.Of(operands.OutputGradients);

    // ∂L/∂O = Σ G_c h_{(c−1)S}ᵀ
    public void AddWqh(TimeBlock t, ref GradientRows<TReal> rows)
    {
        foreach (Stretch s in H.Before(t))
        {
            rows.Add(G[s], H.Beside(s).T, sums.Sums.Products.Wqh);
        }
    }

    // ∂L/∂C = Σ D_c X_cᵀ
    public void AddWhx(TimeBlock t, ref GradientRows<TReal> rows) => _weights.AddWhx(t, ref rows);

    // ∂L/∂A = Σ D_c h_{(c−1)S}ᵀ
    public void AddWhh(TimeBlock t, ref GradientRows<TReal> rows) => _weights.AddWhh(t, ref rows);

    // ∂L/∂𝒯 = Σ G_c X_cᵀ, as far as the last of the rows reaches
    public void AddDirect(TimeBlock t, ref GradientRows<TReal> rows)
    {
        int reach = (rows.End + model.OutputSize - 1) / model.OutputSize * model.InputSize;
        rows.Add(G[t], X[t].RowRange(0, reach).T, sums.Direct(reach));
    }
}
