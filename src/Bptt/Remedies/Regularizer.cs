// What every penalty on the weights has in common. Penalises nothing itself; the remedies are its subclasses.

using Bptt.Edge;

namespace Bptt.Remedies;

/// <summary>
/// A term Ω that training adds to L. Its gradient adds to ∂L/∂W by <see cref="Gradients.Add"/>. Immutable; may be used
/// from many threads, and so must a subclass of your own.
/// </summary>
/// <remarks>The sum is no longer the gradient of a loss of the outputs, so <c>GradientCertificate</c> applies before
/// the term is added, not after. A penalty of your own serves methods of first order and <c>QuasiNewton</c>;
/// <c>LevenbergMarquardt</c> and <c>TruncatedNewton</c> take <see cref="L2Regularizer"/> alone, whose second
/// derivatives they know.</remarks>
/// <example>
/// <code>
/// // Sparse recurrent weights: Ω = λ Σ |W_hh|, and its subgradient λ sign(W_hh).
/// public sealed class L1Regularizer(double strength) : Regularizer
/// {
///     protected override FormattableString Settings => $"strength {strength}";
///
///     public override (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward)
///     {
///         LinearRnn model = backward.Forward.Model;
///         double value = strength * model.Whh.Enumerate().Sum(Math.Abs);
///         Matrix&lt;double&gt; gradient = strength * model.Whh.PointwiseSign();
///         return (value, new Gradients(0.0 * model.Whx, gradient, 0.0 * model.Wqh));
///     }
/// }
/// </code>
/// </example>
public abstract class Regularizer
{
    /// <summary>Creates a penalty.</summary>
    protected Regularizer()
    {
    }

    /// <summary>Ω and its gradient.</summary>
    /// <param name="backward">The backward pass; its model's weights are those that Ω is taken of. Not changed.</param>
    /// <returns>Ω, any factor λ included; and ∂Ω/∂W_hx, ∂Ω/∂W_hh and ∂Ω/∂W_qh, independent of the pass and of any
    /// workspace, in the shapes of the weights. Not finite, but no exception, where the pass is not finite.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="backward"/> is null.</exception>
    /// <exception cref="InvalidOperationException">Ω depends on ∂L/∂h_t, and the workspace of the pass serves a newer
    /// one.</exception>
    public abstract (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward);

    /// <summary>Ω alone, the same to the last bit as from <see cref="Evaluate"/>, which it calls unless it is
    /// overridden.</summary>
    /// <param name="backward">The backward pass; its model's weights are those that Ω is taken of. Not changed.</param>
    /// <exception cref="ArgumentNullException"><paramref name="backward"/> is null.</exception>
    /// <exception cref="InvalidOperationException">Ω depends on ∂L/∂h_t, and the workspace of the pass serves a newer
    /// one.</exception>
    public virtual double Value(BackwardThroughTime backward) => Evaluate(backward).Value;

    /// <summary>Every setting, such as $"strength {Strength}": two of one type with the same text behave alike, and a
    /// checkpoint compares it. Written alike under every culture.</summary>
    protected abstract FormattableString Settings { get; }

    /// <summary>λ where the term is ½λ‖W‖² over all weights, so that its Hessian is λI on them and zero on h_0; null
    /// otherwise.</summary>
    internal virtual double? Curvature => null;

    /// <summary>Ω where it depends on the weights alone, the same to the last bit as <see cref="Value"/>; null where it
    /// takes a backward pass.</summary>
    internal virtual double? ValueOf(LinearRnn model) => null;

    /// <summary>Ω and its gradient where it depends on the weights alone, the same to the last bit as from
    /// <see cref="Evaluate"/>; null where it takes a backward pass.</summary>
    internal virtual (double Value, Gradients Gradients)? OfWeights(LinearRnn model) => null;

    /// <summary>The name with every setting.</summary>
    public sealed override string ToString() => NumberText.Named(this, Settings);
}
