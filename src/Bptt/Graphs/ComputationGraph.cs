// The dependency graph of the unrolled model, as a user holds it. Its nodes and edges are in UnrolledGraph, each kind
// of picture has a writer of its own; no pass runs through it.

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

    private ComputationGraph(UnrolledGraph data)
    {
        Data = data;
    }

    /// <summary>T.</summary>
    public int Steps => Data.Steps;

    /// <summary>As it was made.</summary>
    public ComputationGraphOptions Options => Data.Options;

    /// <summary>The nodes and edges.</summary>
    internal UnrolledGraph Data { get; }

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
        return new ComputationGraph(new UnrolledGraph(steps, options ?? new ComputationGraphOptions()));
    }

    /// <summary>How many paths of dependencies lead from one node to another: 0 where the other does not depend on it,
    /// 1 from a node to itself. A gradient sums over these paths: from W_hh to L there are T(T + 1)/2, one for each
    /// pair of a step where W_hh is used and a loss no earlier. O(T).</summary>
    /// <remarks>Nodes are named as in <see cref="ToDot"/>: x_1, h_0, h_1, o_1, y_1, W_hx, W_hh, W_qh and L as they are,
    /// ℓ_1 as l_1; the operators are f_1 (from which h_1 comes), g_1 (o_1), loss_1 (ℓ_1) and mean (L).</remarks>
    /// <param name="from">The name of the node where paths begin.</param>
    /// <param name="to">The name of the node where they end.</param>
    /// <exception cref="ArgumentNullException">A name is null.</exception>
    /// <exception cref="ArgumentException">The graph has no such node.</exception>
    public long PathCount(string from, string to) =>
        Data.PathCount(Data.Node(from, nameof(from)), Data.Node(to, nameof(to)));

    /// <summary>The graph in Graphviz' language, for <c>dot</c>. The same text for the same graph, always.</summary>
    /// <remarks><c>dot</c> lays out ten steps with gradients within a second, but twenty take it many times as long;
    /// <see cref="ToSvg"/> takes milliseconds for any.</remarks>
    public string ToDot() => GraphDot.Write(Data);

    /// <summary>The graph as a Mermaid flowchart, in which gradients are dotted lines beside the arrows that they go
    /// back on, with ← before what they carry. The same text for the same graph, always.</summary>
    /// <remarks>Mermaid refuses diagrams of more than 500 edges, here of more than 41 steps, or 22 with gradients,
    /// unless the page that shows them sets its <c>maxEdges</c>.</remarks>
    public string ToMermaid() => GraphMermaid.Write(Data);

    /// <summary>The graph as a self-contained SVG: a column for each step, legend below; light or dark as the viewer
    /// prefers. The same text for the same graph, always.</summary>
    public string ToSvg() => GraphSvg.Write(Data);

    /// <summary>As it is written in text.</summary>
    public override string ToString() => $"{Steps} steps unrolled: {Data.Nodes.Count} nodes, {Data.Edges.Count} edges";
}
