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
    /// <returns>The clipped gradients, with the norm before and after.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="gradients"/> is null.</exception>
    /// <exception cref="ArgumentException">A gradient is NaN or infinite.</exception>
    public ClippedGradients Apply(Gradients gradients, Matrix<double>? initialStateGradients = null)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        gradients.RequireFinite(nameof(gradients));
        double norm = gradients.GlobalNorm();
        if (initialStateGradients is not null)
        {
            Guard.Finite(initialStateGradients, nameof(initialStateGradients));
            norm = VectorMath.Norm([norm, VectorMath.Norm(initialStateGradients.ColumnMajor())]);
        }
        if (norm <= MaxNorm)
        {
            return new ClippedGradients(gradients, initialStateGradients?.Clone(), norm, norm);
        }
        double factor = MaxNorm / norm;
        return new ClippedGradients(factor * gradients, initialStateGradients?.Multiply(factor), norm, MaxNorm);
    }
}

/// <summary>What clipping made of the gradients.</summary>
/// <param name="Gradients">The gradients of the weights after clipping.</param>
/// <param name="InitialStateGradients">∂L/∂h_0 after clipping, h×B; null where it was not given.</param>
/// <param name="NormBefore">The norm of all that was given.</param>
/// <param name="NormAfter">The norm of all that is returned: at most the clipping's, up to rounding.</param>
public sealed record ClippedGradients(
    Gradients Gradients, Matrix<double>? InitialStateGradients, double NormBefore, double NormAfter);
