// `bptt fit`: trains a linear RNN on a table, scores it in free run on rows it has not seen, and writes the model, its
// predictions and a picture.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;
using Bptt.Cli.Report;
using Bptt.Cli.Studio;
using Bptt.Files;
using Bptt.Training;

namespace Bptt.Cli.Commands;

internal static class FitCommand
{
    private const string Details = """
    Where no option of a training is given the model is identified: models of several kinds and orders are fitted to
    the training rows without a stretch, and the one whose free run fits such stretches best is fitted to all of them.
    With an option of a training, --optimizer, --init, --starts, --epochs, --learning-rate, --clip, --truncate,
    --radius, --resume, --workers, --cluster, --shards or --segments, with --predict-next, and beyond 20 inputs or 30
    units the model is trained by back-propagation through time.

    The held-out score is of a free run: the model is fed the inputs only, and its state carries on from the
    training part. The model, its predictions and a picture are written into a folder, and a checkpoint where the
    training could go on. The verdict says whether to trust the model.

    A file is taken as it is. With --group each run is a sequence of its own, and the last runs are held
    out. A step counts where all its outputs are measured, so an output may be measured every n-th row. What was left
    out or filled, and what looks wrong, is told on the error stream: "note:" and "warning:".

    Examples:
      bptt fit --sample hair-dryer
      bptt fit data.csv --inputs a,b --outputs y --hidden 8 --train 0.6 --out DIR --report
      bptt fit --sample sunspots --hidden 4 --optimizer adam --clip norm:0.5 --truncate lags:50 --out DIR
      bptt fit --sample sunspots --hidden 3 --init orthogonal --starts 4 --out DIR
      bptt fit --sample hair-dryer --hidden 4 --optimizer adam --watch --out DIR

      bptt fit runs.csv --group run_id --time t --inputs 'u1..u5,!u3' --outputs y --out DIR
      bptt fit runs.csv --group run_id --inputs 'u1..u5' --outputs y --workers 3 --out DIR
      bptt fit runs.csv --group run_id --hold-out time --inputs 'temp*' --outputs y --missing interpolate --out DIR

    Ctrl-C stops the training and keeps the best weights; with --resume DIR/checkpoint.json it goes on.
    """;

