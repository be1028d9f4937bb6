// Tells a caller where a training stands, a few times a second. Times nothing else.

using System.Diagnostics;

namespace Bptt.Training;

/// <param name="progress">Who is told; null for nobody.</param>
/// <param name="pause">The least time between two reports.</param>
internal sealed class ProgressReporter(IProgress<TrainingProgress>? progress, TimeSpan pause)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan? _last;

    /// <summary>The time since the start, by a clock that only goes forward.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>So many times a time of at least zero; the longest time there is where that is less.</summary>
    public static TimeSpan Times(TimeSpan time, int count) =>
        time.Ticks > TimeSpan.MaxValue.Ticks / Math.Max(1, count) ? TimeSpan.MaxValue : time * count;

    /// <summary>Reports unless the last report is too recent.</summary>
    /// <param name="make">Makes the report.</param>
    /// <param name="isLast">Whether it is told in any case.</param>
    public void Report(Func<TrainingProgress> make, bool isLast = false)
    {
        if (progress is not null && (isLast || !(_clock.Elapsed - _last < pause)))
        {
            progress.Report(make());
            _last = _clock.Elapsed;
        }
    }
}
