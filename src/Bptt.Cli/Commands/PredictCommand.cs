// `bptt predict`: runs a model file over a table.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Commands;

internal static class PredictCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = new("model") { Description = "A model file that `bptt fit` wrote." };
        Argument<string> csv = new("csv")
        {
            Description = $"A table with the model's input columns: {TableFile.Formats}.",
        };
        var table = new TableOptions();
        OptionRules.DemandFile(model, "a model file");
        OptionRules.DemandFile(csv, "a CSV file", allowed: TableFile.StandardInput);
        Option<string?> output = OptionRules.File(
            "--out", "The CSV file to write; standard output where not given.");
        Option<bool> fromRest = new("--zero-state")
        {
            Description =
                "Start from h_0 = 0 instead of the model's, for data that do not begin where the training data did.",
        };
        var command = new DetailedCommand(
            "predict",
            "Run a model file over a table and write its predictions.",
            """
            The model is fed the inputs only, and each run from the beginning. Where the table also holds the output
            columns, the fit is told on the error stream.

            Example:
              bptt predict bptt-out/model.json new.csv --out predictions.csv
              bptt predict DIR/model.json runs.csv --group run_id --time t
            """)
        {
            model,
            csv,
            output,
            fromRest,
        };
        table.AddTo(command);
        command.SetAction(parsed =>
        {
            var file = ModelFile.Load(parsed.GetValue(model)!);
            Table data = TableFile.Read(parsed.GetValue(csv)!, table.HasHeader(parsed));
            DataSettings settings = table.Read(parsed, data);
            return Run(terminal, file, data, settings, parsed.GetValue(output), parsed.GetValue(fromRest));
        });
        return command;
    }

    private static int Run(
        Terminal terminal, LinearRnnFile file, Table table, DataSettings settings, string? outputPath, bool fromRest)
    {
        Suspicions.Tell(table, settings, [.. file.Inputs.Concat(file.Outputs).Select(c => c.Name)]);
        IReadOnlyList<Run> runs = Data.Run.Of(table, settings.Group);
        SequenceBatch inputs = DatasetBuilder.InputsOf(table, file, runs, settings, leftOut: 0);
        Matrix<double> predictions = Dataset.Joined(ForwardPass.Run(
            file.Model, inputs, fromRest ? null : Dataset.StatesOf(file.InitialState, inputs.Count)).OutputBatch());

        int ahead = file.StepsAhead;
        int[] rows = [.. runs.SelectMany(run => run.Rows.Select((_, t) => RowOf(table, run, t + ahead)))];
        string[] ids = [.. runs.SelectMany(run => run.Rows.Select(_ => run.Id ?? ""))];
        TimeColumn? time = settings.Time is string name ? TimeColumn.Of(table, name) : null;
        var leading = new List<(string, Func<int, string>)> { ("row", t => rows[t] < 0 ? "" : $"{rows[t] + 1}") };
        if (settings.Group is string group)
        {
            leading.Add((group, t => ids[t]));
        }
        if (time is not null)
        {
            leading.Add((time.Name, t => rows[t] < 0 || rows[t] >= table.RowCount ? "" : time.Text(rows[t])));
        }

        bool isMeasured = file.Outputs.All(c => table.Has(c.Name)) && table.RowCount > ahead;
        Matrix<double>? measured = isMeasured ? Measured(table, file, settings, rows) : null;
        TableOptions.Tell(terminal, table);
        OutputFile.Write(outputPath, terminal, writer => PredictionTable.Write(
            writer, file.Outputs, predictions, measured, leading));
        if (measured is not null)
        {
            terminal.Error.WriteLine($"fit: {Fit(measured, predictions)}");
        }
        return ExitCode.Done;
    }

    /// <summary>The row (from 0) of a step of a run: beyond its end the next one of the table where the run is all of
    /// it, and −1 where it is not.</summary>
    private static int RowOf(Table table, Run run, int step) =>
        step < run.Rows.Length ? run.Rows[step] : run.Id is null ? table.RowCount + step - run.Rows.Length : -1;

    /// <summary>The outputs in the rows of the predictions, scaled; NaN where nothing is measured.</summary>
    private static Matrix<double> Measured(Table table, LinearRnnFile file, DataSettings settings, int[] rows)
    {
        double[][] columns = [.. file.Outputs.Select(c => DatasetBuilder.Targets(table, c.Name, settings.Missing))];
        return new Standardizer(file.Outputs).Apply(Matrix<double>.Build.Dense(
            columns.Length,
            rows.Length,
            (i, t) => rows[t] >= 0 && rows[t] < table.RowCount ? columns[i][rows[t]] : double.NaN));
    }

    /// <summary>Over what is measured.</summary>
    private static string Fit(Matrix<double> measured, Matrix<double> predictions) =>
        measured.Enumerate().All(double.IsNaN)
            ? "not defined, nothing is measured"
            : FitScore.Text(FitScore.Of(measured, predictions));
}
