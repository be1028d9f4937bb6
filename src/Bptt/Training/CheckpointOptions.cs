// Where and how often a training saves itself. Data only.

using Bptt.Edge;

namespace Bptt.Training;

/// <summary>Saving a training to a file that it can be resumed from; see <see cref="TrainerOptions.ResumeFrom"/>.
/// Immutable.</summary>
public sealed record CheckpointOptions
{
    /// <summary>Creates options.</summary>
    /// <param name="path">The file, in a folder that exists when it is written; an older one is replaced when the new
    /// one is whole.</param>
    /// <param name="interval">The time between two savings, at least zero, which saves after every update; five minutes
    /// where null. The end of the training is saved in any case.</param>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The interval is negative.</exception>
    public CheckpointOptions(string path, TimeSpan? interval = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Interval = interval ?? TimeSpan.FromMinutes(5.0);
        if (Interval < TimeSpan.Zero)
        {
            throw Guard.Range(nameof(interval), $"expected a time of at least zero, got {interval}.");
        }
        Path = path;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The time between two savings.</summary>
    public TimeSpan Interval { get; }

    /// <summary>Asked after each update whether the training is to be saved at once, whatever the interval, on the
    /// thread that trains; null for never. What it throws ends the training.</summary>
    public Func<bool>? IsAskedFor { get; init; }
}
