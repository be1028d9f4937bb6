// How far a backward pass lets gradients travel back, in numbers: a truncation as the engine reads it. Chooses nothing.

namespace Bptt.Passes;

/// <summary>Which paths of the dependency graph count; by default all.</summary>
internal sealed record BackwardPaths
{
    /// <summary>Every path, all the way back: the exact gradient.</summary>
    public static BackwardPaths All { get; } = new();

    /// <summary>What W_hhᵀ is multiplied by in (3).</summary>
    public double CarryFactor { get; init; } = 1.0;

    /// <summary>Whether (3) is without its first term at step t; null where it never is.</summary>
    public Func<int, bool>? IsCut { get; init; }

    /// <summary>k, where each ∂L/∂h_t is the first k terms of (4); null where it comes from (3).</summary>
    public int? Lags { get; init; }

    /// <summary>Whether nothing is left out.</summary>
    public bool AreAll => CarryFactor == 1.0 && IsCut is null && Lags is null;
}
