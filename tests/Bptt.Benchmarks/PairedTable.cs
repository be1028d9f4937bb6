// The table: Bptt and its peers on the same data in the same process, in turns, with one thread and with all.

using System.Diagnostics;
using Bptt.Benchmarks.Peers;

namespace Bptt.Benchmarks;

/// <summary>What the table is asked for.</summary>
/// <param name="Shapes">Its rows.</param>
/// <param name="Threads">Its groups of columns.</param>
/// <param name="Peers">Who takes part beside Bptt.</param>
/// <param name="SpectralRadius">Of W_hh.</param>
/// <param name="Seconds">How long each figure is measured.</param>
/// <param name="Limit">The longest single run, in seconds, that is waited for.</param>
/// <param name="Markdown">Whether it is printed for a README.</param>
internal sealed record PairedTableSettings(
    IReadOnlyList<Shape> Shapes,
    IReadOnlyList<int> Threads,
    PeerSelection Peers,
    double SpectralRadius,
    double Seconds,
    double Limit,
    bool Markdown);

internal sealed class PairedTable
{
    private const string Disagrees = "✗";

    /// <summary>How long code runs before it is timed, so that the runtime has compiled it for good.</summary>
    private const double WarmUpSeconds = 0.25;

    /// <summary>By how much the run is shorter that tells how long a full one would take.</summary>
    private const int TrialDivisor = 16;

    private const int FewestTrials = 3;

    private readonly PairedTableSettings _settings;
    private readonly TextWriter _progress;
    private readonly IReadOnlyList<Contender> _contenders;
    private readonly List<string> _notes = [];
    private readonly List<string> _peaks = [];
    private readonly Table _table;
    private bool _allAgree = true;

    private PairedTable(PairedTableSettings settings, TextWriter progress)
    {
        _settings = settings;
        _progress = progress;
        _contenders = Contender.All(settings.Peers);
        string[] groups = [.. settings.Threads.SelectMany(n => (string[])
        [
            n == 1 ? "1 thread: ms" : $"{n} threads: ms", "GFLOP/s", "of peak", "time / Bptt's",
        ])];
        _table = new Table(leftAligned: 2, ["shape", "program", .. groups, "relative error"]);
    }

    /// <summary>Measures and prints it.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="output">Receives the table.</param>
    /// <param name="progress">Receives a line for each figure as it is measured.</param>
    /// <returns>Whether all programs computed the same gradients.</returns>
    public static bool Run(PairedTableSettings settings, TextWriter output, TextWriter progress)
    {
        string bullet = settings.Markdown ? "- " : "";
        foreach (string line in Machine.Describe(settings.Peers, Peak.Measure()))
        {
            output.WriteLine(bullet + line);
        }
        if (settings.Peers == PeerSelection.All && TorchPeers.WhyNot is string reason)
        {
            output.WriteLine($"{bullet}TorchSharp takes no part: {reason}");
        }

        var table = new PairedTable(settings, progress);
        foreach (Shape shape in settings.Shapes)
        {
            table.Measure(shape);
        }

        output.WriteLine();
        output.Write(table._table.ToText(settings.Markdown));
        output.WriteLine();
        output.WriteLine($"Peak before each shape, GFLOP/s in double: {string.Join("; ", table._peaks)}.");
        foreach (string note in table._notes)
        {
            output.WriteLine();
            output.WriteLine(note);
        }
        return table._allAgree;
    }

    private void Measure(Shape shape)
    {
        double peak = Peak.Measure();
        _peaks.Add($"{shape.Text} {Figure.GigaFlops(peak)}");

        var problem = new Problem(shape, _settings.SpectralRadius);
        var trial = new Problem(shape.Shortened(TrialDivisor), _settings.SpectralRadius);
        List<Cell>[] cells = [.. _contenders.Select(_ => new List<Cell>())];
        foreach (int threads in _settings.Threads)
        {
            Cell[] measured = Measure(problem, trial, threads);
            for (int i = 0; i < measured.Length; i++)
            {
                cells[i].Add(measured[i]);
            }
        }

        for (int i = 0; i < _contenders.Count; i++)
        {
            double itsPeak = _contenders[i].IsSinglePrecision ? 2.0 * peak : peak;
            int own = _contenders.TakeWhile(
                other => !other.IsBptt || other.IsSinglePrecision != _contenders[i].IsSinglePrecision).Count();
            IEnumerable<string> figures =
                cells[i].Zip(cells[own]).SelectMany(pair => Figures(pair.First, pair.Second, shape, itsPeak));
            _table.Add([
                i == 0 ? shape.Describe() : "",
                _contenders[i].Name,
                .. figures,
                i == 0 ? "" : WorstError(cells[i]),
            ]);
        }
    }

