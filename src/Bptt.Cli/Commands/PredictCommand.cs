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
        Option<bool> goesOn = new("--continue")
        {
            Description = "Start from the state at the end of the rows that trained, for data that go on from there: "
                + "those held out, or with `fit --train 1` those after the table.",
        };
        Option<int?> warmUp = OptionRules.OptionalWholeNumber(
            "--warm-up",
            atLeast: 1,
            "Estimate h_0 of each run from its first n rows, of which the outputs are measured; the fit is told of the "
                + "rows after them. With --horizon the rows that each state is estimated from.",
            "n");
        Option<int?> horizon = OptionRules.OptionalWholeNumber(
            "--horizon",
            atLeast: 1,
            "Predict each row from what was measured k rows before and earlier, and the inputs until then: the state "
                + "is estimated anew from a window of --warm-up rows.",
            "k");
        var command = new DetailedCommand(
            "predict",
            "Run a model file over a table and write its predictions.",
            """
            The model is fed the inputs only, and each run from the beginning. Where the table also holds the output
            columns, the fit and the root-mean-square error of each output, in its own unit, are told on the error
            stream.

            Example:
              bptt predict bptt-out/model.json new.csv --out predictions.csv
              bptt predict bptt-out/model.json new.csv --warm-up 30
              bptt predict bptt-out/model.json new.csv --horizon 5 --warm-up 30
              bptt predict DIR/model.json runs.csv --group run_id --time t
            """)
        {
            model,
            csv,
            output,
            fromRest,
            goesOn,
            warmUp,
            horizon,
        };
        command.AddRule(parsed => Faults(
            parsed.GetValue(fromRest), parsed.GetValue(goesOn), parsed.GetValue(warmUp), parsed.GetValue(horizon)));
        table.AddTo(command);
        command.SetAction(parsed =>
        {
            var file = ModelFile.Load(parsed.GetValue(model)!);
            Table data = TableFile.Read(parsed.GetValue(csv)!, table.HasHeader(parsed));
            DataSettings settings = table.Read(parsed, data);
            var start = new PredictionStart(
                parsed.GetValue(fromRest), parsed.GetValue(goesOn), parsed.GetValue(warmUp), parsed.GetValue(horizon));
            return Run(terminal, file, data, settings, parsed.GetValue(output), start);
        });
        return command;
    }

    private static int Run(
        Terminal terminal,
        LinearRnnFile file,
        Table table,
        DataSettings settings,
        string? outputPath,
        PredictionStart start)
    {
        Suspicions.Tell(table, settings, [.. file.Inputs.Concat(file.Outputs).Select(c => c.Name)]);
        IReadOnlyList<Run> runs = Data.Run.Of(table, settings.Group);
        SequenceBatch inputs = DatasetBuilder.InputsOf(table, file, runs, settings, leftOut: 0);
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
        (Matrix<double> predictions, Matrix<double>? scored) = start.Predict(file, table, inputs, measured, runs);
        TableOptions.Tell(terminal, table);
        OutputFile.Write(outputPath, terminal, writer => PredictionTable.Write(
            writer, file.Outputs, predictions, measured, leading));
        if (scored is not null)
        {
            string error = file.Outputs.Count == 1 ? $", RMSE {Rmse(file.Outputs[0], scored, predictions, 0)}" : "";
            terminal.Error.WriteLine($"fit: {Fit(scored, predictions)}{error}");
            for (int i = 0; i < file.Outputs.Count && file.Outputs.Count > 1; i++)
            {
                TellOutput(terminal, file.Outputs, scored, predictions, i);
            }
        }
        return ExitCode.Done;
    }

    private static void TellOutput(
        Terminal terminal,
        IReadOnlyList<Channel> outputs,
        Matrix<double> measured,
        Matrix<double> predictions,
        int output)
    {
        if (measured.Row(output).Exists(double.IsFinite))
        {
            int count = measured.ColumnCount;
            string fit = Fit(measured.SubMatrix(output, 1, 0, count), predictions.SubMatrix(output, 1, 0, count));
            terminal.Error.WriteLine($"  {outputs[output].Name}: fit {fit}, "
                + $"RMSE {Rmse(outputs[output], measured, predictions, output)}");
        }
    }

    /// <summary>In the unit of the output.</summary>
    private static string Rmse(Channel channel, Matrix<double> measured, Matrix<double> predictions, int output) =>
        measured.Row(output).Exists(double.IsFinite)
            ? FitScore.RmseText(FitScore.Rmse(measured.Row(output), predictions.Row(output), channel.Scale)) : "none";

    private static IEnumerable<string> Faults(bool fromRest, bool goesOn, int? warmUp, int? horizon)
    {
        if ((fromRest ? 1 : 0) + (goesOn ? 1 : 0) + (warmUp is null ? 0 : 1) > 1)
        {
            yield return "Expected one of --zero-state, --continue and --warm-up.";
        }
        if (horizon is not null && warmUp is null)
        {
            yield return "Expected --warm-up beside --horizon: the rows that a state is estimated from.";
        }
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
