// Clipping of gradients by their norm together: the usual remedy against exploding gradients.

using Bptt.Edge;

namespace Bptt.Remedies;

/// <summary>
/// Scales all gradients by one common factor where their norm together exceeds θ: g ← min(1, θ/‖g‖) g (Pascanu,
/// Mikolov &amp; Bengio 2013, algorithm 1). The direction stays. Immutable.
/// </summary>
/// <remarks>Both identities of <c>GradientCertificate</c> survive: give <see cref="ClippedGradients.Factor"/> to its
/// <c>Run</c>.</remarks>
public sealed class GlobalNormClipping : GradientClipping
{
    /// <summary>Creates a clipping.</summary>
    /// <param name="maxNorm">θ, the largest norm let through, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">θ is not a finite number above 0.</exception>
    public GlobalNormClipping(double maxNorm)
    {
        Guard.Positive(maxNorm, nameof(maxNorm));
        MaxNorm = maxNorm;
    }

    /// <summary>θ.</summary>
    public double MaxNorm { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"norm {MaxNorm}";

    /// <inheritdoc/>
    protected override double? Clip(GradientEntries gradients) =>
        ScaleToNorm(MaxNorm, gradients.Weights, gradients.InitialStates);
}
