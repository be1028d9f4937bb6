// Tries mutants on the tests that reach them.

using System.Diagnostics;
using System.Globalization;

namespace Bptt.Mutation;

/// <summary>Tries every mutant in a worker process.</summary>
/// <param name="bin">The tests, with the library that holds the mutants.</param>
/// <param name="tests">Parts of the names of test classes.</param>
/// <param name="numbers">The highest number of a mutant.</param>
internal sealed class Trial(string bin, string tests, int numbers) : IDisposable
{
    /// <summary>Cases that reach a mutant are run up to so many milliseconds of their ordinary time.</summary>
    private const long MostTime = 30_000;

    /// <summary>How often its ordinary time a case may take of the processor, and how many milliseconds besides. What
    /// waits for ever takes none: it may last so many times longer.</summary>
    private const int MostTimes = 20;
    private const int Grace = 10_000;
    private const int MostWaiting = 30;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>After how many mutants the count is printed.</summary>
    private const int CountEvery = 25;

    private enum Outcome
    {
        Survived,
        Killed,

        /// <summary>It does not end, or took the process with it.</summary>
        Ended,
    }

    /// <summary>By file: cases that have killed a mutant there, the last one first.</summary>
    private readonly Dictionary<string, List<int>> _killers = [];

    private Process _worker = Start(bin, tests, numbers);
    private long[] _times = [];

    /// <summary>Cases that have failed without a mutant, and say nothing.</summary>
    private readonly HashSet<int> _unsteady = [];

    public void Run(Mutant[] mutants, int from, int invalid, string cover, TimeSpan limit)
    {
        List<HashSet<int>> reached = [];
        List<long> times = [];
        foreach (string line in Cover(cover))
        {
            string[] words = line.Split(' ', 3);
            times.Add(long.Parse(words[0], CultureInfo.InvariantCulture));
            reached.Add([.. Worker.Numbers(words[1])]);
            if (times[^1] < 0)
            {
                Console.WriteLine($"fails without a mutant: {words[2]}");
            }
        }
        _times = [.. times];
        int[] usable = [.. Enumerable.Range(0, _times.Length).Where(i => _times[i] >= 0).OrderBy(i => _times[i])];
        Console.WriteLine(
            $"{usable.Length} test cases of {_times.Length} pass without a mutant, {mutants.Length} mutants");

        var clock = Stopwatch.StartNew();
        int tried = 0;
        int survived = 0;
        int ended = 0;
        foreach (Mutant mutant in mutants.Skip(from))
        {
            if (clock.Elapsed > limit)
            {
                break;
            }
            tried++;
            // What has killed others in the same file comes first.
            List<int> killers = _killers.GetValueOrDefault(mutant.File, []);
            long sum = 0;
            int[] run = [.. killers.Concat(usable.Except(killers)).Where(i => reached[i].Contains(mutant.Number))
                .TakeWhile((i, place) => (sum += _times[i]) <= MostTime || place == 0)];
            Outcome outcome = Try(mutant.Number, run, out int killer);
            if (outcome != Outcome.Survived)
            {
                killers.Remove(killer);
                _killers[mutant.File] = [killer, .. killers];
            }
            if (outcome == Outcome.Survived)
            {
                survived++;
                Console.WriteLine($"{(run.Length == 0 ? "not reached " : "survived    ")} {mutant}");
            }
            ended += outcome == Outcome.Ended ? 1 : 0;
            if (tried % CountEvery == 0)
            {
                Count();
            }
        }
        Count();

        void Count() => Console.WriteLine(
            $"{tried} of {mutants.Length} valid mutants tried: {tried - survived} killed ({ended} by time or a crash), "
            + $"{survived} survived, {(tried - survived) / (double)Math.Max(1, tried):P1}; {invalid} did not compile");
    }

    /// <summary>A line for each case, from the file where there is one; otherwise it is written, if it has a
    /// name.</summary>
    private string[] Cover(string file)
    {
        if (File.Exists(file))
        {
            return File.ReadAllLines(file);
        }
        Send("cover");
        List<string> lines = [];
        while (Read(TimeSpan.MaxValue) is string line && line != "end")
        {
            lines.Add(line.ReplaceLineEndings(" "));
        }
        if (file != "")
        {
            File.WriteAllLines(file, lines);
        }
        return [.. lines];
    }

    public void Dispose()
    {
        _worker.Kill();
        _worker.WaitForExit();
        _worker.Dispose();
    }

    /// <summary>Tries one mutant on cases, in order.</summary>
    private Outcome Try(int mutant, int[] run, out int at)
    {
        at = -1;
        for (int next = 0; next < run.Length;)
        {
            Outcome outcome = Ask(mutant, run[next..], out at);
            if (outcome == Outcome.Survived)
            {
                return outcome;
            }
            // A kill is one only where the same case passes without the mutant.
            if (outcome == Outcome.Killed && !_unsteady.Contains(at) && Ask(0, [at], out _) == Outcome.Survived)
            {
                return outcome;
            }
            // The process is spoilt, or the mutant does not end: once more in a fresh process.
            Restart();
            if (Ask(0, [at], out _) != Outcome.Survived)
            {
                _unsteady.Add(at);
                Restart();
            }
            else
            {
                Outcome second = Ask(mutant, [at], out _);
                if (second != Outcome.Survived)
                {
                    Restart();
                    return second;
                }
            }
            next = Array.IndexOf(run, at) + 1;
        }
        return Outcome.Survived;
    }

    /// <param name="mutant">Its number, or 0.</param>
    /// <param name="run">The cases.</param>
    /// <param name="at">The last case that was begun.</param>
    private Outcome Ask(int mutant, int[] run, out int at)
    {
        at = run[0];
        Send($"run {mutant} {string.Join(',', run)}");
        TimeSpan limit = TimeSpan.MaxValue;
        while (Read(limit) is string line)
        {
            string[] words = line.Split(' ');
            if (words[0] != "case")
            {
                return words[0] == "survived" ? Outcome.Survived : Outcome.Killed;
            }
            at = int.Parse(words[1], CultureInfo.InvariantCulture);
            limit = TimeSpan.FromMilliseconds(Grace + ((double)MostTimes * _times[at]));
        }
        return Outcome.Ended;
    }

    private void Send(string order)
    {
        _worker.StandardInput.WriteLine(order);
        _worker.StandardInput.Flush();
    }

    /// <param name="limit">Of processor time: a busy machine makes nobody late.</param>
    /// <returns>A line, or null where the process has ended or is too late.</returns>
    private string? Read(TimeSpan limit)
    {
        Task<string?> reading = _worker.StandardOutput.ReadLineAsync();
        if (limit == TimeSpan.MaxValue)
        {
            return reading.Result;
        }
        TimeSpan begin = ProcessorTime();
        var clock = Stopwatch.StartNew();
        while (!reading.Wait(LookEvery))
        {
            if (ProcessorTime() - begin > limit || clock.Elapsed > MostWaiting * limit)
            {
                return null;
            }
        }
        return reading.Result;
    }

    private TimeSpan ProcessorTime()
    {
        _worker.Refresh();
        return _worker.HasExited ? TimeSpan.Zero : _worker.TotalProcessorTime;
    }

    private void Restart()
    {
        Dispose();
        _worker = Start(bin, tests, numbers);
    }

    private static Process Start(string bin, string tests, int numbers) => Process.Start(new ProcessStartInfo(
        Environment.ProcessPath!,
        [
            .. Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
                ? [typeof(Trial).Assembly.Location]
                : (string[])[],
            "worker", bin, tests, $"{numbers}",
        ])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!;
}
