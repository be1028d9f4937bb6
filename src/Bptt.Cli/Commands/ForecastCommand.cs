// `bptt forecast`: fits a model that predicts the next row, judges it on held-out rows beside simple methods, and
// forecasts the rows that follow the table.

using System.CommandLine;
using System.Globalization;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;
using Bptt.Forecasting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Commands;

internal static class ForecastCommand
{
    private const string Details = """
    The model is a linear RNN that is fed the last measured row, and the inputs, and predicts the next. Logarithm,
    differences, seasonal differences and the structure are chosen on the training rows alone, where they are not told.
    Then every held-out row is forecast, one step and as a path up to the horizon, beside simple methods; and the same
    structure, fitted again on all rows, forecasts what follows.

    With --inputs, the inputs of the rows to come are read from the last rows of the CSV, whose outputs are empty.

    Examples:
      bptt forecast --sample sunspots --horizon 12
      bptt forecast sales.csv --outputs sales --season 12 --horizon 24 --out DIR
      bptt forecast load.csv --outputs load --inputs temperature --season 24 --intervals 50,90
      bptt forecast later.csv --forecaster DIR/forecaster.json --horizon 6 --out DIR

    Writes forecast.csv, forecaster.json and forecast.svg. With --forecaster nothing is fitted: the model of an earlier
    run takes in the rows of the table and forecasts what follows; forecaster.json stays as it is.
    """;

    private const int FewestTraining = 8;

    public static Command Create(Terminal terminal)
    {
        var options = new ForecastOptions();
        var command = new DetailedCommand(
            "forecast", "Forecast a series with prediction intervals, with seasons, trends and known inputs.", Details);
        options.AddTo(command);
        command.SetAction(parsed => Run(terminal, options.Read(parsed, terminal)));
        return command;
    }

    private static int Run(Terminal terminal, ForecastRequest request)
    {
        ForecastData data = request.Data;
        if (request.Written is WrittenForecaster written)
        {
            return GoOn(terminal, request, written);
        }
        int training = (int)Math.Floor(request.TrainingFraction * data.Count + 1e-9);
        if (training < FewestTraining || training >= data.Count)
        {
            throw new DataFaultException(
                $"{data.Name}: expected at least {FewestTraining} rows to train on and 1 to hold out, got {data.Count} "
                + $"measured rows, of which {training} would train.");
        }
        if (request.Options.Log == true && data.Series.Enumerate().Min() is double least and <= 0.0)
        {
            throw new DataFaultException($"{data.Name}: expected values above 0 for --log, got {least}.");
        }
        var folder = OutputFolder.Open(request.OutputPath);
        TextWriter output = terminal.Output;
        output.WriteLine($"{data.Name}: {training} rows to train, {data.Count - training} held out");

        ForecastEvaluation evaluation = Evaluate(request, training);
        Forecaster forecaster = evaluation.Forecaster;
        output.WriteLine($"model: {forecaster.Description}");
        output.WriteLine($"held-out rows, each forecast from those before it up to {evaluation.Horizon} steps ahead:");
        Table(evaluation).WriteTo(terminal);

        Write(terminal, request, folder, forecaster, savesForecaster: true);
        return ExitCode.Done;
    }

    /// <summary>Forecasts with a forecaster that is there, after the rows of the table that it has not seen.</summary>
    private static int GoOn(Terminal terminal, ForecastRequest request, WrittenForecaster written)
    {
        ForecastData data = request.Data;
        Forecaster forecaster = written.Forecaster;
        int seen = Checked(request, () => forecaster.CountSeen(data.Series, data.Known));
        int since = data.Count - seen;
        if (since > 0)
        {
            forecaster = Checked(request, () => forecaster.Update(Since(data.Series), Known()));
        }
        var folder = OutputFolder.Open(request.OutputPath);
        string rows = $"{data.Count} row{(data.Count == 1 ? "" : "s")}";
        terminal.Output.WriteLine(seen > 0
            ? $"{data.Name}: {rows}, of which the forecaster has seen the first {seen}; {since} measured since"
            : $"{data.Name}: {rows}, taken to follow those that the forecaster has seen");
        terminal.Output.WriteLine($"model: {forecaster.Description}, from {written.Path}");
        Write(terminal, request, folder, forecaster, savesForecaster: false);
        return ExitCode.Done;

        Matrix<double> Since(Matrix<double> rows) => rows.SubMatrix(0, rows.RowCount, seen, since);

        Matrix<double>? Known() => data.Known is null ? null : Since(data.Known);
    }

    private static void Write(
        Terminal terminal, ForecastRequest request, OutputFolder folder, Forecaster forecaster, bool savesForecaster)
    {
        ForecastData data = request.Data;
        SeriesForecast forecast = forecaster.Forecast(
            request.Horizon,
            data.Future?.SubMatrix(0, data.Inputs.Length, 0, request.Horizon),
            request.Levels);
        string[] saved = savesForecaster ? [folder.Write("forecaster.json", forecaster.Save)] : [];
        string[] written =
        [
            folder.Write("forecast.csv", OutputFile.AsText(
                writer => ForecastTable.Write(writer, data.Outputs, data.Count, forecast))),
            .. saved,
            folder.Write("forecast.svg", ForecastPicture.Of(data, forecast, forecaster.Description).Write),
        ];
        terminal.Output.WriteLine($"written: {string.Join(", ", written)}");
    }

    private static ForecastEvaluation Evaluate(ForecastRequest request, int training) => Checked(
        request, () => Forecaster.Evaluate(request.Data.Series, training, request.Data.Known, request.Options));

    private static T Checked<T>(ForecastRequest request, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (ArgumentException e)
        {
            throw new DataFaultException($"{request.Data.Name}: {e.Message.Replace(
                $" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal)}", e);
        }
    }

    private static TextTable Table(ForecastEvaluation evaluation)
    {
        var table = new TextTable(
            "method", "RMSE one step", "RMSE path", "MAE path", "MASE", "within 80 %", "within 95 %");
        bool isNamed = evaluation.Forecaster.OutputSize > 1;
        foreach (ForecastScore score in evaluation.Scores)
        {
            table.Add(
                isNamed ? $"{score.Output}: {score.Method}" : score.Method,
                Words.Number(score.OneStepRmse),
                Words.Number(score.PathRmse),
                Words.Number(score.PathMae),
                double.IsNaN(score.Mase) ? "" : score.Mase.ToString("F2", CultureInfo.InvariantCulture),
                score.Coverage is (double within80, _) ? Words.Percent(within80) : "",
                score.Coverage is (_, double within95) ? Words.Percent(within95) : "");
        }
        return table;
    }
}
