// The backward pass over chunks: its formulas, each above the lines that give its terms.
//
//   D_c  ∂L/∂h_{cS} as far as it comes from later chunks, or from beyond the last one      G_c  ∂L/∂o_t of a chunk, one
//   below the other      X_c, O_c  inputs and outputs likewise

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>D_c = Aᵀ D_{c+1} + Oᵀ G_{c+1}, and D_n from beyond the last chunk: the adjoint of
/// <see cref="LiftedForwardFormulas"/>. ∂L/∂h_0 = D_0.</summary>
/// <param name="window">The chunks.</param>
/// <param name="weights">The lifted model.</param>
/// <param name="outputGradients">G, qS×n.</param>
/// <param name="finalGradients">D_n of every sequence, h×B; empty for zero.</param>
/// <param name="stateGradients">Receives D_0 … D_n, h×(n + 1).</param>
internal sealed class LiftedBackwardFormulas(
    PassWindow window,
    LiftedWeights weights,
    PackedColumns outputGradients,
    ReadOnlyMemory<double> finalGradients,
    PackedColumns stateGradients)
    : IRecurrenceFormulas
{
    private readonly PackedFactor _outputsTransposed =
        window.Factor(weights.Lifted.HiddenSize, weights.Lifted.OutputSize);

    public TimeDirection Direction => TimeDirection.Backward;

    public PackedColumns States => stateGradients;

    private WindowColumns G { get; } = window.Of(outputGradients);

    private WindowColumns D { get; } = window.Of(stateGradients);

    // D_c = Aᵀ D_{c+1} + Oᵀ G_{c+1}   is   s_c = Aᵀ s_{c+1} + u_c
    public MatrixView Transition => weights.Lifted.Whh.T;

    public MatrixView TransitionPower(TransitionPower power) => power.Of(weights.Lifted.Whh).T;

    // u_c = Oᵀ G_{c+1}, or what comes from beyond the last chunk
    public void Drive(TimeBlock t)
    {
        D[t].Values.Clear();
        foreach (Stretch s in G.After(t))
        {
            _outputsTransposed.Multiply(G.Beside(s), D[s]);
        }
        FinalStates.Add(finalGradients, G.All, t.FirstStep, t.LastStep, D.Columns);
    }

    // D_0 = Aᵀ D_1 + Oᵀ G_1
    public void StepZero(BlockRecurrence recurrence)
    {
        recurrence.StepZero();
        _outputsTransposed.MultiplyAdd(G.Columns.Block(1), D.Columns.Block(0));
    }

    public void Pack() => _outputsTransposed.Pack(weights.Lifted.Wqh.T);
}

/// <summary>The gradients of the lifted weights.</summary>
/// <param name="window">The chunks.</param>
/// <param name="model">d and q: the sizes of a block of 𝒯.</param>
/// <param name="states">h×(n + 1): h_0 and the states at the ends of the chunks.</param>
/// <param name="inputs">X, dS×n.</param>
/// <param name="outputGradients">G, qS×n.</param>
/// <param name="stateGradients">D_0 … D_n, h×(n + 1).</param>
/// <param name="gradients">Receives those of C, A and O.</param>
/// <param name="direct">Receives Σ G_c X_cᵀ, qS×dS, as far as its diagonal.</param>
internal sealed class LiftedGradientFormulas(
    PassWindow window,
    ParameterArray model,
    PackedColumns inputs,
    PackedColumns states,
    PackedColumns outputGradients,
    PackedColumns stateGradients,
    ParameterArray gradients,
    ArraySegment<double> direct) : IGradientFormulas
{
    private readonly WeightGradientFormulas _weights =
        new(window, inputs, states, outputGradients, stateGradients, gradients);

    private WindowColumns X { get; } = window.Of(inputs);

    private WindowColumns H { get; } = window.Of(states);

    private WindowColumns G { get; } = window.Of(outputGradients);

    // ∂L/∂O = Σ G_c h_{(c−1)S}ᵀ
    public void AddWqh(TimeBlock t, ref GradientRows rows)
    {
        foreach (Stretch s in H.Before(t))
        {
            rows.Add(G[s], H.Beside(s).T, gradients.Wqh);
        }
    }

    // ∂L/∂C = Σ D_c X_cᵀ
    public void AddWhx(TimeBlock t, ref GradientRows rows) => _weights.AddWhx(t, ref rows);

    // ∂L/∂A = Σ D_c h_{(c−1)S}ᵀ
    public void AddWhh(TimeBlock t, ref GradientRows rows) => _weights.AddWhh(t, ref rows);

    // ∂L/∂𝒯 = Σ G_c X_cᵀ, as far as the last of the rows reaches
    public void AddDirect(TimeBlock t, ref GradientRows rows)
    {
        int q = gradients.OutputSize;
        int reach = (rows.End + model.OutputSize - 1) / model.OutputSize * model.InputSize;
        rows.Add(G[t], X[t].RowRange(0, reach).T, new MatrixSpan(direct, q, reach, q));
    }

    /// <summary>The gradient of [M_{S−1} … M_0], q×dS: what stands along each diagonal of ∂L/∂𝒯.</summary>
    public static void SumDiagonals(ReadOnlySpan<double> direct, ParameterArray model, int chunkLength, MatrixSpan sums)
    {
        int d = model.InputSize;
        int q = model.OutputSize;
        sums.Values.Clear();
        for (int j = 0; j < chunkLength; j++)
        {
            for (int column = 0; column < d; column++)
            {
                ReadOnlySpan<double> entries = direct.Slice((j * d + column) * q * chunkLength, q * chunkLength);
                for (int i = j; i < chunkLength; i++)
                {
                    Span<double> sum = sums.Column((chunkLength - 1 - (i - j)) * d + column);
                    for (int row = 0; row < q; row++)
                    {
                        sum[row] += entries[i * q + row];
                    }
                }
            }
        }
    }
}
