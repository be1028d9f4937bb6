// `bptt remedies`: trains one task from one exploding start with each remedy against exploding and vanishing gradients,
// and sets the outcomes side by side.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;

namespace Bptt.Cli.Commands;

internal static class RemediesCommand
{
    private const string Details = """
    All trainings start from the same random weights, of an orthogonal W_hh with a spectral radius above 1, from which
    gradients explode; all are plain gradient descent with the same learning rate, unless the remedy is the method.
    They run one after the other, so that the seconds can be compared. Without a CSV file or --sample, the task is the
    sample hair-dryer.

      learned      the best weights fit the training part better than its mean
      converged    the same, and the method found nothing better
      not learned  they do not
      diverged     a loss, a gradient or a weight was no longer finite

    Losses are of the data alone; gradients are those of what is minimised, before clipping.

    Examples:
      bptt remedies --out DIR
      bptt remedies --sample sunspots --hidden 4 --epochs 100 --out DIR

    Exit code 0 whatever the outcomes. Ctrl-C keeps the trainings that are done.
    """;

    public static Command Create(Terminal terminal)
    {
        var data = new DataOptions(defaultSample: "hair-dryer");
        var model = new ModelOptions();
        Option<int> epochs = OptionRules.WholeNumber(
            "--epochs", atLeast: 1, byDefault: 300, "The most passes over the training part, for each remedy.", "n");
        Option<double> radius = OptionRules.Number(
            "--radius",
            above: 0,
            below: double.PositiveInfinity,
            byDefault: 1.3,
            "The spectral radius of the W_hh that all start from.",
            "ρ");
        Option<double> learningRate = OptionRules.Number(
            "--learning-rate",
            above: 0,
            below: double.PositiveInfinity,
            byDefault: 0.05,
            "The step size of gradient descent and Adam.",
            "α");
        Option<string?> output = OptionRules.Folder(
            "--out", byDefault: "bptt-out", "The folder for remedies.svg and remedies.csv.");
        var command = new DetailedCommand(
            "remedies",
            "Train one task with each remedy against exploding and vanishing gradients, and with none.",
            Details);
        data.AddTo(command);
        model.AddTo(command);
        command.Add(epochs);
        command.Add(radius);
        command.Add(learningRate);
        command.Add(output);

        // On another thread, so that Ctrl-C is heard while a training runs.
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(
                terminal,
                data.Read(parsed, terminal),
                new RemedySettings(
                    model.HiddenSize(parsed),
                    model.Seed(parsed),
                    parsed.GetValue(epochs),
                    parsed.GetValue(learningRate),
                    parsed.GetValue(radius)),
                parsed.GetValue(output)!,
                cancellation),
            CancellationToken.None));
        return command;
    }

    private static int Run(
        Terminal terminal, Dataset data, RemedySettings settings, string outputPath, CancellationToken cancellation)
    {
        var folder = OutputFolder.Open(outputPath);
        _ = FitPlan.ParameterCount(data, settings.HiddenSize, learnsState: false);
        terminal.Output.WriteLine(
            $"{data.Name}: {data.PartsText}; "
            + $"{Words.HiddenUnits(settings.HiddenSize)}, start of radius {settings.Radius}, seed {settings.Seed}; "
            + $"learning rate {settings.LearningRate}");
        IReadOnlyList<Remedy> remedies = Remedy.All(settings);
        List<RemedyTrial> trials = WorkDisplay.Run(
            terminal,
            $"training {remedies.Count} times, one after the other",
            report => Try(remedies, data, settings, report, cancellation));
        if (trials.Count == 0)
        {
            throw new DataFaultException("stopped before a training was done; nothing is written.");
        }

        var table = new RemedyReport(trials);
        string[] written =
        [
            folder.Write("remedies.csv", OutputFile.AsText(table.WriteCsv)),
            folder.Write("remedies.svg", RemedyPicture.Of(trials, data.Name).Write),
        ];
        table.Table().WriteTo(terminal);
        foreach (string sentence in table.Sentences())
        {
            terminal.Output.WriteLine(sentence);
        }
        terminal.Output.WriteLine($"written: {string.Join(", ", written)}");
        if (trials.Count < remedies.Count)
        {
            terminal.Warn($"stopped after {trials.Count} of {remedies.Count} trainings.");
        }
        return ExitCode.Done;
    }

    private static List<RemedyTrial> Try(
        IReadOnlyList<Remedy> remedies,
        Dataset data,
        RemedySettings settings,
        Action<double> report,
        CancellationToken cancellation)
    {
        var trials = new List<RemedyTrial>();
        try
        {
            // Once for nothing, so that no training is charged with the compilation of all.
            RemedySettings brief = settings with { Epochs = 2, Radius = 0.5 };
            foreach (Remedy remedy in Remedy.All(brief))
            {
                RemedyTrial.Run(remedy, data, brief, cancellation);
            }
            foreach (Remedy remedy in remedies)
            {
                trials.Add(RemedyTrial.Run(remedy, data, settings, cancellation));
                report((double)trials.Count / remedies.Count);
            }
        }
        catch (OperationCanceledException)
        {
            // What is done is told.
        }
        return trials;
    }
}
