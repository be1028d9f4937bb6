// The edges of the dependency graph: what is computed from what, and what the gradient hands back. Data only.

namespace Bptt.Graphs;

/// <summary>A dependency: <see cref="To"/> is computed from <see cref="From"/>. Immutable.</summary>
public sealed record GraphEdge
{
    internal GraphEdge(GraphNode from, GraphNode to)
    {
        From = from;
        To = to;
    }

    /// <summary>What is read.</summary>
    public GraphNode From { get; }

    /// <summary>What is computed from it.</summary>
    public GraphNode To { get; }

    /// <summary>As it is written in text.</summary>
    public override string ToString() => $"{From} → {To}";
}

/// <summary>An edge of the backward pass: a dependency in reverse, with what travels along it. Leaving a variable, it
/// carries that variable's whole gradient; leaving an operator, it carries one term of the gradient of
/// <see cref="To"/>, which is the sum over the edges that arrive there and are not cut. Immutable.</summary>
public sealed record GradientEdge
{
    internal GradientEdge(GraphNode from, GraphNode to, string formula, int? equation, GraphNode? reads, bool isCut)
    {
        From = from;
        To = to;
        Formula = formula;
        Equation = equation;
        Reads = reads;
        IsCut = isCut;
    }

    /// <summary>Where the gradient comes from; in the forward pass this depends on <see cref="To"/>.</summary>
    public GraphNode From { get; }

    /// <summary>Where it goes.</summary>
    public GraphNode To { get; }

    /// <summary>What travels along the edge: W_hhᵀ ∂L/∂h_2 from f_2 to h_1. A cut edge carries nothing, and this is
    /// what it would carry.</summary>
    public string Formula { get; }

    /// <summary>The number of the formula that has this term: 1 (∂L/∂o_t), 2 (∂L/∂h_T), 3 (the recursion) or 5 (the
    /// parameters); null where a gradient is handed on as it is.</summary>
    public int? Equation { get; }

    /// <summary>The value from the way forward that this term reads again; null where it reads none.</summary>
    public GraphNode? Reads { get; }

    /// <summary>Whether truncation stops the gradient here.</summary>
    public bool IsCut { get; }

    /// <summary>As it is written in text.</summary>
    public override string ToString() => $"{From} → {To}: {(IsCut ? "cut" : Formula)}";
}
