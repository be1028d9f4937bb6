// How far a backward pass lets gradients travel back in time. Data only.

using System.Globalization;
using Bptt.Edge;
using Bptt.Passes;

namespace Bptt;

/// <summary>How a <see cref="Truncation"/> chooses what it leaves out.</summary>
public enum TruncationKind
{
    /// <summary>Each loss reaches k steps back: <see cref="Truncation.Lags"/>.</summary>
    Lags,

    /// <summary>The gradient is cut between windows of k steps: <see cref="Truncation.Windows"/>.</summary>
    Windows,

    /// <summary>The gradient is cut at random steps and scaled between them:
    /// <see cref="Truncation.Randomized"/>.</summary>
    Randomized,
}

/// <summary>
/// Truncated back-propagation through time: which paths of the dependency graph count in ∂L/∂h_t, and so in every
/// gradient (<i>Dive into Deep Learning</i>, "Truncating time steps" and "Randomized truncation"; Williams &amp; Peng
/// 1990; Tallec &amp; Ollivier 2017 on the bias it brings). The states themselves are never truncated. Immutable.
/// </summary>
public sealed record Truncation
{
    private Truncation(TruncationKind kind, int steps)
    {
        Kind = kind;
        Steps = steps;
    }

    /// <summary>Which rule it is: with <see cref="Steps"/>, <see cref="Seed"/> and <see cref="Draw"/> all that is
    /// needed to write a truncation down and make it again elsewhere.</summary>
    public TruncationKind Kind { get; }

    /// <summary>k, at least 1; of a randomised truncation the mean number of steps from cut to cut.</summary>
    public int Steps { get; }

    /// <summary>The seed of a randomised truncation; 0 for the others.</summary>
    public int Seed { get; private init; }

    /// <summary>Which draw of a randomised truncation this is, from 0; 0 for the others.</summary>
    public int Draw { get; private init; }

    /// <summary>Whether the gradient is cut between windows of k steps.</summary>
    public bool IsWindowed => Kind == TruncationKind.Windows;

    /// <summary>The loss of step s reaches exactly the k states h_s, h_{s−1}, …, h_{s−k+1}: ∂L/∂h_t = Σ_{j=0..k−1}
    /// (W_hhᵀ)ʲ W_qhᵀ ∂L/∂o_{t+j}, the first k terms of the general term (4). A given final-state gradient counts as
    /// part of the loss of step T. The same truncation for every step.</summary>
    /// <remarks>Cost at most 2·log₂k products of W_hhᵀ or a power of it with a column for each step, where powers of
    /// W_hh are accurate, otherwise up to k. Takes 24h bytes for each step of each sequence while it runs; within a
    /// <see cref="ExecutionOptions.MemoryBudget"/>, and beyond it, for k + max(k, 256) steps at a time.</remarks>
    /// <param name="steps">k, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is below 1.</exception>
    public static Truncation Lags(int steps)
    {
        Guard.AtLeastOne(steps, nameof(steps));
        return new Truncation(TruncationKind.Lags, steps);
    }

    /// <summary>The gradient is cut after every k-th step, steps 1 … k being the first window, while the state is
    /// carried on: (3) without its first term at t = k, 2k, …. The first window reaches h_0. What most programs mean by
    /// truncated back-propagation through time: a loss reaches between 1 and k steps back, depending on where it
    /// stands.</summary>
    /// <param name="steps">k, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is below 1.</exception>
    public static Truncation Windows(int steps)
    {
        Guard.AtLeastOne(steps, nameof(steps));
        return new Truncation(TruncationKind.Windows, steps);
    }

    /// <summary>
    /// Random cuts that leave the gradient right on average (Tallec &amp; Ollivier 2017, "Unbiasing Truncated
    /// Backpropagation Through Time", ARTBP): ∂L/∂h_t = f_t W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t, where f_t is 0 with
    /// probability c = 1/k, a cut, and 1/(1 − c) otherwise. f_t has mean 1 and does not depend on ∂L/∂h_{t+1}, so every
    /// gradient has the full gradient as its mean over the draws. Other truncations are biased: they never see what is
    /// farther away.
    /// </summary>
    /// <remarks>
    /// The price is variance: a term that travels j steps has it (1 − c)⁻ʲ − 1 times its square. It stays bounded for
    /// all T only where the spectral radius of W_hh is below √(1 − c), that is k &gt; 1/(1 − ρ²); for a smaller k it
    /// grows with T without bound.
    /// The cuts are the same for all sequences of a batch. ∂L/∂h_0 = W_hhᵀ ∂L/∂h_1 is neither cut nor scaled. Cuts are
    /// a function of seed, draw and t alone, so that a run can be repeated; <see cref="WithDraw"/> gives others. The
    /// whole forward pass is there, so that it saves neither memory nor time over the full gradient.
    /// </remarks>
    /// <param name="meanSteps">k, the mean number of steps from cut to cut, at least 2.</param>
    /// <param name="seed">The seed of the cuts.</param>
    /// <returns>Draw 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">k is below 2.</exception>
    public static Truncation Randomized(int meanSteps, int seed)
    {
        if (meanSteps < 2)
        {
            throw Guard.Range(nameof(meanSteps), $"expected at least 2, got {meanSteps}.");
        }
        return new Truncation(TruncationKind.Randomized, meanSteps) { Seed = seed };
    }

    /// <summary>Another draw of a randomised truncation, independent of all others: number n for the n-th step of
    /// training, say. Truncations that are not random are the same for every draw.</summary>
    /// <param name="draw">At least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The draw is negative.</exception>
    public Truncation WithDraw(int draw)
    {
        if (draw < 0)
        {
            throw Guard.Range(nameof(draw), $"expected at least 0, got {draw}.");
        }
        return Kind == TruncationKind.Randomized ? this with { Draw = draw } : this;
    }

    /// <summary>Whether the gradient of step t + 1 stops before step t. Never where paths are cut, and not
    /// edges.</summary>
    internal bool CutsAfter(int t) => t > 0 && Kind switch
    {
        TruncationKind.Windows => t % Steps == 0,
        TruncationKind.Randomized => Math.BigMul(Hash(t), (ulong)Steps, out _) == 0, // below 2⁶⁴/k
        _ => false,
    };

    /// <summary>What W_hhᵀ is multiplied by at every step t ≥ 1 that is not cut: 1/(1 − c).</summary>
    internal double CarryFactor => Kind == TruncationKind.Randomized ? Steps / (Steps - 1.0) : 1.0;

    /// <summary>The truncation in numbers.</summary>
    internal BackwardPaths Paths => Kind == TruncationKind.Lags
        ? new BackwardPaths { Lags = Steps }
        : new BackwardPaths { CarryFactor = CarryFactor, IsCut = CutsAfter };

    /// <summary>As it is written.</summary>
    public override string ToString() => Kind switch
    {
        TruncationKind.Windows => $"windows of {Steps} steps",
        TruncationKind.Randomized => string.Create(
            CultureInfo.InvariantCulture, $"random cuts every {Steps} steps on average (seed {Seed}, draw {Draw})"),
        _ => $"{Steps} lags",
    };

    /// <summary>64 bits that look random, by the mixing function of SplitMix64 (Steele, Lea &amp; Flood 2014) on one
    /// number after the other.</summary>
    private ulong Hash(int t) => Mix(Mix(Mix((uint)Seed) + (uint)Draw) + (uint)t);

    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
