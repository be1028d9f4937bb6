// The entries of gradients that a clipping writes to. Views of memory that its base class owns; decides nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.LinearAlgebra;

namespace Bptt.Remedies;

/// <summary>The entries of all gradients, each matrix column after column, to be clipped in place by
/// <see cref="GradientClipping.Clip"/>.</summary>
/// <example>
/// <code>
/// // A bound that no gradient reaches, without a kink: g ← g θ/(θ + ‖g‖).
/// public sealed class SoftClipping(double bound) : GradientClipping
/// {
///     protected override FormattableString Settings => $"bound {bound}";
///
///     protected override double? Clip(GradientEntries gradients)
///     {
///         double factor = bound / (bound + gradients.Norm());
///         gradients.Scale(factor);
///         return factor;
///     }
/// }
/// </code>
/// </example>
public readonly ref struct GradientEntries
{
    private readonly ParameterArray _weights;

    internal GradientEntries(ParameterArray weights, Span<double> initialStates)
    {
        _weights = weights;
        InitialStates = initialStates;
    }

    /// <summary>∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh, one behind the other: h(d + h + q) entries.</summary>
    public Span<double> Weights => _weights.Values;

    /// <summary>∂L/∂W_hx, h×d.</summary>
    public Span<double> Whx => _weights.Whx.Values;

    /// <summary>∂L/∂W_hh, h×h.</summary>
    public Span<double> Whh => _weights.Whh.Values;

    /// <summary>∂L/∂W_qh, q×h.</summary>
    public Span<double> Wqh => _weights.Wqh.Values;

    /// <summary>∂L/∂h_0, h×B; empty where h_0 is not learned.</summary>
    public Span<double> InitialStates { get; }

    /// <summary>The Euclidean norm of all entries together; infinite where it exceeds the largest double though no
    /// entry does. Cost O(h(d + h + q + B)).</summary>
    public double Norm() => VectorMath.Norm([VectorMath.Norm(Weights), VectorMath.Norm(InitialStates)]);

    /// <summary>Multiplies every entry. Cost O(h(d + h + q + B)).</summary>
    public void Scale(double factor)
    {
        VectorMath.Scale(factor, Weights);
        VectorMath.Scale(factor, InitialStates);
    }
}
