// What every clipping of gradients has in common. Clips nothing itself; the remedies are its subclasses.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>
/// A rule that makes gradients smaller where they are large, between the backward pass and the optimiser: the remedy against
/// exploding gradients. Immutable; may be used from many threads.
/// </summary>
/// <remarks>
/// <see cref="GlobalNormClipping"/> keeps the direction, clipping matrix by matrix the direction within each matrix,
/// clipping entry by entry the signs. Of the identities that <c>GradientCertificate</c> proves, the gauge identity is linear
/// in all gradients together and so holds after one common factor only, which <see cref="ClippedGradients.Factor"/> tells;
/// certify before clipping otherwise.
/// </remarks>
public abstract class GradientClipping
{
    private protected GradientClipping()
    {
    }

    /// <summary>Clips the gradients of the weights, and of the initial states where they are learned.</summary>
    /// <param name="gradients">∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh.</param>
    /// <param name="initialStateGradients">∂L/∂h_0, h×B; null where h_0 is not learned.</param>
    /// <returns>The clipped gradients, with the norm before and after. Cost O(h(h + d + q + B)).</returns>
    /// <exception cref="ArgumentNullException"><paramref name="gradients"/> is null.</exception>
    /// <exception cref="ArgumentException">A gradient is NaN or infinite.</exception>
    public abstract ClippedGradients Apply(Gradients gradients, Matrix<double>? initialStateGradients = null);

    /// <summary>Name and every setting, as <see cref="ToString"/> prints and checkpoints compare them.</summary>
    internal abstract string Settings { get; }

    /// <summary>The name with every setting.</summary>
    public override string ToString() => Settings;
}
