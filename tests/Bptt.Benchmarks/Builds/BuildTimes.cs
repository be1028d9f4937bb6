// Times two builds of the library in turns in one process: what a change costs, where the noise of the machine is
// larger than what is looked for.

using System.Diagnostics;
using System.Runtime;

namespace Bptt.Benchmarks.Builds;

/// <summary>What is asked for.</summary>
/// <param name="Other">The file of the other build.</param>
/// <param name="Shapes">The rows.</param>
/// <param name="Works">What is run on each of them.</param>
/// <param name="Threads">Numbers of threads.</param>
/// <param name="Seconds">How long each build is measured for a row.</param>
/// <param name="Markdown">Whether the table is printed for a README.</param>
internal sealed record BuildTimesSettings(
    string Other,
    IReadOnlyList<Shape> Shapes,
    IReadOnlyList<BuildWorkKind> Works,
    IReadOnlyList<int> Threads,
    double Seconds,
    bool Markdown);

internal sealed class BuildTimes
{
    /// <summary>Both builds are loaded so often, the one and then the other first: where code and data come to lie in
    /// memory is worth some percent, and differs from one time to the next.</summary>
    private const int Loads = 4;

    private const int FewestRounds = 4;
    private const double TurnSeconds = 0.01;

    /// <summary>Shorter runs are timed several at once.</summary>
    private const double SampleSeconds = 1e-4;

    private const double WarmUpSeconds = 0.05;

    /// <summary>After so many runs without end to compiling, times are taken all the same.</summary>
    private const int MostWarmUps = 100;

    /// <summary>The runtime compiles for good what ran often, when nothing was new for a tenth of a second.</summary>
    private static readonly TimeSpan UntilCompiled = TimeSpan.FromMilliseconds(150);

    /// <summary>Until the helping threads of the other build sleep; they wait actively for some time.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    /// <summary>Runs of these come before all others, so that the runtime has compiled for good what runs rarely
    /// afterwards.</summary>
    private static readonly string[] ShapesToCompile = ["4:100:1:1:1", "8:1..64:9", "64:512"];

    private readonly BuildTimesSettings _settings;
    private readonly TextWriter _progress;
    private readonly Build[][] _pairs; // this build and the other

    private BuildTimes(BuildTimesSettings settings, TextWriter progress)
    {
        _settings = settings;
        _progress = progress;
        _pairs = [.. Enumerable.Range(0, Loads).Select(load => Load(thisFirst: load % 2 == 0))];
    }

    /// <summary>Measures and prints the table.</summary>
    /// <returns>Whether both builds computed the same, bit for bit.</returns>
    public static bool Run(BuildTimesSettings settings, TextWriter output, TextWriter progress)
    {
        var times = new BuildTimes(settings, progress);
        var table = new Table(
            leftAligned: 2,
            "work",
            "shape",
            "threads",
            "this: ms",
            "other: ms",
            "this / other",
            "lowest load",
            "highest load",
            "of the fastest",
            "processor time",
            "results");
        bool areSame = true;
        var ratios = new List<double>();
        foreach (BuildWorkKind work in settings.Works)
        {
            foreach (Shape shape in settings.Shapes)
            {
                foreach (int threads in settings.Threads)
                {
                    Row row = times.Measure(work, shape.Text, threads);
                    ratios.Add(row.Ratio);
                    areSame &= row.IsSame;
                    string[] cells =
                    [
                        work.ToString(),
                        shape.Describe(),
                        $"{threads}",
                        $"{1e3 * row.This:G4}",
                        $"{1e3 * row.Other:G4}",
                        $"{row.Ratio:F3}",
                        $"{row.Lowest:F3}",
                        $"{row.Highest:F3}",
                        $"{row.OfFastest:F3}",
                        $"{row.OfProcessor:F3}",
                        row.IsSame ? "same" : "differ",
                    ];
                    progress.WriteLine(string.Join("  ", cells));
                    table.Add(cells);
                }
            }
        }
        output.Write(table.ToText(settings.Markdown));
        output.WriteLine();
        double mean = Math.Exp(ratios.Average(Math.Log));
        output.WriteLine($"Ratios: geometric mean {mean:F3}, from {ratios.Min():F3} to {ratios.Max():F3}.");
        return areSame;
    }

    /// <summary>The times of one row, in seconds.</summary>
    /// <param name="This">The median of this build.</param>
    /// <param name="Other">That of the other.</param>
    /// <param name="Ratio">The median of this/other over all rounds.</param>
    /// <param name="Lowest">The smallest median of a load.</param>
    /// <param name="Highest">The largest one.</param>
    /// <param name="OfFastest">This/other of the fastest turns that each had.</param>
    /// <param name="OfProcessor">The median over all rounds of this/other in processor time of all threads.</param>
    /// <param name="IsSame">Whether both computed the same.</param>
    private sealed record Row(
        double This,
        double Other,
        double Ratio,
        double Lowest,
        double Highest,
        double OfFastest,
        double OfProcessor,
        bool IsSame);

