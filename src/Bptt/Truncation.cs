// How far a backward pass lets gradients travel back in time. Data only.

namespace Bptt;

/// <summary>
/// Truncated back-propagation through time: which paths of the dependency graph count in ∂L/∂h_t, and so in every gradient
/// (<i>Dive into Deep Learning</i>, "Truncating time steps"; Williams &amp; Peng 1990; Tallec &amp; Ollivier 2017 on the bias it
/// brings). The states themselves are never truncated. Immutable.
/// </summary>
public sealed record Truncation
{
    private Truncation(int steps, bool isWindowed)
    {
        Steps = steps;
        IsWindowed = isWindowed;
    }

    /// <summary>k, at least 1.</summary>
    public int Steps { get; }

    /// <summary>Whether the gradient is cut between windows of k steps; otherwise it is cut k steps back from each
    /// loss.</summary>
    public bool IsWindowed { get; }

    /// <summary>The loss of step s reaches exactly the k states h_s, h_{s−1}, …, h_{s−k+1}: ∂L/∂h_t = Σ_{j=0..k−1} (W_hhᵀ)ʲ
    /// W_qhᵀ ∂L/∂o_{t+j}, the first k terms of the general term (4). A given final-state gradient counts as part of the
    /// loss of step T. The same truncation for every step.</summary>
    /// <remarks>Cost at most 2·log₂k products of W_hhᵀ or a power of it with a column for each step, where powers of W_hh are
    /// accurate, otherwise up to k. Takes 24h bytes for each step of each sequence while it runs; within a
    /// <see cref="ExecutionOptions.MemoryBudget"/>, and beyond it, for k + max(k, 256) steps at a time.</remarks>
    /// <param name="steps">k, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is below 1.</exception>
    public static Truncation Lags(int steps)
    {
        Guard.AtLeastOne(steps, nameof(steps));
        return new Truncation(steps, isWindowed: false);
    }

    /// <summary>The gradient is cut after every k-th step, steps 1 … k being the first window, while the state is carried
    /// on: (3) without its first term at t = k, 2k, …. The first window reaches h_0. What most programs mean by truncated
    /// back-propagation through time: a loss reaches between 1 and k steps back, depending on where it stands.</summary>
    /// <param name="steps">k, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is below 1.</exception>
    public static Truncation Windows(int steps)
    {
        Guard.AtLeastOne(steps, nameof(steps));
        return new Truncation(steps, isWindowed: true);
    }

    /// <summary>Whether the gradient of step t + 1 stops before step t.</summary>
    internal bool CutsAfter(int t) => IsWindowed && t > 0 && t % Steps == 0;

    /// <summary>As it is written.</summary>
    public override string ToString() => IsWindowed ? $"windows of {Steps} steps" : $"{Steps} lags";
}
