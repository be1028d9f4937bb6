// How thorough and how strict a gradient check is.

namespace Bptt.Verification;

/// <summary>Options of a gradient check. Immutable.</summary>
public sealed record GradientCheckOptions
{
    private readonly double _tolerance = 1e-6;
    private readonly int _maxEntries = 200;

    /// <summary>The relative error, per parameter in the Frobenius norm, up to which a gradient passes; 1e-6 by
    /// default.</summary>
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

    /// <summary>The most entries of one parameter that are checked; 200 by default. Where there are more, a random sample
    /// is taken, which always includes the entry with the largest gradient.</summary>
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

    /// <summary>The seed of the sample.</summary>
    public int Seed { get; init; } = 1;
}
