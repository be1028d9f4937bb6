// Clipping of gradients by their global norm: the source's remedy against exploding gradients.

using Bptt.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>
/// Scales all gradients by one common factor where their norm together exceeds θ: g ← min(1, θ/‖g‖) g (Pascanu,
/// Mikolov &amp; Bengio 2013, algorithm 1). The direction stays. Immutable.
/// </summary>
public sealed class GlobalNormClipping
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

    /// <summary>Clips the gradients of the weights, and of the initial states where they are learned.</summary>
    /// <param name="gradients">∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh.</param>
    /// <param name="initialStateGradients">∂L/∂h_0, h×B; null where h_0 is not learned.</param>
    /// <returns>The clipped gradients, with the norm before and after. Cost O(h(h + d + q + B)).</returns>
    /// <exception cref="ArgumentNullException"><paramref name="gradients"/> is null.</exception>
    /// <exception cref="ArgumentException">A gradient is NaN or infinite.</exception>
    public ClippedGradients Apply(Gradients gradients, Matrix<double>? initialStateGradients = null)
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

/// <summary>What clipping made of the gradients.</summary>
public sealed class ClippedGradients
{
    internal ClippedGradients(
        Gradients gradients, Matrix<double>? initialStateGradients, double normBefore, double normAfter, double factor)
    {
        Factor = factor;
        Gradients = gradients;
        InitialStateGradients = initialStateGradients;
        NormBefore = normBefore;
        NormAfter = normAfter;
    }

    /// <summary>The gradients of the weights after clipping.</summary>
    public Gradients Gradients { get; }

    /// <summary>∂L/∂h_0 after clipping, h×B; null where it was not given.</summary>
    public Matrix<double>? InitialStateGradients { get; }

    /// <summary>min(1, θ/‖g‖), what every gradient was multiplied by.</summary>
    public double Factor { get; }

    /// <summary>The norm of all that was given; infinite where it exceeds the largest double though no entry does.</summary>
    public double NormBefore { get; }

    /// <summary>The norm of all that is returned: at most the clipping's, up to rounding.</summary>
    public double NormAfter { get; }
}
