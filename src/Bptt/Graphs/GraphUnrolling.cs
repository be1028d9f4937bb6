// Makes the nodes and edges of the unrolled model, formula by formula. The one place that knows the model's equations.

namespace Bptt.Graphs;

internal sealed class GraphUnrolling
{
    private readonly int _steps;
    private readonly Truncation? _truncation;

    public GraphUnrolling(int steps, Truncation? truncation)
    {
        _steps = steps;
        _truncation = truncation;

        GraphNode whx = Parameter(GraphRole.Whx, "W_hx", "input-to-hidden weights, h×d");
        GraphNode whh = Parameter(GraphRole.Whh, "W_hh", "hidden-to-hidden weights, h×h");
        GraphNode wqh = Parameter(GraphRole.Wqh, "W_qh", "hidden-to-output weights, q×h");
        GraphNode state = Variable(GraphRole.State, "h_0", 0, "initial hidden state, given", "∂L/∂h_1 h_0ᵀ");

        List<GraphNode> losses = [];
        for (int t = 1; t <= steps; t++)
        {
            GraphNode input = Variable(GraphRole.Input, $"x_{t}", t, $"input of step {t}, given", $"∂L/∂h_{t} x_{t}ᵀ");
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
    }

    public List<GraphNode> Nodes { get; } = [];

    public List<GraphEdge> Edges { get; } = [];

    /// <summary>The dependencies from last to first, turned around, without those that no parameter reaches.</summary>
    public List<GradientEdge> GradientEdges()
    {
        HashSet<string> reached = new(
            Nodes.Where(n => n.Kind == GraphNodeKind.Parameter).Select(n => n.Id), StringComparer.Ordinal);
        foreach (GraphEdge edge in Edges)
        {
            if (reached.Contains(edge.From.Id))
            {
                reached.Add(edge.To.Id);
            }
        }
        return Edges.AsEnumerable().Reverse().Where(e => reached.Contains(e.From.Id)).Select(Reverse).ToList();
    }

    private GradientEdge Reverse(GraphEdge edge)
    {
        int t = edge.To.Step ?? 0;
        return (edge.From.Role, edge.To.Role) switch
        {
            (GraphRole.Mean, _) => Gradient("1", null), // ∂L/∂L
            (GraphRole.Loss, _) => Gradient("1/T", 1),
            (GraphRole.Output, _) => Gradient($"1/T ∂ℓ_{t}/∂o_{t}", 1, edge.From),
            (GraphRole.State, GraphRole.OutputOperator) => Gradient($"W_qhᵀ ∂L/∂o_{t}", t == _steps ? 2 : 3),
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
        _truncation is not null && edge.From.Role == GraphRole.State && edge.To.Role == GraphRole.StateOperator
        && _truncation.CutsAfter(edge.From.Step!.Value);

    private GraphNode Named(string id) => Nodes.Find(n => n.Id == id)!;

    private GraphNode Parameter(GraphRole role, string name, string meaning) =>
        Add(new GraphNode(role, GraphNodeKind.Parameter, name, name, null, meaning));

    private GraphNode Variable(GraphRole role, string name, int? step, string meaning, params string[] reusedFor) =>
        Add(new GraphNode(role, GraphNodeKind.Variable, name, name, step, meaning, reusedFor));

    private GraphNode Operator(GraphRole role, string id, string label, int? step, string meaning) =>
        Add(new GraphNode(role, GraphNodeKind.Operator, id, label, step, meaning));

    private GraphNode Add(GraphNode node)
    {
        Nodes.Add(node);
        return node;
    }

    private void Connect(GraphNode to, params GraphNode[] from) =>
        Edges.AddRange(from.Select(f => new GraphEdge(f, to)));
}
