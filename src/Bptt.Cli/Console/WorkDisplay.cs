// Shows how far a piece of work is: a moving bar on a terminal, one line elsewhere.

using Spectre.Console;

namespace Bptt.Cli.Console;

internal static class WorkDisplay
{
    /// <summary>Runs work that reports which part of it is done, from 0 to 1.</summary>
    public static T Run<T>(Terminal terminal, string name, Func<Action<double>, T> work)
    {
        if (!terminal.IsInteractive)
        {
            terminal.Output.WriteLine(name);
            terminal.Output.Flush();
            return work(_ => { });
        }
        return terminal.Ansi.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask(name, maxValue: 1);
                return work(part => bar.Value(part));
            });
    }
}
