// The dependency graph as data: which nodes and edges there are, what gradients travel along them, where they are cut.

using Bptt.Graphs;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Graphs;

public class UnrolledGraphTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(100)]
    public void The_numbers_of_nodes_and_edges_are_those_of_the_formulas(int steps)
    {
        UnrolledGraph graph = Unroll(steps);

        graph.Steps.Should().Be(steps);
        graph.Nodes.Should().HaveCount(8 * steps + 6);
        graph.Nodes.Count(n => n.Kind == GraphNodeKind.Variable)
            .Should().Be(5 * steps + 2, "x, h, o, y, ℓ, and h_0 and L");
        graph.Nodes.Count(n => n.Kind == GraphNodeKind.Operator).Should().Be(3 * steps + 1, "f, g, ℓ, and the mean");
        graph.Nodes.Where(n => n.Kind == GraphNodeKind.Parameter).Select(n => n.Id)
            .Should().Equal("W_hx", "W_hh", "W_qh");
        graph.Edges.Should().HaveCount(12 * steps + 1);
        graph.GradientEdges.Should().HaveCount(10 * steps);
    }

    [Fact]
    public void Two_steps_depend_as_the_formulas_say() =>
        Unroll(2).Edges.Select(e => e.ToString()).Should().BeEquivalentTo(
            [
                "W_hx → f_1", "x_1 → f_1", "W_hh → f_1", "h_0 → f_1", "f_1 → h_1",
                "W_hx → f_2", "x_2 → f_2", "W_hh → f_2", "h_1 → f_2", "f_2 → h_2",
                "W_qh → g_1", "h_1 → g_1", "g_1 → o_1", "o_1 → loss_1", "y_1 → loss_1", "loss_1 → l_1", "l_1 → mean",
                "W_qh → g_2", "h_2 → g_2", "g_2 → o_2", "o_2 → loss_2", "y_2 → loss_2", "loss_2 → l_2", "l_2 → mean",
                "mean → L",
            ]);

    [Fact]
    public void Two_steps_hand_gradients_back_as_the_formulas_say() =>
        Unroll(2).GradientEdges.Select(e => $"{e} {e.Equation} {e.Reads}".TrimEnd()).Should().BeEquivalentTo(
            [
                "L → mean: 1", "mean → l_1: 1/T 1", "mean → l_2: 1/T 1",
                "l_1 → loss_1: ∂L/∂ℓ_1", "loss_1 → o_1: 1/T ∂ℓ_1/∂o_1 1 o_1", "o_1 → g_1: ∂L/∂o_1",
                "l_2 → loss_2: ∂L/∂ℓ_2", "loss_2 → o_2: 1/T ∂ℓ_2/∂o_2 1 o_2", "o_2 → g_2: ∂L/∂o_2",
                "g_2 → h_2: W_qhᵀ ∂L/∂o_2 2", "g_1 → h_1: W_qhᵀ ∂L/∂o_1 3",
                "h_2 → f_2: ∂L/∂h_2", "f_2 → h_1: W_hhᵀ ∂L/∂h_2 3", "h_1 → f_1: ∂L/∂h_1",
                "g_1 → W_qh: ∂L/∂o_1 h_1ᵀ 5 h_1", "g_2 → W_qh: ∂L/∂o_2 h_2ᵀ 5 h_2",
                "f_1 → W_hx: ∂L/∂h_1 x_1ᵀ 5 x_1", "f_2 → W_hx: ∂L/∂h_2 x_2ᵀ 5 x_2",
                "f_1 → W_hh: ∂L/∂h_1 h_0ᵀ 5 h_0", "f_2 → W_hh: ∂L/∂h_2 h_1ᵀ 5 h_1",
            ]);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(20)]
    public void Nodes_are_in_an_order_of_evaluation_and_both_kinds_of_edges_in_one_of_their_pass(int steps)
    {
        UnrolledGraph graph = Unroll(steps);
        var place = graph.Nodes.Select((n, i) => (n, i)).ToDictionary(p => p.n, p => p.i);

        place.Should().HaveCount(graph.Nodes.Count, "no node comes twice");
        graph.Edges.Should().OnlyContain(e => place[e.From] < place[e.To]);
        graph.Edges.Select(e => place[e.To]).Should().BeInAscendingOrder();
        graph.GradientEdges.Select(e => place[e.From])
            .Should().BeInDescendingOrder("a gradient is whole before it goes on");
        graph.GradientEdges.Should().OnlyContain(e => place[e.From] > place[e.To]);
        graph.Edges.Should().OnlyContain(
            e => (e.From.Kind == GraphNodeKind.Operator) != (e.To.Kind == GraphNodeKind.Operator),
            "operators stand between values");
        graph.Edges.GroupBy(e => e.To).Where(g => g.Key.Kind == GraphNodeKind.Variable)
            .Should().OnlyContain(g => g.Count() == 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Gradients_go_back_over_every_edge_that_a_parameter_reaches_and_no_other(int steps)
    {
        UnrolledGraph graph = Unroll(steps);
        IEnumerable<string> reached = graph.Edges
            .Where(e => graph.Nodes.Any(p => p.Kind == GraphNodeKind.Parameter && graph.PathCount(p, e.From) > 0))
            .Select(e => e.ToString());

        graph.GradientEdges.Select(e => $"{e.To} → {e.From}").Should().BeEquivalentTo(reached);
        graph.GradientEdges.Should().OnlyContain(e => !e.IsCut);
        graph.GradientEdges.Select(e => e.To.Id).Should().NotContain(["h_0", "x_1", "y_1"], "they are given");
    }

    /// <summary>Sizes 1, so that along each edge a number travels: the sums over the edges are the gradients.</summary>
    [Theory]
    [InlineData(1, null)]
    [InlineData(2, null)]
    [InlineData(7, null)]
    [InlineData(7, 1)]
    [InlineData(7, 3)]
    [InlineData(6, 3)]
    [InlineData(6, 6)]
    [InlineData(6, 9)]
    public void What_travels_along_the_edges_adds_up_to_the_gradients(int steps, int? window)
    {
        const int seed = 20;
        var random = new Random(seed);
        Truncation? truncation = window is int k ? Truncation.Windows(k) : null;
        Matrix<double> Numbers(int count) =>
            Matrix<double>.Build.Dense(1, count, (_, _) => random.NextDouble() * 2 - 1);
        (Matrix<double> whx, Matrix<double> whh, Matrix<double> wqh) = (Numbers(1), Numbers(1), Numbers(1));
        Matrix<double> inputs = Numbers(steps);
        Matrix<double> targets = Numbers(steps);
        var forward = ForwardPass.Run(new LinearRnn(whx, whh, wqh), inputs, Numbers(1).Column(0));
        var backward = BackwardThroughTime.Run(
            forward, Objective.SquaredError(targets), new BackwardOptions { Truncation = truncation });

        Dictionary<string, double> values = new() { ["h_0"] = forward.HiddenState(0)[0] };
        for (int t = 1; t <= steps; t++)
        {
            values[$"x_{t}"] = inputs[0, t - 1];
            values[$"h_{t}"] = forward.HiddenState(t)[0];
            values[$"o_{t}"] = forward.Output(t)[0];
        }
        Dictionary<string, double> gradients = new() { ["L"] = 1.0 };
        UnrolledGraph graph = Unroll(steps, new ComputationGraphOptions { Truncation = truncation });
        foreach (GradientEdge edge in graph.GradientEdges.Where(e => !e.IsCut))
        {
            double factor = (edge.From.Id.Split('_')[0], edge.To.Kind) switch
            {
                ("mean", _) => 1.0 / steps,
                ("loss", _) => values[edge.Reads!.Id] - targets[0, edge.To.Step!.Value - 1],
                ("f" or "g", GraphNodeKind.Parameter) => values[edge.Reads!.Id],
                ("g", _) => wqh[0, 0],
                ("f", _) => whh[0, 0],
                _ => 1.0,
            };
            gradients[edge.To.Id] = gradients.GetValueOrDefault(edge.To.Id) + factor * gradients[edge.From.Id];
        }

        string because = $"of seed {seed}";
        gradients["W_hx"].Should().BeApproximately(backward.Gradients.Whx[0, 0], 1e-14, because);
        gradients["W_hh"].Should().BeApproximately(backward.Gradients.Whh[0, 0], 1e-14, because);
        gradients["W_qh"].Should().BeApproximately(backward.Gradients.Wqh[0, 0], 1e-14, because);
        for (int t = 1; t <= steps; t++)
        {
            gradients[$"h_{t}"].Should().BeApproximately(backward.HiddenStateGradient(t)[0], 1e-14, because);
            gradients[$"o_{t}"].Should().BeApproximately(backward.OutputGradient(t)[0], 1e-14, because);
        }
    }

    [Theory]
    [InlineData(1, "f_2 → h_1: cut", "f_3 → h_2: cut", "f_4 → h_3: cut", "f_5 → h_4: cut")]
    [InlineData(2, "f_3 → h_2: cut", "f_5 → h_4: cut")]
    [InlineData(3, "f_4 → h_3: cut")]
    [InlineData(4, "f_5 → h_4: cut")]
    [InlineData(5)]
    [InlineData(int.MaxValue)]
    public void Windows_cut_the_recursion_between_them_and_nothing_else(int window, params string[] cut)
    {
        var options = new ComputationGraphOptions { Truncation = Truncation.Windows(window) };

        UnrolledGraph graph = Unroll(5, options);

        graph.GradientEdges.Where(e => e.IsCut).Select(e => e.ToString()).Should().BeEquivalentTo(cut);
        graph.Edges.Select(e => e.ToString()).Should().Equal(
            Unroll(5).Edges.Select(e => e.ToString()), "states are never truncated");
        graph.Options.Should().BeSameAs(options);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void What_is_stored_is_what_gradients_read(int steps)
    {
        UnrolledGraph graph = Unroll(steps);
        IEnumerable<int> all = Enumerable.Range(1, steps);

        graph.Nodes.Where(n => n.IsStored).Select(n => n.Id).Should().BeEquivalentTo(
            [.. all.Select(t => $"x_{t}"), .. all.Select(t => $"h_{t}"), .. all.Select(t => $"o_{t}"), "h_0"]);
        foreach (GraphNode node in graph.Nodes)
        {
            node.ReusedFor.Should().BeEquivalentTo(
                graph.GradientEdges.Where(e => node.Equals(e.Reads)).Select(e => e.Formula), "of {0}", node);
        }
    }

    [Fact]
    public void Steps_are_given_where_a_node_has_one()
    {
        UnrolledGraph graph = Unroll(3);

        graph.Nodes.Where(n => n.Step is null).Select(n => n.Id).Should().Equal("W_hx", "W_hh", "W_qh", "mean", "L");
        graph.Nodes.Where(n => n.Step is not null)
            .Should().OnlyContain(n => n.Id.EndsWith($"_{n.Step}", StringComparison.Ordinal));
        graph.Node("l_2", "id").Label.Should().Be("ℓ_2");
        graph.Node("f_2", "id").Meaning.Should().Be("h_2 = W_hx x_2 + W_hh h_1");
    }

    [Fact]
    public void Paths_between_all_nodes_are_those_that_are_found_one_by_one()
    {
        UnrolledGraph graph = Unroll(3);
        ILookup<string, string> next = graph.Edges.ToLookup(e => e.From.Id, e => e.To.Id);
        long Walk(string from, string to) => (from == to ? 1 : 0) + next[from].Sum(n => Walk(n, to));

        foreach (GraphNode from in graph.Nodes)
        {
            foreach (GraphNode to in graph.Nodes)
            {
                graph.PathCount(from, to).Should().Be(Walk(from.Id, to.Id), "from {0} to {1}", from, to);
            }
        }
    }

    private static UnrolledGraph Unroll(int steps, ComputationGraphOptions? options = null) =>
        new(steps, options ?? new ComputationGraphOptions());
}
