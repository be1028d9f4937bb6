// `bptt check`: compares the gradients of a random model on given data with differences of the loss.

using System.CommandLine;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Training;
using Bptt.Verification;
using Spectre.Console;

namespace Bptt.Cli.Commands;

internal static class CheckCommand
{
    public static Command Create(Terminal terminal)
    {
        var data = new DataOptions();
        var model = new ModelOptions();
        var command = new DetailedCommand(
            "check",
            "Check the gradients of back-propagation through time against differences of the loss.",
            """
            The model is random, and the data are the training part of a CSV.

            Examples:
              bptt check --sample sunspots
              bptt check data.csv --inputs a,b --outputs y --hidden 16

            Exit code 0 where every gradient passes, 1 where one does not.
            """);
        data.AddTo(command);
        model.AddTo(command);
        command.SetAction(parsed => Run(terminal, data.Read(parsed), model.HiddenSize(parsed), model.Seed(parsed)));
        return command;
    }

    private static int Run(Terminal terminal, Dataset data, int hiddenSize, int seed)
    {
        LinearRnn model = Initializer.Orthogonal(
            data.InputChannels.Length, hiddenSize, data.OutputChannels.Length, seed);
        GradientCheckReport report = GradientCheck.Run(
            ForwardPass.Run(model, data.TrainingInputs), Objective.SquaredError(data.TrainingTargets));

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("gradient of", "verdict", "relative error", "uncertainty", "entries", "worst at");
        foreach (ParameterCheck parameter in report.Parameters)
        {
            table.AddRow(
                parameter.Parameter,
                CheckText.Of(parameter.Verdict),
                $"{parameter.RelativeError:0.0E+0}",
                $"{parameter.RelativeUncertainty:0.0E+0}",
                $"{parameter.CheckedCount} of {parameter.EntryCount}",
                $"({parameter.Worst.Row}, {parameter.Worst.Column})");
        }
        terminal.Ansi.Write(table);
        terminal.Output.WriteLine($"gradient check: {CheckText.Summary(report)}");
        return report.Verdict == Verdict.Passed ? ExitCode.Done : ExitCode.DataFault;
    }
}
