// What the pictures of a dependency graph show beyond the dependencies.

using Bptt.Edge;

namespace Bptt.Graphs;

/// <summary>Options of a dependency graph. Immutable.</summary>
public sealed record ComputationGraphOptions
{
    private readonly Truncation? _truncation;

    /// <summary>Whether pictures show the paths of the backward pass, each edge with what travels along it; not by
    /// default.</summary>
    public bool ShowGradients { get; init; }

    /// <summary>Whether pictures show what is stored on the way forward, and what it is reused for on the way back; not
    /// by default.</summary>
    public bool ShowStored { get; init; }

    /// <summary>The windows between which the recursion (3) is cut; null for no cut. Pictures show it
    /// where <see cref="ShowGradients"/>.</summary>
    /// <remarks><see cref="Truncation.Lags"/> is refused: it cuts paths, not edges. With k lags the loss of step t + k
    /// stops before h_t while that of step t + 1 goes on to it over the same edge from h_{t+1}, so that any picture
    /// with this edge drawn, or cut, would be wrong for one of them; and the edge does not carry W_hhᵀ ∂L/∂h_{t+1}.
    /// <see cref="Truncation.Randomized"/> is refused since its edges carry a multiple of that.</remarks>
    /// <exception cref="ArgumentException">The value is a truncation by lags, or a random one.</exception>
    public Truncation? Truncation
    {
        get => _truncation;
        init
        {
            if (value is { Kind: TruncationKind.Randomized })
            {
                throw Guard.Error(
                    nameof(Truncation),
                    $"expected windows, which cut edges of the graph and leave the others as they are, got {value}, which scale them.");
            }
            if (value is { Kind: TruncationKind.Lags })
            {
                throw Guard.Error(
                    nameof(Truncation),
                    $"expected windows, which cut edges of the graph, got {value}, which cut paths: an edge of the recursion "
                    + "hands on the nearer losses and stops the farther ones, so that it is neither whole nor cut.");
            }
            _truncation = value;
        }
    }
}
