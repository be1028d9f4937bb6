// A node of the dependency graph. Data only.

namespace Bptt.Graphs;

/// <summary>What a node of the dependency graph is, and so how it is drawn.</summary>
internal enum GraphNodeKind
{
    /// <summary>A variable, a plain box: x_t, h_t, o_t, y_t, ℓ_t and L.</summary>
    Variable,

    /// <summary>A parameter, a shaded box: W_hx, W_hh and W_qh.</summary>
    Parameter,

    /// <summary>An operator, a circle: one for each formula that is evaluated.</summary>
    Operator,
}

/// <summary>A node of the dependency graph. Immutable; nodes are told apart by identity.</summary>
/// <param name="role">Its place in the model.</param>
/// <param name="kind">Variable, parameter or operator.</param>
/// <param name="id">Its name.</param>
/// <param name="label">What is written on it.</param>
/// <param name="step">The time step it belongs to.</param>
/// <param name="meaning">The node in words.</param>
/// <param name="reusedFor">The terms of the backward pass that read it.</param>
internal sealed class GraphNode(
    GraphRole role, GraphNodeKind kind, string id, string label, int? step, string meaning, params string[] reusedFor)
{
    /// <summary>The name of the node, unique in its graph: ASCII letters, digits and underscores. x_1, h_0, o_1, y_1, L
    /// and W_hx are themselves; l_1 is ℓ_1; the operators are f_1, g_1, loss_1 and mean.</summary>
    public string Id => id;

    /// <summary>Variable, parameter or operator.</summary>
    public GraphNodeKind Kind => kind;

    /// <summary>What is written on the node, in the notation of this library's documentation: <c>h_1</c> with an
    /// underscore before a subscript.</summary>
    public string Label => label;

    /// <summary>The time step it belongs to, 0 for h_0; null for the parameters, the mean and L, which belong to
    /// all.</summary>
    public int? Step => step;

    /// <summary>The node in words, with its formula where it has one.</summary>
    public string Meaning => meaning;

    /// <summary>The terms of the backward pass that read this value again, ∂L/∂h_1 x_1ᵀ for x_1; empty where none does.
    /// In terms of the gradients' formulas: x_t is read by ∂L/∂W_hx, h_0 … h_{T−1} by ∂L/∂W_hh and h_1 … h_T by
    /// ∂L/∂W_qh, all (5), and o_t by (1).</summary>
    public IReadOnlyList<string> ReusedFor => reusedFor;

    /// <summary>Whether it is kept on the way forward because the way back reads it: x_t, h_0 … h_T and o_t. A run
    /// within <see cref="ExecutionOptions.MemoryBudget"/> computes states again instead of keeping them all.</summary>
    public bool IsStored => ReusedFor.Count > 0;

    /// <summary>Its place in the model, by which it is laid out.</summary>
    public GraphRole Role => role;

    /// <inheritdoc/>
    public override string ToString() => Id;
}

/// <summary>The place of a node in the model.</summary>
internal enum GraphRole
{
    Whx,
    Whh,
    Wqh,
    Input,
    StateOperator,
    State,
    OutputOperator,
    Output,
    Target,
    LossOperator,
    Loss,
    Mean,
    Objective,
}
