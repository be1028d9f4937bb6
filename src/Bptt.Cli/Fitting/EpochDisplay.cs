// Shows epochs as they pass: a moving bar on a terminal, a plain line now and then elsewhere.

using System.Diagnostics;
using Bptt.Cli.Console;
using Spectre.Console;

namespace Bptt.Cli.Fitting;

internal static class EpochDisplay
{
    private const int PlainLines = 10;
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs a training with a display that it can report to. The last report is shown in any case.</summary>
    public static T Run<T>(Terminal terminal, Func<Action<EpochProgress>, T> train)
    {
        if (terminal.IsInteractive)
        {
            return WithBar(terminal.Ansi, train);
        }
        var lines = new PlainDisplay(terminal.Output);
        T result = train(lines.Show);
        lines.ShowLast();
        return result;
    }

    private static T WithBar<T>(IAnsiConsole console, Func<Action<EpochProgress>, T> train) =>
        console.Progress()
            .AutoClear(false)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask("training");
                DateTime next = DateTime.MinValue;
                EpochProgress last = default;
                T result = train(progress =>
                {
                    last = progress;
                    if (DateTime.UtcNow >= next)
                    {
                        next = DateTime.UtcNow + Redraw;
                        Show();
                    }
                });
                Show();
                bar.Description(TextAtEnd(last));
                bar.Value(bar.MaxValue); // a method may end before its last epoch
                return result;

                void Show()
                {
                    bar.Description(Text(last));
                    bar.MaxValue(Math.Max(1, last.Epochs)).Value(Math.Min(last.Epoch, last.Epochs));
                }
            });

    private static string Text(EpochProgress progress)
    {
        string timeLeft = progress.TimeLeft is TimeSpan time ? $"  {Math.Ceiling(time.TotalSeconds):F0} s left" : "";
        return TextOf(progress, progress.Epoch <= progress.Epochs) + timeLeft; // one that is resumed may begin beyond
    }

    /// <summary>At the end no time is left, and epochs that were not needed are none that are missing.</summary>
    private static string TextAtEnd(EpochProgress progress) => TextOf(progress, progress.Epoch == progress.Epochs);

    private static string TextOf(EpochProgress progress, bool tellsEpochs)
    {
        string of = tellsEpochs ? $"/{progress.Epochs}" : "";
        string norm = progress.GradientNorm is double number ? $"  gradient norm {number:0.0E+0}" : "";
        return $"epoch {progress.Epoch}{of}  loss {progress.Loss:0.000E+0}{norm}";
    }

    /// <summary>The first report, the last, those that complete a tenth part between, and never a long
    /// silence.</summary>
    private sealed class PlainDisplay(TextWriter output)
    {
        private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
        private EpochProgress? _last;
        private EpochProgress? _shown;

        public void Show(EpochProgress progress)
        {
            _last = progress;
            if (_shown is not EpochProgress shown
                || Tenths(progress) > Tenths(shown)
                || _sinceLine.Elapsed > LongestSilence)
            {
                Print(progress, Text(progress));
            }
        }

        public void ShowLast()
        {
            if (_last is EpochProgress last && last.Epoch != _shown?.Epoch)
            {
                Print(last, TextAtEnd(last));
            }
        }

        private static long Tenths(EpochProgress progress) => (long)progress.Epoch * PlainLines / progress.Epochs;

        private void Print(EpochProgress progress, string text)
        {
            output.WriteLine(text);
            _shown = progress;
            _sinceLine.Restart();
        }
    }
}
