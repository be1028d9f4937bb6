// Certifies gradients by two equations that every right gradient satisfies and hardly any wrong one does. Needs no
// second backward pass and no differences; knows no objective.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      g_0  ∂L/∂h_0      e  final-state gradients

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>
/// Certifies the gradients of a backward pass by the identities that full gradients of any loss satisfy:
/// <list type="bullet">
/// <item>gauge: outputs do not change when the states are seen in another basis, h → P h, so ∂L/∂W_hh W_hhᵀ − W_hhᵀ
/// ∂L/∂W_hh + ∂L/∂W_hx W_hxᵀ − W_qhᵀ ∂L/∂W_qh + Σ_b g_{0,b} h_{0,b}ᵀ = Σ_b e_b h_{T,b}ᵀ, h² equations;</item>
/// <item>Euler: outputs are linear in W_qh, so ⟨W_qh, ∂L/∂W_qh⟩ = Σ_t ⟨∂L/∂o_t, o_t⟩, one equation.</item>
/// </list>
/// A truncation adds known terms on the left of the gauge identity: windows Σ W_hhᵀ ∂L/∂h_{t+1} h_tᵀ over the borders
/// t, k lags Σ_t (W_hhᵀ)ᵏ u_{t+k} h_tᵀ with u = W_qhᵀ ∂L/∂o, and e added where sequences end. Random cuts, which scale
/// what they do not cut by s = 1/(1 − c), turn it into ∂L/∂W_hh W_hhᵀ + ∂L/∂W_hx W_hxᵀ + s Σ_b g_{0,b} h_{0,b}ᵀ + s Σ
/// W_hhᵀ ∂L/∂h_{t+1} h_tᵀ over the cuts t = s W_hhᵀ ∂L/∂W_hh + W_qhᵀ ∂L/∂W_qh + Σ_b e_b h_{T,b}ᵀ.
/// </summary>
/// <remarks>
/// What it cannot see: the objective. A wrong ∂ℓ/∂o, sign, 1/T or mask leads to gradients that belong to another loss
/// and satisfy both identities: <see cref="GradientCheck"/> sees those. And hd + hq − 1 directions of the h(d + h + q)
/// weights (a gradient moved in such a direction satisfies them still); mistakes of programs hardly ever lie in them,
/// and <see cref="GradientCheck"/> and <see cref="AdjointTest"/> see those too. Where W_hh is a multiple of the
/// identity, and so wherever h = 1, both terms of ∂L/∂W_hh cancel and nothing at all is said of it.
/// The identities fail, rightly, for gradients to which a penalty was added or that were clipped entry by
/// entry or matrix by matrix; clipping by the global norm keeps them, see the factor of
/// <see cref="Run(BackwardThroughTime, Gradients, double)"/>.
/// </remarks>
public sealed class GradientCertificate
{
    /// <summary>Where rounding could explain so much, agreement shows nothing.</summary>
    private const double TooMuchRounding = 1e-6;

    private GradientCertificate(double gaugeResidual, double eulerResidual, double expectedRounding, Verdict verdict)
    {
        GaugeResidual = gaugeResidual;
        EulerResidual = eulerResidual;
        ExpectedRounding = expectedRounding;
        Verdict = verdict;
    }

    /// <summary>The Frobenius norm of the difference between the two sides of the gauge identity, each with positive
    /// terms only, over the sum of their norms; 0 where both are zero, +∞ where a number is not finite.</summary>
    public double GaugeResidual { get; }

    /// <summary>The difference between the two sides of the Euler identity over the sum of their magnitudes, or over
    /// Σ ‖∂L/∂o_t‖‖o_t‖ where they cancel; 0 where both are zero, +∞ where a number is not finite.</summary>
    public double EulerResidual { get; }

    /// <summary>The residual up to which rounding is an explanation: a multiple of the unit in the last place that
    /// grows with √h, and where the terms of a gradient cancel (near an optimum), with the ratio of what cancels to
    /// what is left.</summary>
    public double ExpectedRounding { get; }

    /// <summary>Passed where both residuals are within <see cref="ExpectedRounding"/>, failed where one is not, and
    /// inconclusive where numbers are not finite or rounding would explain more than a millionth.</summary>
    public Verdict Verdict { get; }

    /// <summary>Certifies the gradients of a backward pass.</summary>
    /// <param name="backward">The backward pass, truncated or not.</param>
    /// <returns>The residuals and the verdict. Cost one pass over ∂L/∂o_t and o_t, and 4h³ + 2h²(d + q + B) operations;
    /// 2qh·ΣT_b more for a truncation to k lags, with 2kh²q; where the residuals are not small at once, one pass over
    /// all states and state gradients, with as many steps of powers as there are lags.</returns>
    /// <exception cref="ArgumentNullException">An argument that may not be null is.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the passes serves a newer one.</exception>
    public static GradientCertificate Run(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        return Run(backward, backward.Gradients);
    }

