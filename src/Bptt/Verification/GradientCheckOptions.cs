// How thorough and how strict a gradient check is, and of which backward pass.

using Bptt.Edge;

namespace Bptt.Verification;

/// <summary>Options of a gradient check. Immutable; what it holds is read when the check runs.</summary>
public sealed record GradientCheckOptions
{
    private readonly double _tolerance = 1e-6;
    private readonly int _maxEntries = 200;
    private readonly int _directionCount = 5;

    /// <summary>The relative error, per parameter in the Frobenius norm, up to which a gradient passes; 1e-6 by
    /// default. There is no absolute one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a finite number above 0.</exception>
    public double Tolerance
    {
        get => _tolerance;
        init
        {
            Guard.Positive(value, nameof(Tolerance));
            _tolerance = value;
        }
    }

    /// <summary>The most entries of one parameter that are checked; 200 by default. Where there are more, a random
    /// sample is taken, which always includes the entry with the largest gradient.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxEntriesPerParameter
    {
        get => _maxEntries;
        init
        {
            Guard.AtLeastOne(value, nameof(MaxEntriesPerParameter));
            _maxEntries = value;
        }
    }

    /// <summary>How many random directions over all parameters at once are checked, and as many over each parameter of
    /// which not every entry is; 5 by default. They see errors in entries that the sample left out. 0 for
    /// none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int DirectionCount
    {
        get => _directionCount;
        init => _directionCount = value >= 0
            ? value
            : throw Guard.Range(nameof(DirectionCount), $"expected at least 0, got {value}.");
    }

    /// <summary>The seed of the sample and of the directions.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>What the backward pass was told, or is to be told; nothing where null. With final-state gradients e_b
    /// the loss checked is L + Σ_b ⟨e_b, h_{T,b}⟩. With a truncation it is the surrogate that has the truncated
    /// gradient as its exact one: what a loss does not reach any more is held at the recorded states while weights,
    /// inputs and h_0 vary. Random cuts have none and are refused.</summary>
    public BackwardOptions? Backward { get; init; }
}
