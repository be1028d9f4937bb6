// Times several programs fairly: they take turns, so that noise, heat and other work on the machine hit all alike, and
// the figure of each is the median of its single runs.

using System.Diagnostics;

namespace Bptt.Benchmarks;

/// <summary>One of those that take turns.</summary>
/// <param name="Prepare">What must be set before a turn; not timed.</param>
/// <param name="Run">What is timed.</param>
internal sealed record Runner(Action Prepare, Action Run);

/// <summary>What was measured.</summary>
/// <param name="Seconds">The median time of a run.</param>
/// <param name="RunCount">How many runs it is the median of.</param>
internal readonly record struct Timing(double Seconds, int RunCount);

internal static class Turns
{
    private const int TurnsWanted = 10;
    private const int FewestRuns = 3;

    /// <summary>How far the time asked for is exceeded for the sake of <see cref="FewestRuns"/>.</summary>
    private const double Patience = 4.0;

    /// <summary>Until worker threads of the one before have gone to sleep; they wait actively for some time.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs all in turns until each has been timed for as long as asked.</summary>
    /// <param name="runners">Each must have been run before, so that its code is compiled.</param>
    /// <param name="seconds">For each.</param>
    public static Timing[] Measure(IReadOnlyList<Runner> runners, double seconds)
    {
        Track[] tracks = [.. runners.Select(runner => new Track(runner))];
        while (tracks.Any(track => !track.IsDone(seconds)))
        {
            foreach (Track track in tracks.Where(track => !track.IsDone(seconds)))
            {
                track.TakeTurn(seconds / TurnsWanted);
            }
        }
        return [.. tracks.Select(track => track.Timing)];
    }

    private sealed class Track(Runner runner)
    {
        private readonly List<double> _samples = [];
        private double _spent;

        public Timing Timing => new(Median(_samples), _samples.Count);

        public bool IsDone(double seconds) =>
            _spent >= seconds && (_samples.Count >= FewestRuns || _spent >= Patience * seconds);

        public void TakeTurn(double seconds)
        {
            // Garbage is collected at nobody's expense.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(Pause);
            runner.Prepare();
            if (_samples.Count > 0 && _samples[^1] < seconds / 4.0)
            {
                runner.Run(); // brings caches and clock back to where they are inside a training loop
            }

            double spent = 0.0;
            do
            {
                long start = Stopwatch.GetTimestamp();
                runner.Run();
                double sample = Stopwatch.GetElapsedTime(start).TotalSeconds;
                _samples.Add(sample);
                spent += sample;
            }
            while (spent < seconds);
            _spent += spent;
        }

        private static double Median(List<double> samples)
        {
            double[] sorted = [.. samples.Order()];
            int middle = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
        }
    }
}