    /// <summary>Certifies gradients that somebody else made of those of a backward pass, or computed beside
    /// it.</summary>
    /// <param name="backward">The backward pass; its ∂L/∂o_t, ∂L/∂h_0, truncation and final-state gradients are
    /// taken.</param>
    /// <param name="gradients">The gradients to certify.</param>
    /// <param name="factor">By how much they were scaled on the way, 1 where they were not: what clipping by the
    /// global norm multiplies by.</param>
    /// <inheritdoc cref="Run(BackwardThroughTime)"/>
    /// <exception cref="ArgumentException">The gradients have other shapes than the weights.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The factor is not a finite number above 0.</exception>
    public static GradientCertificate Run(BackwardThroughTime backward, Gradients gradients, double factor = 1.0)
    {
        ArgumentNullException.ThrowIfNull(backward);
        backward.Forward.RequireDouble(nameof(backward));
        ArgumentNullException.ThrowIfNull(gradients);
        ForwardPass forward = backward.Forward;
        gradients.RequireShapeOf(forward.Model, nameof(gradients));
        Guard.Positive(factor, nameof(factor));
        return forward.Context.Read(() => Of(new CertificateTerms(
            forward, backward, gradients, backward.InitialStateGradients, backward.Options, factor)));
    }

    /// <summary>Certifies gradients from other code, from ∂L/∂o_t alone.</summary>
    /// <param name="forward">A forward pass with the same weights, inputs and h_0.</param>
    /// <param name="outputGradients">∂L/∂o_t, B sequences of q rows, any factor 1/T included.</param>
    /// <param name="gradients">The gradients to certify.</param>
    /// <param name="initialStateGradients">∂L/∂h_0, h×B; may be null where h_0 is zero.</param>
    /// <param name="options">Final-state gradients, and a truncation to lags; windows and random cuts would need
    /// ∂L/∂h_t at their borders.</param>
    /// <returns>The residuals and the verdict. Cost as for a backward pass of the library; where the residuals are not
    /// small at once, a backward pass is run to estimate the rounding.</returns>
    /// <inheritdoc cref="Run(BackwardThroughTime)" path="/exception"/>
    /// <exception cref="ArgumentException">A shape does not fit, a number of ∂L/∂o_t is NaN or infinite, ∂L/∂h_0 is
    /// missing although h_0 is not zero, or the options name windows.</exception>
    public static GradientCertificate Run(
        ForwardPass forward,
        SequenceBatch outputGradients,
        Gradients gradients,
        Matrix<double>? initialStateGradients = null,
        BackwardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        forward.RequireDouble(nameof(forward));
        ArgumentNullException.ThrowIfNull(outputGradients);
        ArgumentNullException.ThrowIfNull(gradients);
        (int h, int sequences) = (forward.Model.HiddenSize, forward.SequenceCount);
        outputGradients.RequireFitsOutputs(forward.Record, "the output gradients", nameof(outputGradients));
        gradients.RequireShapeOf(forward.Model, nameof(gradients));
        options = (options ?? new BackwardOptions()).CopyFor(forward);
        if (options.Truncation is { Kind: not TruncationKind.Lags })
        {
            throw Guard.Error(
                nameof(options), $"expected no truncation or one to lags, got {options.Truncation}: "
                    + "∂L/∂h_t at the borders is not known.");
        }
        if (initialStateGradients is not null)
        {
            Guard.Shape(initialStateGradients, h, sequences, "h×B", nameof(initialStateGradients));
        }
        else if (forward.InitialStates.Enumerate().Any(value => value != 0.0))
        {
            throw Guard.Error(nameof(initialStateGradients), "expected ∂L/∂h_0, since h_0 is not zero, got null.");
        }
        return forward.Context.Read(() => Of(new CertificateTerms(
            forward,
            outputGradients.Columns,
            gradients,
            initialStateGradients ?? Matrix<double>.Build.Dense(h, sequences),
            options)));
    }

    /// <summary>In one sentence.</summary>
    public override string ToString() =>
        $"{Verdict.InWords()}: gauge residual {NumberText.Size(GaugeResidual)}, "
        + $"Euler residual {NumberText.Size(EulerResidual)}, "
        + $"rounding up to {NumberText.Size(ExpectedRounding)} expected";

    private static GradientCertificate Of(CertificateTerms terms)
    {
        ((double gauge, double gaugeSize), (double euler, double eulerSize)) = terms.Compare();
        if (!double.IsFinite(gauge)
            || !double.IsFinite(gaugeSize)
            || !double.IsFinite(euler)
            || !double.IsFinite(eulerSize))
        {
            return new(
                Finite(gauge / gaugeSize), Finite(euler / eulerSize), double.PositiveInfinity, Verdict.Inconclusive);
        }
        double rounding = terms.RoundingOfTerms;
        if (gauge <= rounding * gaugeSize && euler <= rounding * eulerSize)
        {
            return new(Ratio(gauge, gaugeSize), Ratio(euler, eulerSize), rounding, Verdict.Passed);
        }

        // Where the terms of the sums over time cancel, rounding weighs more than the sums show.
        (double gaugeRounding, double eulerRounding, double eulerTerms) = terms.RoundingOfSums();
        eulerSize = Math.Max(eulerSize, eulerTerms);
        bool holds = gauge <= rounding * gaugeSize + gaugeRounding && euler <= rounding * eulerSize + eulerRounding;
        double expected = rounding + Math.Max(Ratio(gaugeRounding, gaugeSize), Ratio(eulerRounding, eulerSize));
        return new(
            Ratio(gauge, gaugeSize),
            Ratio(euler, eulerSize),
            double.IsNaN(expected) ? double.PositiveInfinity : expected,
            !holds && double.IsFinite(expected) ? Verdict.Failed
            : expected <= TooMuchRounding ? Verdict.Passed
            : Verdict.Inconclusive);
    }

    /// <summary>0 where nothing is compared with nothing.</summary>
    private static double Ratio(double part, double whole) => part == 0.0 ? 0.0 : part / whole;

    private static double Finite(double value) => double.IsFinite(value) ? value : double.PositiveInfinity;
}
