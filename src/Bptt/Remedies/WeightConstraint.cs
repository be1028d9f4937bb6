// What every constraint on weights has in common. Constrains nothing itself; the remedies are its subclasses.

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Remedies;

/// <summary>
/// A set that W_hh is brought back to after each step of an optimiser (projected gradient descent), so that states and
/// gradients cannot explode, or keep their size. W_hx and W_qh stay as they are. Immutable; may be used from many
/// threads.
/// </summary>
public abstract class WeightConstraint
{
    private protected WeightConstraint()
    {
    }

    /// <summary>The model with W_hh in the set.</summary>
    /// <param name="model">The model; stays as it is.</param>
    /// <returns>The same instance where W_hh is in the set already, to rounding. Cost O(h³).</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    /// <exception cref="ArithmeticException">The factorisation of W_hh does not converge.</exception>
    public abstract LinearRnn Apply(LinearRnn model);

    /// <summary>Name and every setting, as <see cref="ToString"/> prints and checkpoints compare them.</summary>
    internal abstract string Settings { get; }

    /// <summary>The name with every setting.</summary>
    public override string ToString() => Settings;

    /// <summary>The model with another W_hh.</summary>
    private protected static LinearRnn With(LinearRnn model, Matrix<double> whh)
    {
        ParameterArray weights = model.Weights.Copy();
        whh.ColumnMajor().CopyTo(weights.Whh.Values);
        return new LinearRnn(weights);
    }
}
