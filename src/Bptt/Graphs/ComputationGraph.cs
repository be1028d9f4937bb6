// The dependency graph of the unrolled model, as data. The pictures of it are drawn elsewhere; no pass runs through it.

using Bptt.Edge;

namespace Bptt.Graphs;

/// <summary>
/// Which value of the model unrolled over T steps is computed from which, and which way gradients go back (<i>Dive into
/// Deep Learning</i>, "Back-propagation through time", figure "Computational dependencies for an RNN model with three
/// time steps"). As in that figure variables are boxes, parameters shaded boxes and operators circles, h_0 is a node of
/// its own, and h_t = W_hx x_t + W_hh h_{t−1} is one operator (here f, after the source's h_t = f(x_t, h_{t−1}, w_h)),
/// as is o_t = W_qh h_t (g). Unlike there, W_hx and W_hh do not share a box, and the one operator from all o_t and y_t
/// to L is taken apart into the loss of each step, ℓ_t, and their mean. Immutable.
/// </summary>
public sealed class ComputationGraph
{
    /// <summary>The most steps that are unrolled: more would make pictures wider than the 32767 pixels that many
    /// viewers can draw, and show nothing that fewer do not.</summary>
    public static int MaxSteps => 100;

    private readonly Dictionary<string, GraphNode> _byId;

    private ComputationGraph(
        int steps,
        ComputationGraphOptions options,
        List<GraphNode> nodes,
        List<GraphEdge> edges,
        List<GradientEdge> gradientEdges)
    {
        Steps = steps;
        Options = options;
        Nodes = nodes.AsReadOnly();
        Edges = edges.AsReadOnly();
        GradientEdges = gradientEdges.AsReadOnly();
        _byId = nodes.ToDictionary(n => n.Id, StringComparer.Ordinal);
    }

    /// <summary>T.</summary>
    public int Steps { get; }

    /// <summary>As it was made.</summary>
    public ComputationGraphOptions Options { get; }

    /// <summary>The 8T + 6 nodes in an order of evaluation: each after all that it depends on.</summary>
    public IReadOnlyList<GraphNode> Nodes { get; }

    /// <summary>The 12T + 1 dependencies of the forward pass, in the order in which they are evaluated.</summary>
    public IReadOnlyList<GraphEdge> Edges { get; }

    /// <summary>The 10T edges of the backward pass, in an order in which it can go: the reverse of every dependency
    /// whose source is a parameter or depends on one. ∂L/∂x_t and ∂L/∂h_0, which no parameter's gradient needs, are not
    /// among them.</summary>
    public IReadOnlyList<GradientEdge> GradientEdges { get; }

    /// <summary>Unrolls the model.</summary>
    /// <param name="steps">T, from 1 to <see cref="MaxSteps"/>.</param>
    /// <param name="options">What pictures show, and where gradients are cut.</param>
    /// <exception cref="ArgumentOutOfRangeException">T is outside its range.</exception>
    public static ComputationGraph Unroll(int steps, ComputationGraphOptions? options = null)
    {
        if (steps < 1 || steps > MaxSteps)
        {
            throw Guard.Range(
                nameof(steps), $"expected from 1 to {MaxSteps} steps, as many as a picture can show, got {steps}.");
        }
        options ??= new ComputationGraphOptions();
        var unrolling = new GraphUnrolling(steps, options.Truncation);
        return new ComputationGraph(steps, options, unrolling.Nodes, unrolling.Edges, unrolling.GradientEdges());
    }

    /// <summary>The node of a name.</summary>
    /// <param name="id"><see cref="GraphNode.Id"/>, "h_2".</param>
    /// <exception cref="ArgumentException">The graph has no such node.</exception>
    public GraphNode Node(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return _byId.TryGetValue(id, out GraphNode? node)
            ? node
            : throw Guard.Error(
                nameof(id), $"expected a node of {Steps} unrolled steps, such as 'h_{Steps}' or 'W_hh', got '{id}'.");
    }

    /// <summary>How many paths of dependencies lead from one node to another: 0 where the other does not depend on it,
    /// 1 from a node to itself. A gradient sums over these paths: from W_hh to L there are T(T + 1)/2, one for each
    /// pair of a step where W_hh is used and a loss no earlier. O(T).</summary>
    /// <param name="from">The id of the node where paths begin.</param>
    /// <param name="to">The id of the node where they end.</param>
    /// <exception cref="ArgumentException">The graph has no such node.</exception>
    public long PathCount(string from, string to)
    {
        GraphNode first = Node(from);
        GraphNode last = Node(to);
        var counts = new Dictionary<string, long>(StringComparer.Ordinal) { [first.Id] = 1 };
        foreach (GraphEdge edge in Edges)
        {
            if (counts.TryGetValue(edge.From.Id, out long count))
            {
                counts[edge.To.Id] = counts.GetValueOrDefault(edge.To.Id) + count;
            }
        }
        return counts.GetValueOrDefault(last.Id);
    }

    /// <summary>The graph in Graphviz' language, for <c>dot</c>. The same text for the same graph, always.</summary>
    /// <remarks><c>dot</c> lays out ten steps with gradients within a second, but twenty take it many times as long;
    /// <see cref="ToSvg"/> takes milliseconds for any.</remarks>
    public string ToDot() => GraphDot.Write(this);

    /// <summary>The graph as a Mermaid flowchart, in which an edge that gradients go back on has two heads. The same
    /// text for the same graph, always.</summary>
    /// <remarks>Mermaid refuses diagrams of more than 500 edges, here of more than 41 steps, unless the page that shows
    /// them sets its <c>maxEdges</c>.</remarks>
    public string ToMermaid() => GraphMermaid.Write(this);

    /// <summary>The graph as a self-contained SVG: a column for each step, legend below; light or dark as the viewer
    /// prefers. The same text for the same graph, always.</summary>
    public string ToSvg() => GraphSvg.Write(this);

    /// <summary>As it is written in text.</summary>
    public override string ToString() => $"{Steps} steps unrolled: {Nodes.Count} nodes, {Edges.Count} edges";
}
