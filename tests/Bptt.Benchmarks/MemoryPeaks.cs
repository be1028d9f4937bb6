// How much memory a pass over a long sequence takes, with every state kept and under a budget. Each is measured in a
// process of its own, since the peak of a process never falls: the program starts itself.

using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace Bptt.Benchmarks;

internal static class MemoryPeaks
{
    /// <summary>The command, of no use to a person, by which the program asks itself for one measurement.</summary>
    public const string ChildCommand = "memory-of-one";

    private static readonly long?[] Budgets = [null, 64L << 20];

    /// <summary>Measures and prints the table.</summary>
    /// <param name="stepCount">T.</param>
    /// <param name="threads">How many threads Bptt may use.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(int stepCount, int threads, bool markdown, TextWriter output)
    {
        output.WriteLine(
            $"One forward and one backward pass over T = {stepCount} steps, h = {LongSequence.HiddenSize}, "
            + $"d = q = {LongSequence.Channels}, threads {threads}, each in a process of its own:");
        output.WriteLine();

        var table = new Table(
            leftAligned: 1, "memory budget", "peak working set", "before the passes", "time", "‖∂L/∂W_hh‖");
        List<string> notes = [];
        foreach (long? budget in Budgets)
        {
            string answer = Ask(stepCount, budget ?? 0, threads);
            string[] parts = answer.Split(' ');
            string name = LongSequence.Describe(budget);
            if (parts is [string before, string peak, string seconds, string norm])
            {
                table.Add(name, Size(peak), Size(before), $"{Number(seconds):F1} s", $"{Number(norm):R}");
            }
            else
            {
                table.Add(name, Figure.None, Figure.None, Figure.None, Figure.None);
                notes.Add($"{Figure.None} {name}: {answer}");
            }
        }
        output.Write(table.ToText(markdown));
        notes.ForEach(note => output.Write($"\n{note}\n"));
    }

    /// <summary>One measurement, in a process that does nothing else: prints bytes before the pass, bytes at the peak,
    /// seconds and ‖∂L/∂W_hh‖, or why there are none.</summary>
    /// <param name="stepCount">T.</param>
    /// <param name="budget">Bytes; 0 keeps every state.</param>
    /// <param name="threads">How many threads Bptt may use.</param>
    /// <param name="output">Receives it.</param>
    public static void RunOne(int stepCount, long budget, int threads, TextWriter output)
    {
        try
        {
            var problem = new LongSequence(stepCount, budget == 0 ? null : budget, threads);
            long before = PeakWorkingSet();
            long start = Stopwatch.GetTimestamp();
            Gradients gradients = problem.Run().Gradients;
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            output.WriteLine(
                FormattableString.Invariant($"{before} {PeakWorkingSet()} {seconds:R} {gradients.WhhNorm():R}"));
        }
        catch (NotSupportedException e)
        {
            output.WriteLine(e.Message);
        }
    }

    private static long PeakWorkingSet()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    /// <summary>Starts this program again, with or without the host that it was itself started with.</summary>
    private static string Ask(int stepCount, long budget, int threads)
    {
        string program = Environment.ProcessPath
            ?? throw new InvalidOperationException("The program cannot find its own file, so it cannot start itself.");
        bool isHost = string.Equals(
            Path.GetFileNameWithoutExtension(program), "dotnet", StringComparison.OrdinalIgnoreCase);
        string[] arguments =
        [
            .. isHost ? (string[])[Assembly.GetExecutingAssembly().Location] : [],
            ChildCommand,
            .. ((IFormattable[])[stepCount, budget, threads]).Select(
                n => n.ToString(null, CultureInfo.InvariantCulture)),
        ];
        using Process child = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{program} did not start.");
        string answer = child.StandardOutput.ReadToEnd().Trim();
        child.WaitForExit();
        return child.ExitCode == 0 ? answer : $"the process ended with exit code {child.ExitCode}";
    }

    private static string Size(string bytes) => Figure.Mebibytes(Number(bytes));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
