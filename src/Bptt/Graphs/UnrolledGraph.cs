// The dependency graph of the unrolled model as data, made formula by formula: the one place that knows the model's
// equations. Nothing is drawn here.

using Bptt.Edge;

namespace Bptt.Graphs;

/// <summary>The nodes and edges that every picture is drawn from. Never changes.</summary>
internal sealed class UnrolledGraph
{
    private readonly List<GraphNode> _nodes = [];
    private readonly List<GraphEdge> _edges = [];

    /// <summary>Unrolls the model.</summary>
    /// <param name="steps">T, at least 1.</param>
    /// <param name="options">What pictures show, and where gradients are cut.</param>
    public UnrolledGraph(int steps, ComputationGraphOptions options)
    {
        Steps = steps;
        Options = options;

        GraphNode whx = Parameter(GraphRole.Whx, "W_hx", "input-to-hidden weights, h×d");
        GraphNode whh = Parameter(GraphRole.Whh, "W_hh", "hidden-to-hidden weights, h×h");
        GraphNode wqh = Parameter(GraphRole.Wqh, "W_qh", "hidden-to-output weights, q×h");
        GraphNode state = Variable(GraphRole.State, "h_0", 0, "initial hidden state, given", "∂L/∂h_1 h_0ᵀ");

        List<GraphNode> losses = [];
        for (int t = 1; t <= steps; t++)
        {
            GraphNode input = Variable(
                GraphRole.Input, $"x_{t}", t, $"input of step {t}, given", $"∂L/∂h_{t} x_{t}ᵀ");
            GraphNode next = Operator(
                GraphRole.StateOperator, $"f_{t}", "f", t, $"h_{t} = W_hx x_{t} + W_hh h_{t - 1}");
            Connect(next, whx, input, whh, state);
            string[] reusedFor = t < steps ? [$"∂L/∂h_{t + 1} h_{t}ᵀ", $"∂L/∂o_{t} h_{t}ᵀ"] : [$"∂L/∂o_{t} h_{t}ᵀ"];
            state = Variable(GraphRole.State, $"h_{t}", t, $"hidden state of step {t}", reusedFor);
            Connect(state, next);

            GraphNode product = Operator(GraphRole.OutputOperator, $"g_{t}", "g", t, $"o_{t} = W_qh h_{t}");
            Connect(product, wqh, state);
            GraphNode output = Variable(GraphRole.Output, $"o_{t}", t, $"output of step {t}", $"1/T ∂ℓ_{t}/∂o_{t}");
            Connect(output, product);

            GraphNode target = Variable(GraphRole.Target, $"y_{t}", t, $"target of step {t}, given");
            GraphNode loss = Operator(GraphRole.LossOperator, $"loss_{t}", "ℓ", t, $"ℓ_{t} = ℓ(o_{t}, y_{t})");
            Connect(loss, output, target);
            losses.Add(Add(new GraphNode(
                GraphRole.Loss, GraphNodeKind.Variable, $"l_{t}", $"ℓ_{t}", t, $"loss of step {t}")));
            Connect(losses[^1], loss);
        }

        GraphNode mean = Operator(GraphRole.Mean, "mean", "1/T Σ", null, $"L = 1/T Σ_t ℓ_t, T = {steps}");
        Connect(mean, losses.ToArray());
        Connect(Variable(GraphRole.Objective, "L", null, "objective function"), mean);
        GradientEdges = GradientsBack();
    }

    /// <summary>T.</summary>
    public int Steps { get; }

    /// <summary>What pictures show, and where gradients are cut.</summary>
    public ComputationGraphOptions Options { get; }

    /// <summary>The 8T + 6 nodes in an order of evaluation: each after all that it depends on.</summary>
    public IReadOnlyList<GraphNode> Nodes => _nodes;

    /// <summary>The 12T + 1 dependencies of the forward pass, in the order in which they are evaluated.</summary>
    public IReadOnlyList<GraphEdge> Edges => _edges;

    /// <summary>The 10T edges of the backward pass, in an order in which it can go: the reverse of every dependency
    /// whose source is a parameter or depends on one. ∂L/∂x_t and ∂L/∂h_0, which no parameter's gradient needs, are not
    /// among them.</summary>
    public IReadOnlyList<GradientEdge> GradientEdges { get; }