    public static Command Create(Terminal terminal)
    {
        var data = new DataOptions();
        var training = new FitOptions();
        var watching = new WatchOptions();
        Option<string?> output = OptionRules.Folder(
            "--out", byDefault: "bptt-out", "The folder for model.json, predictions.csv and fit.svg.");

        Option<bool> withReport = new("--report")
        {
            Description = "Also write report.html: one page with the fit, the pictures and the checks.",
        };

        Option<bool> withoutChecks = new("--no-checks")
        {
            Description = "Leave out the gradient checks, which take dozens of passes for each entry they look at.",
        };

        var command = new DetailedCommand(
            "fit",
            "Train a linear RNN on a table and score it on the rows it has not seen.",
            Details);
        data.AddTo(command);
        training.AddTo(command);
        command.Add(output);
        command.Add(withReport);
        command.Add(withoutChecks);
        watching.AddTo(command);

        // On another thread, so that Ctrl-C is heard while the training runs.
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(
                terminal,
                data.Read(parsed, terminal),
                training.Read(parsed),
                read => watching.Start(parsed, terminal, read, cancellation),
                plan => plan is null
                    ? training.WithoutEffectOnIdentification(parsed) : training.WithoutEffect(parsed, plan),
                parsed.GetValue(output)!,
                parsed.GetValue(withReport),
                !parsed.GetValue(withoutChecks),
                cancellation),
            CancellationToken.None));
        return command;
    }

    private static int Run(
        Terminal terminal,
        Dataset data,
        FitSettings settings,
        Func<Dataset, FitWatch?> startWatch,
        Func<FitPlan?, IEnumerable<string>> withoutEffect,
        string outputPath,
        bool writesPage,
        bool isChecked,
        CancellationToken cancellation)
    {
        var folder = OutputFolder.Open(outputPath);
        TextWriter output = terminal.Output;
        output.WriteLine($"{data.Name}: {data.PartsText}");
        using FitWatch? watch = startWatch(data);
        CancellationToken stop = watch?.Cancellation ?? cancellation;
        OrderChoice? order = null;
        List<string> written = [];
        FitResult fit = IdentifiedFit.IsFor(data, settings)
            ? Identify(terminal, data, settings, watch, withoutEffect(null), stop)
            : Train(terminal, folder, data, settings, watch, withoutEffect, written, out order, stop);

        // The files first: whatever happens next, the model is not lost.
        var file = new LinearRnnFile(
            fit.Model,
            fit.InitialState,
            data.InputChannels,
            fit.OutputChannels(data),
            data.StepsAhead,
            fit.FinalState(data));
        written.Insert(0, folder.Write("model.json", file.Save));
        var report = new FitReport(data, fit, isChecked, cancellation);
        written.Insert(
            1, folder.Write("predictions.csv", OutputFile.AsText(writer => WritePredictions(writer, data, report))));
        written.Insert(2, folder.Write("fit.svg", FitPicture.Of(
            data, report.Predictions, $"held-out fit: {report.HeldOutText}").Write));

        watch?.Finish(fit, RunSection.Outcome(fit), report.HeldOutText);
        report.Print(terminal);
        if (writesPage)
        {
            written.Insert(
                3, folder.Write("report.html", stream => ReportPage.Write(
                    stream, data, fit, order, report, watch?.Moments)));
        }
        output.WriteLine($"written: {string.Join(", ", written)}");
        return Judge(terminal, fit, report);
    }

    private static IdentifiedFit Identify(
        Terminal terminal,
        Dataset data,
        FitSettings settings,
        FitWatch? watch,
        IEnumerable<string> withoutEffect,
        CancellationToken cancellation)
    {
        Warn(terminal, withoutEffect);
        watch?.Begin("comparing models", trains: false, canSave: false);
        IdentifiedFit fit = BeforeAll(() => WorkDisplay.Run(
            terminal,
            "comparing models",
            report => IdentifiedFit.Run(data, settings, FitWatch.Beside(report, watch), cancellation)));
        fit.Table()?.WriteTo(terminal);
        terminal.Output.WriteLine(fit.Sentence);
        long parameters = FitPlan.ParameterCount(data, fit.Model.HiddenSize, fit.LearnedStates is not null);
        terminal.Output.WriteLine($"{Words.HiddenUnits(fit.Model.HiddenSize)}, {parameters} parameters"
            + $"{(fit.LearnedStates is null ? "; from rest" : "; h_0 learned")}{fit.OffsetText(data)}");
        return fit;
    }

    private static TrainedFit Train(
        Terminal terminal,
        OutputFolder folder,
        Dataset data,
        FitSettings settings,
        FitWatch? watch,
        Func<FitPlan, IEnumerable<string>> withoutEffect,
        List<string> written,
        out OrderChoice? order,
        CancellationToken cancellation)
    {
        using FitCluster? cluster = settings.AsksForWorkers
            ? BeforeAll(() => FitCluster.Start(terminal, settings, cancellation)) : null;
        FitJobs.Spread? spread = cluster is null ? null : cluster.Spread;
        settings = settings with { Gradients = settings.Starts == 1 ? cluster?.Executor : null, Jobs = spread };
        order = settings.HiddenSize is null ? ChooseOrder(terminal, data, settings, watch, cancellation) : null;
        var plan = FitPlan.Of(settings, data, settings.HiddenSize ?? order!.Order);
        Warn(terminal, withoutEffect(plan));
        long parameters = FitPlan.ParameterCount(data, plan.HiddenSize, settings.LearnsInitialState);
        if (data.TrainingCount < parameters)
        {
            terminal.Warn(
                $"{data.TrainingCount} training rows for {parameters} parameters: expect the held-out fit to fall "
                + "behind; try a smaller --hidden.");
        }
        string words = $"{Words.HiddenUnits(plan.HiddenSize)}, {parameters} parameters; "
            + $"start: {plan.StartName}; optimiser: {plan.MethodName}";
        terminal.Output.WriteLine(words);

        string? checkpoint = settings.Starts == 1 ? CheckpointIn(folder, settings.ResumeFrom) : null;
        watch?.BeginTraining(words, plan, canSave: checkpoint is not null);
        TrainedFit fit = EpochDisplay.Run(terminal, report => FitTraining.Run(
            data,
            plan,
            checkpoint,
            FitWatch.Beside(report, watch),
            done => TellStart(terminal, done, settings.Starts),
            cancellation, watch is null ? null : watch.TakeCheckpoint));
        written.AddRange(Conclude(terminal, folder, fit, checkpoint));
        if (settings.TensorBoardFolder is string log)
        {
            written.Add(log);
        }
        return fit;
    }

    private static void Warn(Terminal terminal, IEnumerable<string> warnings)
    {
        foreach (string warning in warnings)
        {
            terminal.Warn(warning);
        }
    }

    private static OrderChoice ChooseOrder(
        Terminal terminal, Dataset data, FitSettings settings, FitWatch? watch, CancellationToken cancellation)
    {
        watch?.Begin("comparing numbers of hidden units", trains: false, canSave: false);
        OrderChoice choice = BeforeAll(() => WorkDisplay.Run(
            terminal,
            "comparing numbers of hidden units",
            report => OrderSearch.Run(
                data,
                settings.LearnsInitialState,
                settings.HasPrior ?? FitPlan.HasPriorByDefault(settings, data.InputChannels.Length),
                FitWatch.Beside(report, watch),
                settings.Jobs, cancellation)));
        choice.Table()?.WriteTo(terminal);
        terminal.Output.WriteLine(choice.Sentence);
        return choice;
    }

    /// <summary>Work without which there is no model to keep.</summary>
    private static T BeforeAll<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (OperationCanceledException e)
        {
            throw new DataFaultException("stopped before there was a model; nothing is written.", e);
        }
    }

    /// <summary>The file for the checkpoint: checkpoint.json, or with a number where that is of another training, which
    /// may still go on.</summary>
    private static string CheckpointIn(OutputFolder folder, string? resumeFrom)
    {
        for (int number = 1; ; number++)
        {
            string path = folder.PathOf(number == 1 ? "checkpoint.json" : $"checkpoint-{number}.json");
            bool isOwn = resumeFrom is not null && Path.GetFullPath(resumeFrom) == Path.GetFullPath(path);
            if (isOwn || new FileInfo(path) is not { Exists: true, LinkTarget: null, Length: > 0 })
            {
                return path;
            }
        }
    }

    private static void TellStart(Terminal terminal, int done, int starts)
    {
        if (starts > 1 && !terminal.IsInteractive)
        {
            terminal.Output.WriteLine($"{done} of {starts} starts done");
        }
    }

    /// <summary>Says how the training ended and whether it can go on; returns the checkpoint where it can.</summary>
    private static List<string> Conclude(Terminal terminal, OutputFolder folder, TrainedFit fit, string? checkpoint)
    {
        TrainingResult training = fit.Training;
        fit.StartTable()?.WriteTo(terminal);
        bool isCancelled = fit.Runs.Any(r => r.Training.StopReason == StopReason.Canceled);
        bool canGoOn = checkpoint is not null && training.CheckpointFault is null
            && training.StopReason is StopReason.Canceled or StopReason.EpochLimit;
        if (fit.PriorSentence is string prior)
        {
            terminal.Output.WriteLine($"prior, in the loss: {prior}");
        }
        string more = canGoOn && !isCancelled ? $" With --resume {checkpoint} and a larger --epochs it goes on." : "";
        terminal.Output.WriteLine($"training: {training.Summary}{more}");
        if (training.CheckpointFault is string fault)
        {
            terminal.Warn(fault);
        }
        Warn(terminal, fit.Runs.Select(run => run.LogFault).OfType<string>());
        if (isCancelled)
        {
            string resume = canGoOn ? $" The same command with --resume {checkpoint} goes on." : "";
            terminal.Warn($"stopped after epoch {training.Epochs}; the best weights so far are kept.{resume}");
        }
        if (checkpoint is not null && !canGoOn)
        {
            folder.Remove(Path.GetFileName(checkpoint)); // there is nothing to go on with
        }
        return canGoOn ? [checkpoint!] : [];
    }

    private static int Judge(Terminal terminal, FitResult fit, FitReport report)
    {
        var trained = fit as TrainedFit;
        bool isFirstOrder = trained is not null && FitPlan.IsFirstOrder(trained.Plan.Method);
        if (trained?.Training.StopReason == StopReason.NonFinite)
        {
            throw new DataFaultException(
                "the training diverged; what is written are the best weights before that. "
                + $"{trained.Training.Summary}{(isFirstOrder ? " Try a smaller --learning-rate or --clip." : "")}");
        }
        if (report.HeldOutFit is double score && !double.IsFinite(score))
        {
            throw new DataFaultException(
                "the free run leaves the range of numbers on the held-out part (spectral radius "
                + $"{Words.Magnitude(report.SpectralRadius)}). Try fewer --hidden, or without --learn-state.");
        }
        if (isFirstOrder && trained!.Training is { BestEpoch: 0, Epochs: > 0 })
        {
            terminal.Warn("no epoch was better than the start, which is what is kept; try a smaller --learning-rate.");
        }
        if (report.SpectralRadius > 1.0 && report.HeldOutFit < 0.0)
        {
            terminal.Warn(
                $"the model is unstable (spectral radius {Words.Magnitude(report.SpectralRadius)}) and its free run "
                + "grows beyond the held-out rows; try fewer --hidden, or --hidden auto.");
        }
        if (!report.GradientsHold)
        {
            terminal.Warn("a gradient check failed; see above.");
        }
        return ExitCode.Done;
    }

    private static void WritePredictions(TextWriter writer, Dataset data, FitReport report)
    {
        var leading = new List<(string, Func<int, string>)> { ("row", t => $"{data.RowOf(t)}") };
        if (data.Group is string group)
        {
            leading.Add((group, t => data.RunOf(t).Id!));
        }
        if (data.Time is TimeColumn time)
        {
            leading.Add((time.Name, t => time.Text(data.RowOf(t) - 1)));
        }
        leading.Add(("part", t => data.IsTrained(t) ? "training" : "held-out"));
        PredictionTable.Write(writer, data.OutputChannels, report.Predictions, data.JoinedTargets, leading);
    }
}
