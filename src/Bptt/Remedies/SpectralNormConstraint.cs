// A constraint that bounds the largest singular value of W_hh: by how much a state or a gradient can grow in one step.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Remedies;

/// <summary>
/// ‖W_hh‖₂ ≤ s: with W_hh = U Σ Vᵀ the singular values above s become s, which gives the nearest such matrix in the
/// Frobenius norm. With s ≤ 1 no state or gradient grows in any step, not even at first. Immutable.
/// </summary>
/// <remarks>Bounds the spectral radius too, but from above only: gradients may vanish.</remarks>
public sealed class SpectralNormConstraint : WeightConstraint
{
    /// <summary>Creates a constraint.</summary>
    /// <param name="maxNorm">s, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">s is not a finite number above 0.</exception>
    public SpectralNormConstraint(double maxNorm)
    {
        Guard.Positive(maxNorm, nameof(maxNorm));
        MaxNorm = maxNorm;
    }

    /// <summary>s.</summary>
    public double MaxNorm { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"norm {MaxNorm}";

    /// <inheritdoc/>
    protected override Matrix<double>? Project(Matrix<double> whh)
    {
        var given = ScaledMatrix.Of(whh.View());
        Svd<double> svd = given.Svd();
        if (given.Ratio(svd.S[0], MaxNorm) <= 1.0 + given.Rounding)
        {
            return null;
        }

        // W/s first, whose singular values are at most 1, so that no s and no W_hh is too large or too small for it.
        Matrix<double> scaled = svd.U.Clone();
        for (int i = 0; i < svd.S.Count; i++)
        {
            scaled.SetColumn(i, Math.Min(1.0, given.Ratio(svd.S[i], MaxNorm)) * svd.U.Column(i));
        }
        return scaled * svd.VT * MaxNorm;
    }
}
