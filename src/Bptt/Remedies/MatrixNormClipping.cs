// Clipping of gradients by the norm of each matrix on its own.

using Bptt.Edge;

namespace Bptt.Remedies;

/// <summary>
/// Scales each of ∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh and ∂L/∂h_0 (all sequences together) on its own where its Frobenius norm
/// exceeds θ: G ← min(1, θ/‖G‖) G. One exploding matrix, mostly ∂L/∂W_hh, so does not silence the others; the direction
/// of the whole is lost. Immutable.
/// </summary>
/// <remarks>
/// Of the identities of <c>GradientCertificate</c> the gauge identity fails where the factors differ, since it mixes
/// the matrices. Euler's, ⟨W_qh, ∂L/∂W_qh⟩ = Σ_t ⟨∂L/∂o_t, o_t⟩, survives times the factor of ∂L/∂W_qh.
/// </remarks>
public sealed class MatrixNormClipping : GradientClipping
{
    /// <summary>Creates a clipping.</summary>
    /// <param name="maxNorm">θ, the largest norm of one matrix let through, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">θ is not a finite number above 0.</exception>
    public MatrixNormClipping(double maxNorm)
    {
        Guard.Positive(maxNorm, nameof(maxNorm));
        MaxNorm = maxNorm;
    }

    /// <summary>θ.</summary>
    public double MaxNorm { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"norm {MaxNorm}";

    /// <inheritdoc/>
    protected override double? Clip(GradientEntries gradients)
    {
        double ofWhx = ScaleToNorm(MaxNorm, gradients.Whx, []);
        double ofWhh = ScaleToNorm(MaxNorm, gradients.Whh, []);
        double ofWqh = ScaleToNorm(MaxNorm, gradients.Wqh, []);
        double ofStates = ScaleToNorm(MaxNorm, gradients.InitialStates, []);
        return ofWhx == ofWhh && ofWhx == ofWqh && (gradients.InitialStates.IsEmpty || ofWhx == ofStates)
            ? ofWhx
            : null;
    }
}
