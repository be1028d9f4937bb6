// What the pictures of a dependency graph say in words.

namespace Bptt.Graphs;

internal static class GraphText
{
    public static string Title(UnrolledGraph graph) =>
        $"The linear RNN unrolled over {graph.Steps} time {(graph.Steps == 1 ? "step" : "steps")}";

    public static string Description(UnrolledGraph graph)
    {
        string text = "Dependency graph: boxes are variables, shaded boxes are parameters and circles are operators. "
            + "At each step t the "
            + "state h_t is computed from the input x_t, the state before it and the weights W_hx and W_hh, "
            + "the output o_t from h_t and "
            + "W_qh, and the loss ℓ_t from o_t and the target y_t. The objective L is the mean of the losses.";
        if (graph.Options.ShowGradients)
        {
            text += " Beside the dependencies run the gradients of the backward pass, in reverse, "
                + "from L to the parameters.";
            text += graph.Options.Truncation is Truncation truncation ? $" Truncation cuts them, {truncation}." : "";
        }
        return graph.Options.ShowStored
            ? text + " What is stored on the way forward and read again on the way back is marked: x_t, h_t and o_t."
            : text;
    }

    /// <summary>What colours and arrows mean, where no sample stands beside the words.</summary>
    public static IEnumerable<string> Marks(UnrolledGraph graph)
    {
        if (graph.Options.ShowStored)
        {
            yield return "green: stored, and → reused for";
        }
        if (graph.Options.ShowGradients)
        {
            yield return "orange: gradient, with what it carries";
            if (graph.Options.Truncation is Truncation truncation)
            {
                yield return $"cut: {truncation}";
            }
        }
    }

    /// <summary>The operators by their formulas, and what else is shown: lines of a legend.</summary>
    public static IEnumerable<string> Notes(UnrolledGraph graph)
    {
        yield return "f: h_t = W_hx x_t + W_hh h_{t−1}";
        yield return "g: o_t = W_qh h_t";
        yield return "ℓ: ℓ_t = ℓ(o_t, y_t)";
        yield return $"1/T Σ: L = 1/T Σ_t ℓ_t, T = {graph.Steps}";
        if (graph.Options.ShowGradients)
        {
            yield return "(1) ∂L/∂o_t = 1/T ∂ℓ_t/∂o_t";
            yield return "(2) ∂L/∂h_T = W_qhᵀ ∂L/∂o_T";
            yield return "(3) ∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t";
            yield return "(4) ∂L/∂h_t = Σ_{i=t..T} (W_hhᵀ)^{T−i} W_qhᵀ ∂L/∂o_{T+t−i}";
            yield return "(5) ∂L/∂W_qh = Σ_t ∂L/∂o_t h_tᵀ";
            yield return "(5) ∂L/∂W_hx = Σ_t ∂L/∂h_t x_tᵀ";
            yield return "(5) ∂L/∂W_hh = Σ_t ∂L/∂h_t h_{t−1}ᵀ";
            if (graph.Options.ShowStored)
            {
                yield return "∂L/∂h_t: computed once, stored, reused by (3) for h_{t−1} and by (5) for W_hx and W_hh";
            }
        }
    }

    /// <summary>The gradients that read a value again, by the names of what they are gradients of.</summary>
    public static IEnumerable<string> Readers(UnrolledGraph graph, GraphNode node) =>
        graph.GradientEdges.Where(e => e.Reads == node).Select(e => $"∂L/∂{e.To.Label}");

    public static string Of(GraphNode node, ComputationGraphOptions options) =>
        options.ShowStored && node.IsStored
            ? $"{node.Label}: {node.Meaning}; stored, and read again by {string.Join(" and ", node.ReusedFor)}"
            : node.Kind == GraphNodeKind.Operator ? node.Meaning : $"{node.Label}: {node.Meaning}";

    public static string Of(GradientEdge edge)
    {
        string formula = edge.Equation is int number ? $"{edge.Formula}, formula ({number})" : edge.Formula;
        return edge.IsCut ? $"cut: {formula}" : formula;
    }
}