    /// <summary>The node of a name.</summary>
    /// <param name="id"><see cref="GraphNode.Id"/>.</param>
    /// <param name="name">What a message calls the name.</param>
    /// <exception cref="ArgumentException">The graph has no such node.</exception>
    public GraphNode Node(string id, string name)
    {
        ArgumentNullException.ThrowIfNull(id, name);
        return _nodes.Find(n => n.Id == id) ?? throw Guard.Error(
            name, $"expected a node of {Steps} unrolled steps, such as 'h_{Steps}' or 'W_hh', got '{id}'.");
    }

    /// <summary>How many paths lead from one node to another; see <see cref="ComputationGraph.PathCount"/>.</summary>
    public long PathCount(GraphNode from, GraphNode to)
    {
        Dictionary<GraphNode, long> counts = new() { [from] = 1 };
        foreach (GraphEdge edge in _edges)
        {
            if (counts.TryGetValue(edge.From, out long count))
            {
                counts[edge.To] = counts.GetValueOrDefault(edge.To) + count;
            }
        }
        return counts.GetValueOrDefault(to);
    }

    /// <summary>The dependencies from last to first, turned around, without those that no parameter reaches.</summary>
    private List<GradientEdge> GradientsBack()
    {
        HashSet<GraphNode> reached = [.. _nodes.Where(n => n.Kind == GraphNodeKind.Parameter)];
        foreach (GraphEdge edge in _edges)
        {
            if (reached.Contains(edge.From))
            {
                reached.Add(edge.To);
            }
        }
        return _edges.AsEnumerable().Reverse().Where(e => reached.Contains(e.From)).Select(Reverse).ToList();
    }

    private GradientEdge Reverse(GraphEdge edge)
    {
        int t = edge.To.Step ?? 0;
        return (edge.From.Role, edge.To.Role) switch
        {
            (GraphRole.Mean, _) => Gradient("1", null), // ∂L/∂L
            (GraphRole.Loss, _) => Gradient("1/T", 1),
            (GraphRole.Output, _) => Gradient($"1/T ∂ℓ_{t}/∂o_{t}", 1, edge.From),
            (GraphRole.State, GraphRole.OutputOperator) => Gradient($"W_qhᵀ ∂L/∂o_{t}", t == Steps ? 2 : 3),
            (GraphRole.Wqh, _) => Gradient($"∂L/∂o_{t} h_{t}ᵀ", 5, Named($"h_{t}")),
            (GraphRole.State, GraphRole.StateOperator) => Gradient($"W_hhᵀ ∂L/∂h_{t}", 3),
            (GraphRole.Whh, _) => Gradient($"∂L/∂h_{t} h_{t - 1}ᵀ", 5, Named($"h_{t - 1}")),
            (GraphRole.Whx, _) => Gradient($"∂L/∂h_{t} x_{t}ᵀ", 5, Named($"x_{t}")),
            _ => Gradient($"∂L/∂{edge.To.Label}", null), // from a variable to the operator that made it
        };

        GradientEdge Gradient(string formula, int? equation, GraphNode? reads = null) =>
            new(edge.To, edge.From, formula, equation, reads, IsCut(edge));
    }

    /// <summary>Whether the gradient of the step after h_t stops before h_t.</summary>
    private bool IsCut(GraphEdge edge) =>
        Options.Truncation is not null && edge.From.Role == GraphRole.State && edge.To.Role == GraphRole.StateOperator
        && Options.Truncation.CutsAfter(edge.From.Step!.Value);

    private GraphNode Named(string id) => Node(id, nameof(id));

    private GraphNode Parameter(GraphRole role, string name, string meaning) =>
        Add(new GraphNode(role, GraphNodeKind.Parameter, name, name, null, meaning));

    private GraphNode Variable(GraphRole role, string name, int? step, string meaning, params string[] reusedFor) =>
        Add(new GraphNode(role, GraphNodeKind.Variable, name, name, step, meaning, reusedFor));

    private GraphNode Operator(GraphRole role, string id, string label, int? step, string meaning) =>
        Add(new GraphNode(role, GraphNodeKind.Operator, id, label, step, meaning));

    private GraphNode Add(GraphNode node)
    {
        _nodes.Add(node);
        return node;
    }

    private void Connect(GraphNode to, params GraphNode[] from) =>
        _edges.AddRange(from.Select(f => new GraphEdge(f, to)));
}