    /// <summary>All programs on one problem with one number of threads.</summary>
    private Cell[] Measure(Problem problem, Problem trial, int threads)
    {
        var cells = new Cell[_contenders.Count];
        var passes = new IPass?[_contenders.Count];
        try
        {
            PassResult? reference = null;
            for (int i = 0; i < cells.Length; i++)
            {
                (passes[i], cells[i]) = Admit(_contenders[i], problem, trial, threads, ref reference);
            }

            int[] running = [.. Enumerable.Range(0, cells.Length).Where(i => passes[i] is not null)];
            Runner[] runners =
                [.. running.Select(i => new Runner(() => _contenders[i].UseThreads(threads), passes[i]!.Run))];
            Timing[] timings = Turns.Measure(runners, _settings.Seconds);
            foreach ((int i, Timing timing) in running.Zip(timings))
            {
                cells[i] = cells[i] with { Seconds = timing.Seconds };
                _progress.WriteLine(
                    $"{problem.Shape.Describe()}, threads {threads}, {_contenders[i].Name}: "
                    + $"{Figure.Milliseconds(timing.Seconds)} ms, median of {timing.RunCount}");
            }
            return cells;
        }
        finally
        {
            Array.ForEach(passes, pass => pass?.Dispose());
        }
    }

    /// <summary>Sets a program up, and lets it take part where it is fast enough and computes what Bptt
    /// computes.</summary>
    /// <param name="contender">The program.</param>
    /// <param name="problem">What it is to compute.</param>
    /// <param name="trial">The same, shorter.</param>
    /// <param name="threads">How many threads it may use.</param>
    /// <param name="reference">What Bptt computed in double; null before, and then set by it.</param>
    private (IPass? Pass, Cell Cell) Admit(
        Contender contender, Problem problem, Problem trial, int threads, ref PassResult? reference)
    {
        string where = $"{contender.Name} at {problem.Shape.Describe()}, threads {threads}";
        if (!contender.Fits(problem))
        {
            return (null, new Cell(Figure.None));
        }
        contender.UseThreads(threads);
        if (!contender.IsBptt)
        {
            double expected = ExpectedSeconds(contender, problem, trial, threads);
            if (expected > _settings.Limit)
            {
                Note($"{Figure.None} {where}: one run would take about {expected:F0} s; "
                    + $"the limit is {_settings.Limit} s.");
                return (null, new Cell(Figure.None));
            }
        }

        IPass pass = contender.SetUp(problem, threads);
        double spent = Seconds(pass);
        PassResult result = pass.ReadResult();
        reference ??= result;
        double error = result.ErrorAgainst(reference);
        if (!(error <= contender.Tolerance))
        {
            pass.Dispose();
            _allAgree = false;
            Note($"{Disagrees} {where}: relative error {error:0.0E+0} against Bptt, "
                + $"more than {contender.Tolerance:0E+0}; not timed.");
            return (null, new Cell(Disagrees) { Error = error });
        }

        if (!contender.IsBptt && spent > _settings.Limit)
        {
            pass.Dispose();
            Note($"{Figure.None} {where}: one run took {spent:F0} s; the limit is {_settings.Limit} s.");
            return (null, new Cell(Figure.None) { Error = error });
        }

        while (spent < WarmUpSeconds)
        {
            spent += Seconds(pass);
        }
        return (pass, new Cell(Figure.None) { Error = error });
    }

    /// <summary>What a run will take, by the fastest of some short ones; the first of them run code not yet
    /// optimised.</summary>
    private static double ExpectedSeconds(Contender contender, Problem problem, Problem trial, int threads)
    {
        using IPass pass = contender.SetUp(trial, threads);
        double fastest = double.PositiveInfinity;
        double spent = 0.0;
        for (int i = 0; i < FewestTrials || spent < WarmUpSeconds; i++)
        {
            double seconds = Seconds(pass);
            fastest = Math.Min(fastest, seconds);
            spent += seconds;
        }
        return fastest * problem.Layout.ColumnCount / trial.Layout.ColumnCount;
    }

    private static double Seconds(IPass pass)
    {
        long start = Stopwatch.GetTimestamp();
        pass.Run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private void Note(string note)
    {
        _progress.WriteLine(note);
        _notes.Add(note);
    }

    /// <summary>One group of columns.</summary>
    private static string[] Figures(Cell cell, Cell bptt, Shape shape, double peak)
    {
        if (cell.Seconds is not double seconds)
        {
            return [cell.Instead, cell.Instead, cell.Instead, cell.Instead];
        }
        double rate = shape.TextbookWork / seconds;
        return
        [
            Figure.Milliseconds(seconds), Figure.GigaFlops(rate), Figure.Percent(rate / peak),
            Figure.Times(seconds / bptt.Seconds!.Value),
        ];
    }

    private static string WorstError(IEnumerable<Cell> cells) =>
        cells.Max(cell => cell.Error) is double worst ? $"{worst:0.0E+0}" : Figure.None;

    /// <summary>One program with one number of threads.</summary>
    /// <param name="Instead">What stands there where nothing was measured.</param>
    private sealed record Cell(string Instead)
    {
        public double? Seconds { get; init; }

        /// <summary>Relative, against Bptt.</summary>
        public double? Error { get; init; }
    }
}
