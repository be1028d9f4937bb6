// Where the gradients of the lifted weights are summed, and what they are summed of. Computes nothing but the sums
// along the diagonals of ∂L/∂𝒯.

namespace Bptt.Lifting;

/// <summary>The columns that the products of the gradients are made of.</summary>
/// <param name="Inputs">X, dS×n.</param>
/// <param name="States">h_0 and the states at the ends of the chunks, h×(n + 1).</param>
/// <param name="OutputGradients">G, qS×n.</param>
/// <param name="StateGradients">D_0 … D_n, h×(n + 1).</param>
internal sealed record LiftedOperands(
    PackedColumns Inputs, PackedColumns States, PackedColumns OutputGradients, PackedColumns StateGradients);

/// <summary>∂L/∂C, ∂L/∂A, ∂L/∂O and ∂L/∂𝒯, and with <see cref="SumDiagonals"/> ∂L/∂M.</summary>
internal sealed class LiftedSums
{
    private readonly ArraySegment<double> _direct;

    /// <param name="weights">The lifted model.</param>
    /// <param name="context">Memory.</param>
    public LiftedSums(LiftedWeights weights, PassContext context)
    {
        Terms = weights.Terms.ForAnother(ParameterArray.ShapedLike(weights.Model, context.Storage), context);
        _direct = context.Storage((long)weights.Lifted.InputSize * weights.Lifted.OutputSize);
    }

    /// <summary>Where ∂L/∂C, ∂L/∂A, ∂L/∂O and ∂L/∂M go, and those of the model afterwards.</summary>
    public DoublingTerms Terms { get; }

    /// <summary>The first columns of ∂L/∂𝒯, qS×dS, of which what is above its diagonal is undefined.</summary>
    public MatrixSpan Direct(int columns) => new(_direct, Terms.Lifted.OutputSize, columns, Terms.Lifted.OutputSize);

    /// <summary>∂L/∂M_k: what stands along each diagonal of ∂L/∂𝒯.</summary>
    public void SumDiagonals() => DirectTerm.SumDiagonals(Direct(Terms.Lifted.InputSize), Terms.Response.Span);
}
