// The derivative of the backward pass in one direction: its formulas, each above the line that computes it. They are
// those of the backward pass, made of derivatives, and two terms more in each. When a line is run is said in
// PassSchedule.
//
//   δ_t = ∂L/∂h_t, G_t = ∂L/∂o_t; a dot is the derivative in the direction V
//   D = [δ_1 … δ_T]  h×N      G = [G_1 … G_T]  q×N      with Dot: their derivatives

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>What a product with the Hessian reads of the passes and of their derivatives.</summary>
/// <param name="Direction">V and ẋ_t.</param>
/// <param name="StateGradients">D, h×n: the steps of the window, and the step after the last one, where there is
/// one.</param>
/// <param name="OutputGradients">G, of all steps.</param>
/// <param name="StateDerivatives">ḣ_t, h×n: the step before the first one, and then the steps of the window.</param>
internal sealed record HessianTerms(
    FlatDirection Direction,
    PackedColumns StateGradients,
    PackedColumns OutputGradients,
    PackedColumns StateDerivatives);

/// <summary>δ̇_t = W_hhᵀ δ̇_{t+1} + W_qhᵀ Ġ_t + V_qhᵀ G_t + V_hhᵀ δ_{t+1}: each line of the backward pass
/// differentiated, the R-operator of Pearlmutter, "Fast exact multiplication by the Hessian" (1994).</summary>
/// <param name="window">The steps.</param>
/// <param name="backward">The formulas of the backward pass on Ġ_t, for δ̇_t.</param>
/// <param name="terms">What is read beyond that.</param>
internal sealed class CurvatureFormulas(PassWindow window, BackwardFormulas backward, HessianTerms terms)
    : IRecurrenceFormulas
{
    private readonly FlatDirection _direction = terms.Direction;
    private readonly PackedFactor? _vqhTransposed = window.FactorIf(
        terms.Direction.HasWqh, terms.Direction.Weights.HiddenSize, terms.Direction.Weights.OutputSize);
    private readonly PackedFactor? _vhhTransposed = window.FactorIf(
        terms.Direction.HasWhh, terms.Direction.Weights.HiddenSize, terms.Direction.Weights.HiddenSize);

    public TimeDirection Direction => TimeDirection.Backward;

    public PackedColumns States => backward.States;

    private WindowColumns G { get; } = window.Of(terms.OutputGradients);

    private WindowColumns D { get; } = window.Of(terms.StateGradients);

    private WindowColumns DDot { get; } = window.Of(backward.States);

    // δ̇_t = W_hhᵀ δ̇_{t+1} + (W_qhᵀ Ġ_t + V_qhᵀ G_t + V_hhᵀ δ_{t+1})   is   s_t = A s_{t+1} + u_t   with   A = W_hhᵀ
    public MatrixView Transition => backward.Transition;

    public MatrixView TransitionPower(TransitionPower power) => backward.TransitionPower(power);

    // u_t = W_qhᵀ Ġ_t + V_qhᵀ G_t + V_hhᵀ δ_{t+1}
    public void Drive(TimeBlock t)
    {
        backward.Drive(t);
        _vqhTransposed?.MultiplyAdd(G[t], DDot[t]);
        if (_vhhTransposed is not null)
        {
            foreach (Stretch s in D.After(t))
            {
                _vhhTransposed.MultiplyAdd(D.Beside(s), DDot[s]);
            }
        }
    }

    // δ̇_0 = W_hhᵀ δ̇_1 + V_hhᵀ δ_1
    public void StepZero(BlockRecurrence recurrence)
    {
        backward.StepZero(recurrence);
        _vhhTransposed?.MultiplyAdd(D.Columns.Block(1), States.Block(0));
    }

    public void Pack()
    {
        backward.Pack();
        _vqhTransposed?.Pack(_direction.Weights.Wqh.T);
        _vhhTransposed?.Pack(_direction.Weights.Whh.T);
    }
}

/// <summary>The derivative of formula (5).</summary>
/// <param name="window">The steps.</param>
/// <param name="first">Formula (5) on Ġ_t and δ̇_t: the first term of each product.</param>
/// <param name="terms">What the second terms are made of.</param>
/// <param name="product">Receives the product of the Hessian with V, in the shape of the weights.</param>
internal sealed class WeightCurvatureFormulas(
    PassWindow window, WeightGradientFormulas first, HessianTerms terms, ParameterArray product) : IGradientFormulas
{
    private WindowColumns G { get; } = window.Of(terms.OutputGradients);

    private WindowColumns D { get; } = window.Of(terms.StateGradients);

    private WindowColumns HDot { get; } = window.Of(terms.StateDerivatives);

    // Σ Ġ_t h_tᵀ + G_t ḣ_tᵀ
    public void AddWqh(TimeBlock t, ref GradientRows rows)
    {
        first.AddWqh(t, ref rows);
        rows.Add(G[t], HDot[t].T, product.Wqh);
    }

    // Σ δ̇_t x_tᵀ + δ_t ẋ_tᵀ
    public void AddWhx(TimeBlock t, ref GradientRows rows)
    {
        first.AddWhx(t, ref rows);
        if (terms.Direction.Inputs is PackedColumns moved)
        {
            rows.Add(D[t], window.Of(moved)[t].T, product.Whx);
        }
    }

    // Σ δ̇_t h_{t−1}ᵀ + δ_t ḣ_{t−1}ᵀ
    public void AddWhh(TimeBlock t, ref GradientRows rows)
    {
        foreach (Stretch s in HDot.Before(t))
        {
            first.AddWhh(s, ref rows);
            rows.Add(D[s], HDot.Beside(s).T, product.Whh);
        }
    }
}
