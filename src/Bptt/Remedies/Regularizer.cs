// What every penalty on the weights has in common. Penalises nothing itself; the remedies are its subclasses.

namespace Bptt.Remedies;

/// <summary>
/// A term Ω that training adds to L. Its gradient adds to ∂L/∂W by <see cref="Gradients.Add"/>. Immutable; may be used
/// from many threads.
/// </summary>
/// <remarks>The sum is no longer the gradient of a loss of the outputs, so <c>GradientCertificate</c> applies before
/// the term is added, not after.</remarks>
public abstract class Regularizer
{
    private protected Regularizer()
    {
    }

    /// <summary>Ω and its gradient.</summary>
    /// <param name="backward">The backward pass; its model's weights are those that Ω is taken of. Not changed.</param>
    /// <returns>Ω, any factor λ included; and ∂Ω/∂W_hx, ∂Ω/∂W_hh and ∂Ω/∂W_qh, independent of the pass and of any
    /// workspace. Not finite, but no exception, where the pass is not finite.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="backward"/> is null.</exception>
    /// <exception cref="InvalidOperationException">Ω depends on ∂L/∂h_t, and the workspace of the pass serves a newer
    /// one.</exception>
    public abstract (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward);

    /// <summary>Ω alone, the same to the last bit as from <see cref="Evaluate"/>.</summary>
    /// <param name="backward">The backward pass; its model's weights are those that Ω is taken of. Not changed.</param>
    /// <exception cref="ArgumentNullException"><paramref name="backward"/> is null.</exception>
    /// <exception cref="InvalidOperationException">Ω depends on ∂L/∂h_t, and the workspace of the pass serves a newer
    /// one.</exception>
    public abstract double Value(BackwardThroughTime backward);

    /// <summary>Name and every setting, as <see cref="ToString"/> prints and checkpoints compare them.</summary>
    internal abstract string Settings { get; }

    /// <summary>λ where the term is ½λ‖W‖² over all weights, so that its Hessian is λI on them and zero on h_0; null
    /// otherwise.</summary>
    internal virtual double? Curvature => null;

    /// <summary>Ω where it depends on the weights alone, the same to the last bit as <see cref="Value"/>; null where it
    /// takes a backward pass.</summary>
    internal virtual double? ValueOf(LinearRnn model) => null;

    /// <summary>The name with every setting.</summary>
    public override string ToString() => Settings;
}
