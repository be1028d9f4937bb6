// The derivative of the backward pass over chunks in one direction: its formulas, each above the lines that give its
// terms. They are those of the backward pass, made of derivatives, and further terms in each.
//
//   D_c, G_c  as in LiftedBackwardFormulas; a dot is the derivative in the direction

using Bptt.LinearRecurrence;

namespace Bptt.Lifting;

/// <summary>What a product with the Hessian reads of the passes over chunks, and of their derivatives.</summary>
/// <param name="Direction">Ȧ, Ċ, Ȯ and Ẋ.</param>
/// <param name="StateGradients">D_0 … D_n, h×(n + 1).</param>
/// <param name="OutputGradients">G, qS×n.</param>
/// <param name="StateDerivatives">ḣ_0 and those at the ends of the chunks, h×(n + 1).</param>
internal sealed record LiftedHessianTerms(
    LiftedDirection Direction,
    PackedColumns StateGradients,
    PackedColumns OutputGradients,
    PackedColumns StateDerivatives);

/// <summary>Ḋ_c = Aᵀ Ḋ_{c+1} + Oᵀ Ġ_{c+1} + Ȯᵀ G_{c+1} + Ȧᵀ D_{c+1}.</summary>
/// <param name="window">The chunks.</param>
/// <param name="backward">The formulas of the backward pass on Ġ_c, for Ḋ_c.</param>
/// <param name="terms">What is read beyond that.</param>
internal sealed class LiftedCurvatureFormulas(
    PassWindow window, LiftedBackwardFormulas backward, LiftedHessianTerms terms) : IRecurrenceFormulas
{
    private readonly ParameterArray _moved = terms.Direction.Weights.Lifted;
    private readonly PackedFactor _movedOutputsTransposed = window.Factor(
        terms.Direction.Weights.Lifted.HiddenSize, terms.Direction.Weights.Lifted.OutputSize);
    private readonly PackedFactor _movedTransitionTransposed = window.Factor(
        terms.Direction.Weights.Lifted.HiddenSize, terms.Direction.Weights.Lifted.HiddenSize);

    public TimeDirection Direction => TimeDirection.Backward;

    public PackedColumns States => backward.States;

    private WindowColumns G { get; } = window.Of(terms.OutputGradients);

    private WindowColumns D { get; } = window.Of(terms.StateGradients);

    private WindowColumns DDot { get; } = window.Of(backward.States);

    public MatrixView Transition => backward.Transition;

    public MatrixView TransitionPower(TransitionPower power) => backward.TransitionPower(power);

    // u_c = Oᵀ Ġ_{c+1} + Ȯᵀ G_{c+1} + Ȧᵀ D_{c+1}
    public void Drive(TimeBlock t)
    {
        backward.Drive(t);
        foreach (Stretch s in G.After(t))
        {
            _movedOutputsTransposed.MultiplyAdd(G.Beside(s), DDot[s]);
        }
        foreach (Stretch s in D.After(t))
        {
            _movedTransitionTransposed.MultiplyAdd(D.Beside(s), DDot[s]);
        }
    }

    // Ḋ_0 = Aᵀ Ḋ_1 + Oᵀ Ġ_1 + Ȯᵀ G_1 + Ȧᵀ D_1
    public void StepZero(BlockRecurrence recurrence)
    {
        backward.StepZero(recurrence);
        _movedOutputsTransposed.MultiplyAdd(G.Columns.Block(1), States.Block(0));
        _movedTransitionTransposed.MultiplyAdd(D.Columns.Block(1), States.Block(0));
    }

    public void Pack()
    {
        backward.Pack();
        _movedOutputsTransposed.Pack(_moved.Wqh.T);
        _movedTransitionTransposed.Pack(_moved.Whh.T);
    }
}

/// <summary>The derivatives of the gradients of the lifted weights: of each product of two, one moves and then the
/// other.</summary>
/// <param name="first">The gradients, made of Ġ_c, Ḋ_c and of what the forward pass gives.</param>
/// <param name="second">The gradients, made of G_c, D_c and of what the tangent pass gives.</param>
/// <param name="inputsMove">Whether there is an Ẋ.</param>
internal sealed class LiftedWeightCurvatureFormulas(
    LiftedGradientFormulas first, LiftedGradientFormulas second, bool inputsMove) : IGradientFormulas
{
    // Σ Ġ_c h_{(c−1)S}ᵀ + G_c ḣ_{(c−1)S}ᵀ
    public void AddWqh(TimeBlock t, ref GradientRows rows)
    {
        first.AddWqh(t, ref rows);
        second.AddWqh(t, ref rows);
    }

    // Σ Ḋ_c X_cᵀ + D_c Ẋ_cᵀ
    public void AddWhx(TimeBlock t, ref GradientRows rows)
    {
        first.AddWhx(t, ref rows);
        if (inputsMove)
        {
            second.AddWhx(t, ref rows);
        }
    }

    // Σ Ḋ_c h_{(c−1)S}ᵀ + D_c ḣ_{(c−1)S}ᵀ
    public void AddWhh(TimeBlock t, ref GradientRows rows)
    {
        first.AddWhh(t, ref rows);
        second.AddWhh(t, ref rows);
    }

    // Σ Ġ_c X_cᵀ + G_c Ẋ_cᵀ
    public void AddDirect(TimeBlock t, ref GradientRows rows)
    {
        first.AddDirect(t, ref rows);
        if (inputsMove)
        {
            second.AddDirect(t, ref rows);
        }
    }
}
