// Where the gradients of the lifted weights are summed, and what they are summed of. Computes nothing but the sums
// along the diagonals of ∂L/∂𝒯.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>The columns that the products of the gradients are made of.</summary>
/// <param name="Inputs">X, dS×n.</param>
/// <param name="States">h_0 and the states at the ends of the chunks, h×(n + 1).</param>
/// <param name="OutputGradients">G, qS×n.</param>
/// <param name="StateGradients">D_0 … D_n, h×(n + 1).</param>
internal sealed record LiftedOperands<TReal>(
    PackedColumns<TReal> Inputs,
    PackedColumns<TReal> States,
    PackedColumns<TReal> OutputGradients,
    PackedColumns<TReal> StateGradients)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>;

/// <summary>∂L/∂C, ∂L/∂A, ∂L/∂O and ∂L/∂𝒯, and with <see cref="SumDiagonals"/> ∂L/∂M.</summary>
internal sealed class LiftedSums<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly ArraySegment<double> _direct;
    private readonly ArraySegment<TReal> _productsOfDirect; // the same memory, where the products are the sums

    /// <param name="weights">The lifted model.</param>
    /// <param name="context">Memory of the pass.</param>
    /// <param name="doubles">Memory of the sums.</param>
    public LiftedSums(LiftedWeights weights, PassContext<TReal> context, PassContext doubles)
    {
        Terms = weights.Terms.ForAnother(ParameterArray.ShapedLike(weights.Model, doubles.Storage), doubles);
        long length = (long)weights.Lifted.InputSize * weights.Lifted.OutputSize;
        _direct = doubles.Storage(length);
        Sums = GradientSums<TReal>.In(Terms.Lifted, context, _direct);
        _productsOfDirect = (object)_direct is ArraySegment<TReal> same ? same : context.Storage(length);
    }

    /// <summary>Where ∂L/∂C, ∂L/∂A, ∂L/∂O and ∂L/∂M go, and those of the model afterwards.</summary>
    public DoublingTerms Terms { get; }

    /// <summary>Where the products over the chunks are summed.</summary>
    public GradientSums<TReal> Sums { get; }

    /// <summary>The first columns of ∂L/∂𝒯, qS×dS, of which what is above its diagonal is undefined.</summary>
    public MatrixSpan<TReal> Direct(int columns) =>
        new(_productsOfDirect, Terms.Lifted.OutputSize, columns, Terms.Lifted.OutputSize);

    /// <summary>∂L/∂M_k: what stands along each diagonal of ∂L/∂𝒯.</summary>
    public void SumDiagonals() => DirectTerm.SumDiagonals(
        new MatrixSpan(_direct, Terms.Lifted.OutputSize, Terms.Lifted.InputSize, Terms.Lifted.OutputSize),
        Terms.Response.Span);
}
