// Clipping of gradients by their global norm: the source's remedy against exploding gradients.

using Bptt.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>
/// Scales all gradients by one common factor where their norm together exceeds θ: g ← min(1, θ/‖g‖) g (Pascanu,
/// Mikolov &amp; Bengio 2013, algorithm 1). The direction stays. Immutable.
/// </summary>
/// <remarks>Every identity of <c>GradientCertificate</c> survives, times <see cref="ClippedGradients.Factor"/>: give the factor to
/// <c>Verify</c>.</remarks>
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

    internal override string Settings => $"GlobalNormClipping(maximum norm {Guard.Text(MaxNorm)})";

    /// <inheritdoc/>
    public override ClippedGradients Apply(Gradients gradients, Matrix<double>? initialStateGradients = null)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        gradients.RequireFinite(nameof(gradients));
        ParameterArray clipped = gradients.Entries.Copy();
        Matrix<double>? clippedStates = null;
        if (initialStateGradients is not null)
        {
            Guard.Finite(initialStateGradients, nameof(initialStateGradients));
            clippedStates = Matrix<double>.Build.DenseOfMatrix(initialStateGradients);
        }
        Span<double> states = clippedStates is null ? [] : clippedStates.AsColumnMajorArray();

        // Scaled by a power of two to a norm near 1 first, so that neither the norm nor θ/‖g‖ leaves the range of doubles.
        double largest = Math.Max(VectorMath.MaxAbs(clipped.Values), VectorMath.MaxAbs(states));
        int exponent = largest == 0.0 ? 0 : Math.ILogB(largest);
        VectorMath.ScaleByPowerOfTwo(-exponent, clipped.Values);
        VectorMath.ScaleByPowerOfTwo(-exponent, states);
        double scaledNorm = Norm(clipped.Values, states);
        double norm = Math.ScaleB(scaledNorm, exponent);
        if (norm <= MaxNorm)
        {
            return new ClippedGradients(gradients, initialStateGradients?.Clone(), norm, norm, 1.0);
        }
        VectorMath.Scale(MaxNorm / scaledNorm, clipped.Values);
        VectorMath.Scale(MaxNorm / scaledNorm, states);
        return new ClippedGradients(
            new Gradients(clipped),
            clippedStates,
            norm,
            Norm(clipped.Values, states),
            Math.ScaleB(MaxNorm / scaledNorm, -exponent));
    }

    private static double Norm(ReadOnlySpan<double> weights, ReadOnlySpan<double> states) =>
        VectorMath.Norm([VectorMath.Norm(weights), VectorMath.Norm(states)]);
}
