// Shows how far a piece of work is: a moving bar on a terminal, a line now and then elsewhere.

using System.Diagnostics;
using Spectre.Console;

namespace Bptt.Cli.Console;

internal static class WorkDisplay
{
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(10);

    /// <summary>Runs work that reports which part of it is done, from 0 to 1.</summary>
    public static T Run<T>(Terminal terminal, string name, Func<Action<double>, T> work)
    {
        if (!terminal.IsInteractive)
        {
            Tell(name);
            var silence = Stopwatch.StartNew();
            return work(part =>
            {
                if (silence.Elapsed > LongestSilence)
                {
                    Tell($"{name}: {part:P0}");
                    silence.Restart();
                }
            });
        }
        return terminal.Ansi.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask(name, maxValue: 1);
                return work(part => bar.Value(part));
            });

        void Tell(string line)
        {
            terminal.Output.WriteLine(line);
            terminal.Output.Flush();
        }
    }
}
