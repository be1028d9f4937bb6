// The penalty on the size of all weights: half the sum of their squares, times a strength.

using Bptt.Edge;
using Bptt.LinearAlgebra;

namespace Bptt.Remedies;

/// <summary>
/// Ω = ½λ(‖W_hx‖² + ‖W_hh‖² + ‖W_qh‖²) in Frobenius norms, ∂Ω/∂W = λW: ridge regression, Tikhonov regularisation,
/// weight decay where the optimiser is gradient descent. h_0 is not penalised. Immutable.
/// </summary>
/// <remarks>With Adam it is not weight decay, since the gradient of the penalty is divided by the running root mean
/// square as well (Loshchilov &amp; Hutter 2019).</remarks>
public sealed class L2Regularizer : Regularizer
{
    /// <summary>Creates a penalty.</summary>
    /// <param name="strength">λ, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">λ is not a finite number of at least 0.</exception>
    public L2Regularizer(double strength)
    {
        Guard.NotNegative(strength, nameof(strength));
        Strength = strength;
    }

    /// <summary>λ.</summary>
    public double Strength { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"strength {Strength}";

    internal override double? Curvature => Strength;

    /// <inheritdoc/>
    /// <remarks>Cost O(h(h + d + q)).</remarks>
    public override (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        return OfWeights(backward.Forward.Model)!.Value;
    }

    /// <inheritdoc/>
    /// <remarks>Cost O(h(h + d + q)).</remarks>
    public override double Value(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        return Of(backward.Forward.Model);
    }

    internal override double? ValueOf(LinearRnn model) => Of(model);

    internal override (double Value, Gradients Gradients)? OfWeights(LinearRnn model)
    {
        ParameterArray gradients = model.Weights.Copy();
        VectorMath.Scale(Strength, gradients.Values);
        return (Of(model), new Gradients(gradients));
    }

    private double Of(LinearRnn model)
    {
        double norm = VectorMath.Norm(model.Weights.Values);
        return Strength == 0.0 ? 0.0 : 0.5 * Strength * norm * norm; // 0 even where the square overflows
    }
}
