// `bptt predict`: runs a model file over a table.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Commands;

internal static class PredictCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = new("model") { Description = "A model file that `bptt fit` wrote." };
        Argument<string> csv = new("csv") { Description = "A CSV file with the model's input columns." };
        OptionRules.DemandFile(model, "a model file");
        OptionRules.DemandFile(csv, "a CSV file");
        Option<string?> output = OptionRules.File(
            "--out", "The CSV file to write; standard output where not given.");
        Option<bool> fromRest = new("--zero-state")
        {
            Description =
                "Start from h_0 = 0 instead of the model's, for data that do not begin where the training data did.",
        };
        var command = new DetailedCommand(
            "predict",
            "Run a model file over a CSV and write its predictions.",
            """
            The model is fed the inputs only. Where the CSV also holds the output columns, the fit is told on the error
            stream.

            Example:
              bptt predict bptt-out/model.json new.csv --out predictions.csv
            """)
        {
            model,
            csv,
            output,
            fromRest,
        };
        command.SetAction(parsed => Run(
            terminal,
            parsed.GetValue(model)!,
            parsed.GetValue(csv)!,
            parsed.GetValue(output),
            parsed.GetValue(fromRest)));
        return command;
    }

    private static int Run(Terminal terminal, string modelPath, string csvPath, string? outputPath, bool fromRest)
    {
        var file = ModelFile.Load(modelPath);
        var table = CsvTable.Read(csvPath);
        Matrix<double> inputs = Dataset.Scaled(file.Inputs, file.Inputs.Select(c => table.Numbers(c.Name)).ToArray());
        Matrix<double> predictions = ForwardPass.Run(
            file.Model, inputs, fromRest ? null : file.InitialState).Outputs();

        bool isMeasured = file.Outputs.All(c => table.Has(c.Name)) && table.RowCount > file.StepsAhead;
        Matrix<double>? measured = !isMeasured ? null : Dataset.Scaled(
            file.Outputs, file.Outputs.Select(c => table.NumbersWhereMeasured(c.Name)[file.StepsAhead..]).ToArray());
        OutputFile.Write(outputPath, terminal, writer => PredictionTable.Write(
            writer, file.Outputs, predictions, measured, t => t + 1L + file.StepsAhead, partOf: null));

        if (measured is not null)
        {
            terminal.Error.WriteLine($"fit: {Fit(measured, predictions)}");
        }
        return ExitCode.Done;
    }

    /// <summary>Over the steps at which every output is measured.</summary>
    private static string Fit(Matrix<double> measured, Matrix<double> predictions)
    {
        int[] steps = Enumerable.Range(0, measured.ColumnCount)
            .Where(t => measured.Column(t).ForAll(double.IsFinite)).ToArray();
        return steps.Length == 0
            ? "not defined, nothing is measured"
            : FitScore.Text(FitScore.Of(Select(measured), Select(predictions)));

        Matrix<double> Select(Matrix<double> columns) =>
            Matrix<double>.Build.DenseOfColumnVectors(steps.Select(columns.Column));
    }
}
