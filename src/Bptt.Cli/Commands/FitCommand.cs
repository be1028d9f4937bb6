// `bptt fit`: trains a linear RNN on a table, scores it in free run on rows it has not seen, and writes the model, its
// predictions and a picture.

using System.CommandLine;
using System.Text;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Output;
using Bptt.Cli.Pictures;
using Bptt.Cli.Report;
using Bptt.Interop;

namespace Bptt.Cli.Commands;

internal static class FitCommand
{
    public static Command Create(Terminal terminal)
    {
        var data = new DataOptions();
        var model = new ModelOptions();
        Option<int> epochs = OptionRules.WholeNumber(
            "--epochs", atLeast: 1, byDefault: 2000, "Passes over the training part.", "n");
        Option<double> learningRate = OptionRules.Number(
            "--learning-rate", above: 0, below: double.PositiveInfinity, byDefault: 0.01, "Adam's step size.", "α");
        Option<double> clip = OptionRules.Number(
            "--clip", above: 0, below: double.PositiveInfinity, byDefault: 1.0, "The largest global gradient norm let through.", "θ");
        Option<string?> output = OptionRules.Path(
            "--out", byDefault: "bptt-out", "The folder for model.json, predictions.csv and fit.svg.", "DIR");

        Option<bool> learnState = new("--learn-state")
        {
            Description = "Learn h_0 too, instead of starting at rest (h_0 = 0, the training mean).",
        };

        Option<bool> withReport = new("--report")
        {
            Description = "Also write report.html: one page with the fit, the pictures and the checks.",
        };

        var command = new DetailedCommand(
            "fit",
            "Train a linear RNN on a CSV and score it on the rows it has not seen.",
            """
            The held-out score is of a free run: the model is fed the inputs only, and its state carries on from the
            training part. The model, its predictions and a picture are written into a folder.

            Examples:
              bptt fit --sample hair-dryer
              bptt fit data.csv --inputs a,b --outputs y --hidden 8 --train 0.6 --out DIR --report

            Ctrl-C stops the training and keeps the best weights.
            """);
        data.AddTo(command);
        model.AddTo(command);
        command.Add(epochs);
        command.Add(learningRate);
        command.Add(clip);
        command.Add(learnState);
        command.Add(output);
        command.Add(withReport);

        // On another thread, so that Ctrl-C is heard while the training runs.
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(
                terminal,
                data.Read(parsed),
                new AdamFitSettings(
                    model.HiddenSize(parsed),
                    parsed.GetValue(epochs),
                    parsed.GetValue(learningRate),
                    parsed.GetValue(clip),
                    model.Seed(parsed),
                    parsed.GetValue(learnState)),
                parsed.GetValue(output)!,
                parsed.GetValue(withReport),
                cancellation),
            CancellationToken.None));
        return command;
    }

    private static int Run(
        Terminal terminal,
        Dataset data,
        AdamFitSettings settings,
        string outputPath,
        bool writesPage,
        CancellationToken cancellation)
    {
        var folder = OutputFolder.Open(outputPath);
        long parameters = ModelOptions.ParameterCount(data, settings.HiddenSize, settings.LearnsInitialState);
        if (data.TrainingCount < parameters)
        {
            terminal.Warn(
                $"{data.TrainingCount} training rows for {parameters} parameters: expect the held-out fit to fall behind; try a smaller --hidden.");
        }
        terminal.Output.WriteLine(
            $"{data.Name}: {data.TrainingCount} rows to train, {data.Count - data.TrainingCount} held out; {Words.HiddenUnits(settings.HiddenSize)}, {parameters} parameters");

        AdamFitResult fit = EpochDisplay.Run(terminal, report => AdamFit.Run(
            data.TrainingInputs, data.TrainingTargets, settings, report, cancellation));
        if (fit.End == AdamFitEnd.Cancelled)
        {
            terminal.Warn($"stopped after epoch {fit.EpochsRun}; the best weights so far are kept.");
        }

        // The files first: whatever happens next, the training is not lost.
        var file = new LinearRnnFile(
            fit.Model, fit.InitialState, data.InputChannels, data.OutputChannels, data.StepsAhead);
        List<string> written = [folder.Write("model.json", file.Save)];
        var report = new FitReport(data, fit);
        written.Add(folder.Write("predictions.csv", stream => WritePredictions(stream, data, report)));
        written.Add(folder.Write("fit.svg", FitPicture.Of(
            data, report.Predictions, $"held-out fit: {FitScore.Text(report.HeldOutFit)}").Write));

        report.Print(terminal);
        if (writesPage)
        {
            written.Add(folder.Write("report.html", stream => ReportPage.Write(stream, data, settings, fit, report)));
        }
        terminal.Output.WriteLine($"written: {string.Join(", ", written)}");

        if (fit.End == AdamFitEnd.Diverged)
        {
            throw new DataFaultException(
                $"the training diverged ({fit.Reason}); what is written are the best weights before that. Try a smaller --learning-rate or --clip.");
        }
        if (report.HeldOutFit is double score && !double.IsFinite(score))
        {
            throw new DataFaultException(
                $"the free run leaves the range of numbers on the held-out part (spectral radius {Words.Magnitude(report.SpectralRadius)}). Try fewer --hidden, or without --learn-state.");
        }
        if (fit.BestEpoch == 1 && fit.EpochsRun > 1)
        {
            terminal.Warn("no epoch was better than the random start, which is what is kept; try a smaller --learning-rate.");
        }
        if (!report.GradientsHold)
        {
            terminal.Warn("a gradient check failed; see above.");
        }
        return ExitCode.Done;
    }

    private static void WritePredictions(Stream stream, Dataset data, FitReport report)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
        PredictionTable.Write(
            writer,
            data.OutputChannels,
            report.Predictions,
            data.Targets,
            t => data.RowOf(t),
            t => t < data.TrainingCount ? "training" : "held-out");
    }
}