    /// <summary>What a turn takes for one run.</summary>
    /// <param name="Seconds">The least time; other work on the machine hits some runs of a turn, seldom all.</param>
    /// <param name="ProcessorSeconds">The mean of what all threads of the process take, which other work lengthens
    /// only in so far as it takes caches away.</param>
    private readonly record struct Turn(double Seconds, double ProcessorSeconds);

    private Build[] Load(bool thisFirst)
    {
        string[] paths = [Build.Own, _settings.Other];
        var builds = new Build[2];
        foreach (int i in Order(thisFirst))
        {
            builds[i] = new Build(paths[i]);
        }
        _progress.WriteLine("Compiling …");
        foreach (BuildWorkKind work in _settings.Works)
        {
            foreach (string shape in ShapesToCompile)
            {
                foreach (int i in Order(thisFirst))
                {
                    WarmUp(builds[i].Work(work, shape, _settings.Threads.Max()).Run, quietTimes: 3);
                }
            }
        }
        return builds;
    }

    private Row Measure(BuildWorkKind work, string shape, int threads)
    {
        var all = new List<(Turn This, Turn Other)>();
        var medians = new List<double>();
        bool isSame = true;
        for (int load = 0; load < _pairs.Length; load++)
        {
            var works = new (Action Run, Func<string> Result)[2];
            foreach (int i in Order(load % 2 == 0))
            {
                works[i] = _pairs[load][i].Work(work, shape, threads);
                WarmUp(works[i].Run, quietTimes: 1);
            }
            isSame &= works[0].Result() == works[1].Result();
            List<(Turn This, Turn Other)> rounds =
                Rounds(works[0].Run, works[1].Run, _settings.Seconds / _pairs.Length);
            medians.Add(Median(rounds.Select(RatioOf)));
            all.AddRange(rounds);
        }
        return new Row(
            Median(all.Select(round => round.This.Seconds)),
            Median(all.Select(round => round.Other.Seconds)),
            Median(all.Select(RatioOf)),
            medians.Min(),
            medians.Max(),
            all.Min(round => round.This.Seconds) / all.Min(round => round.Other.Seconds),
            Median(all.Select(round => round.This.ProcessorSeconds / round.Other.ProcessorSeconds)),
            isSame);

        static double RatioOf((Turn This, Turn Other) round) => round.This.Seconds / round.Other.Seconds;
    }

    /// <summary>Both take turns, and change their order from one round to the next.</summary>
    /// <param name="first">A run of this build.</param>
    /// <param name="second">A run of the other.</param>
    /// <param name="seconds">How long.</param>
    private static List<(Turn This, Turn Other)> Rounds(Action first, Action second, double seconds)
    {
        Action[] runs = [first, second];
        var rounds = new List<(Turn This, Turn Other)>();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long start = Stopwatch.GetTimestamp();
        while (rounds.Count < FewestRounds || rounds.Count % 2 == 1 || SecondsSince(start) < 2.0 * seconds)
        {
            var turns = new Turn[2];
            foreach (int i in Order(rounds.Count % 2 == 0))
            {
                Thread.Sleep(Pause);
                turns[i] = Repeat(runs[i], TurnSeconds);
            }
            rounds.Add((turns[0], turns[1]));
        }
        return rounds;
    }

    /// <summary>Runs until nothing is compiled any more.</summary>
    private static void WarmUp(Action run, int quietTimes)
    {
        for (int i = 0, quiet = 0; i < MostWarmUps && quiet < quietTimes; i++)
        {
            long before = JitInfo.GetCompiledMethodCount();
            Repeat(run, WarmUpSeconds);
            quiet = JitInfo.GetCompiledMethodCount() == before ? quiet + 1 : 0;
            if (quiet < quietTimes)
            {
                Thread.Sleep(UntilCompiled);
            }
        }
    }

    private static int[] Order(bool thisFirst) => thisFirst ? [0, 1] : [1, 0];

    private static Turn Repeat(Action run, double seconds)
    {
        double least = double.PositiveInfinity;
        int count = 0;
        int together = 1;
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        long begin = Stopwatch.GetTimestamp();
        do
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < together; i++)
            {
                run();
            }
            least = Math.Min(least, SecondsSince(start) / together);
            count += together;
            together = (int)Math.Clamp(SampleSeconds / least, 1.0, 1000.0);
        }
        while (SecondsSince(begin) < seconds);
        return new Turn(least, (Environment.CpuUsage.TotalTime - processor).TotalSeconds / count);
    }

    /// <summary>Not rounded to the tenth of a microsecond that a TimeSpan counts in.</summary>
    private static double SecondsSince(long start) => (Stopwatch.GetTimestamp() - start) / (double)Stopwatch.Frequency;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return 0.5 * (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]);
    }
}
