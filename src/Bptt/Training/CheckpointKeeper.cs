// When a training saves itself, and what happens when it cannot. Knows no format.

namespace Bptt.Training;

/// <param name="options">Where and how often; null for never.</param>
/// <param name="state">What is saved.</param>
/// <param name="fingerprint">Which training it is.</param>
internal sealed class CheckpointKeeper(
    CheckpointOptions? options, TrainingState state, (string Name, string Text)[] fingerprint)
{
    private TimeSpan _lastAttempt;

    /// <summary>Why the last attempt failed; null where it did not.</summary>
    public string? Fault { get; private set; }

    /// <summary>Saves where it is time to; a failure is noted, and the next interval tries again.</summary>
    /// <param name="elapsed">The time since this run began.</param>
    /// <param name="isEnd">Whether it is time in any case.</param>
    public void Save(TimeSpan elapsed, bool isEnd = false)
    {
        if (options is null
            || (options.IsAskedFor?.Invoke() != true && !isEnd && elapsed - _lastAttempt < options.Interval))
        {
            return;
        }
        _lastAttempt = elapsed;
        try
        {
            TrainingCheckpoint.Save(options.Path, state, state.Before + elapsed, fingerprint);
            Fault = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            Fault = $"The training could not be saved to {options.Path}: {e.Message}";
        }
    }
}
