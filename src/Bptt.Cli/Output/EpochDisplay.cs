// Shows epochs as they pass: a moving bar on a terminal, a plain line now and then elsewhere.

using System.Diagnostics;
using Bptt.Cli.Fitting;
using Spectre.Console;

namespace Bptt.Cli.Output;

internal static class EpochDisplay
{
    private const int PlainLines = 10;
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs a training loop with a display that it can report to.</summary>
    public static AdamFitResult Run(Terminal terminal, Func<Action<EpochProgress>, AdamFitResult> train) =>
        terminal.IsInteractive ? WithBar(terminal.Ansi, train) : train(PlainLine(terminal.Output));

    private static AdamFitResult WithBar(IAnsiConsole console, Func<Action<EpochProgress>, AdamFitResult> train) =>
        console.Progress()
            .AutoClear(false)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask("training");
                DateTime next = DateTime.MinValue;
                return train(progress =>
                {
                    if (DateTime.UtcNow >= next || progress.Epoch == progress.Epochs)
                    {
                        next = DateTime.UtcNow + Redraw;
                        bar.Description(Text(progress));
                        bar.MaxValue(progress.Epochs).Value(progress.Epoch);
                    }
                });
            });

    /// <summary>The first epoch, the last, every tenth part between, and never a long silence.</summary>
    private static Action<EpochProgress> PlainLine(TextWriter output)
    {
        var sinceLast = Stopwatch.StartNew();
        return progress =>
        {
            int every = Math.Max(1, progress.Epochs / PlainLines);
            if (progress.Epoch == 1 || progress.Epoch % every == 0 || progress.Epoch == progress.Epochs
                || sinceLast.Elapsed > LongestSilence)
            {
                output.WriteLine(Text(progress));
                sinceLast.Restart();
            }
        };
    }

    private static string Text(EpochProgress progress)
    {
        string timeLeft = progress.TimeLeft is TimeSpan time ? $"  {Math.Ceiling(time.TotalSeconds):F0} s left" : "";
        return $"epoch {progress.Epoch}/{progress.Epochs}  loss {progress.Loss:0.000E+0}  gradient norm {progress.GradientNorm:0.0E+0}{timeLeft}";
    }
}
