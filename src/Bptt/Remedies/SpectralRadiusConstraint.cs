// A constraint that bounds the largest eigenvalue of W_hh: how fast states and gradients grow in the long run.

using Bptt.Diagnostics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Remedies;

/// <summary>
/// ρ(W_hh) ≤ ρ: W_hh is scaled as a whole where its largest eigenvalue is beyond, so that in the long run no state or
/// gradient grows faster than ρᵗ. Immutable.
/// </summary>
/// <remarks>
/// Not the nearest matrix (to find that is a hard problem), but one with the same eigenvectors and the same ratios of
/// eigenvalues. Says nothing about how far states grow before they fade, see <see cref="Spectrum.TransientGrowth"/>;
/// <see cref="SpectralNormConstraint"/> does. Where W_hh is nearly defective its eigenvalues are known to few digits,
/// and the bound holds for the eigenvalues as computed.
/// </remarks>
public sealed class SpectralRadiusConstraint : WeightConstraint
{
    private const int MostScalings = 50;

    /// <summary>Creates a constraint.</summary>
    /// <param name="maxRadius">ρ, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">ρ is not a finite number above 0.</exception>
    public SpectralRadiusConstraint(double maxRadius)
    {
        Guard.Positive(maxRadius, nameof(maxRadius));
        MaxRadius = maxRadius;
    }

    /// <summary>ρ.</summary>
    public double MaxRadius { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"radius {MaxRadius}";

    /// <inheritdoc/>
    protected override Matrix<double>? Project(Matrix<double> whh)
    {
        // One scaling does, but where the eigenvalues of the scaled matrix come out otherwise than those of the first.
        Matrix<double>? projected = null;
        for (int i = 0; i < MostScalings; i++)
        {
            var given = ScaledMatrix.Of((projected ?? whh).View());
            Matrix<double> mantissa = given.ToMantissa();
            double radius = Spectrum.RadiusOf(mantissa);
            if (given.Ratio(radius, MaxRadius) <= 1.0 + given.Rounding)
            {
                return projected;
            }
            projected = mantissa / radius * MaxRadius;
        }
        return projected;
    }
}
