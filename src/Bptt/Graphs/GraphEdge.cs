// The edges of the dependency graph: what is computed from what, and what the gradient hands back. Data only.

namespace Bptt.Graphs;

/// <summary>A dependency. Immutable.</summary>
/// <param name="From">What is read.</param>
/// <param name="To">What is computed from it.</param>
internal sealed record GraphEdge(GraphNode From, GraphNode To)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From} → {To}";
}

/// <summary>An edge of the backward pass: a dependency in reverse, with what travels along it. Leaving a variable, it
/// carries that variable's whole gradient; leaving an operator, it carries one term of the gradient of
/// <see cref="To"/>, which is the sum over the edges that arrive there and are not cut. Immutable.</summary>
/// <param name="From">Where the gradient comes from; in the forward pass this depends on <see cref="To"/>.</param>
/// <param name="To">Where it goes.</param>
/// <param name="Formula">What travels along the edge: W_hhᵀ ∂L/∂h_2 from f_2 to h_1. A cut edge carries nothing, and
/// this is what it would carry.</param>
/// <param name="Equation">The number of the formula that has this term: 1 (∂L/∂o_t), 2 (∂L/∂h_T), 3 (the recursion) or
/// 5 (the parameters); null where a gradient is handed on as it is.</param>
/// <param name="Reads">The value from the way forward that this term reads again; null where it reads none.</param>
/// <param name="IsCut">Whether truncation stops the gradient here.</param>
internal sealed record GradientEdge(
    GraphNode From, GraphNode To, string Formula, int? Equation, GraphNode? Reads, bool IsCut)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From} → {To}: {(IsCut ? "cut" : Formula)}";
}
