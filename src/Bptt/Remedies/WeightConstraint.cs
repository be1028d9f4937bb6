// What every constraint on weights has in common. Constrains nothing itself; the remedies are its subclasses.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Remedies;

/// <summary>
/// A set that W_hh is brought back to after each step of an optimiser (projected gradient descent), so that states and
/// gradients cannot explode, or keep their size. W_hx and W_qh stay as they are. Immutable; may be used from many
/// threads, and so must a subclass of your own.
/// </summary>
/// <example>
/// <code>
/// // Hidden units that do not talk to each other: the nearest diagonal matrix.
/// public sealed class DiagonalConstraint : WeightConstraint
/// {
///     protected override FormattableString Settings => $"";
///
///     protected override Matrix&lt;double&gt;? Project(Matrix&lt;double&gt; whh)
///     {
///         var diagonal = Matrix&lt;double&gt;.Build.DenseOfDiagonalVector(whh.Diagonal());
///         return diagonal.Equals(whh) ? null : diagonal;
///     }
/// }
/// </code>
/// </example>
public abstract class WeightConstraint
{
    /// <summary>Creates a constraint.</summary>
    protected WeightConstraint()
    {
    }

    /// <summary>The model with W_hh in the set.</summary>
    /// <param name="model">The model; stays as it is.</param>
    /// <returns>The same instance where W_hh is in the set already, to rounding. Cost O(h³).</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    /// <exception cref="ArithmeticException">The factorisation of W_hh does not converge, or a constraint of your own
    /// gives NaN or infinity.</exception>
    /// <exception cref="InvalidOperationException">A constraint of your own gives a matrix that is not h×h.</exception>
    public LinearRnn Apply(LinearRnn model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (Project(model.Whh) is not Matrix<double> whh)
        {
            return model;
        }
        if (whh.RowCount != model.HiddenSize || whh.ColumnCount != model.HiddenSize)
        {
            throw new InvalidOperationException(
                $"{this}: expected {model.HiddenSize}×{model.HiddenSize} for W_hh (h×h), "
                + $"got {whh.RowCount}×{whh.ColumnCount}.");
        }
        ReadOnlySpan<double> entries = whh.ColumnMajor();
        if (VectorMath.FirstNonFinite(entries) is int index and >= 0)
        {
            throw new ArithmeticException(
                $"{this}: expected finite numbers for W_hh, got {NumberText.Exact(entries[index])}.");
        }
        ParameterArray weights = model.Weights.Copy();
        entries.CopyTo(weights.Whh.Values);
        return new LinearRnn(weights);
    }

    /// <summary>Every setting, such as $"norm {MaxNorm}": two of one type with the same text behave alike, and a
    /// checkpoint compares it. Written alike under every culture.</summary>
    protected abstract FormattableString Settings { get; }

    /// <summary>The name with every setting.</summary>
    public sealed override string ToString() => NumberText.Named(this, Settings);

    /// <summary>W_hh in the set.</summary>
    /// <param name="whh">W_hh, h×h, finite: a copy.</param>
    /// <returns>h×h, finite; null where <paramref name="whh"/> is in the set already, to rounding.</returns>
    protected abstract Matrix<double>? Project(Matrix<double> whh);
}
