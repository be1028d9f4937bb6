// The options of `bptt forecast`.

using System.CommandLine;
using System.Globalization;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Forecasting;

namespace Bptt.Cli.Commands;

/// <summary>What is to be forecast, and how.</summary>
internal sealed record ForecastRequest(
    ForecastData Data,
    ForecasterOptions Options,
    int Horizon,
    double[] Levels,
    double TrainingFraction,
    string OutputPath,
    WrittenForecaster? Written);

/// <summary>A forecaster that is there already.</summary>
internal sealed record WrittenForecaster(string Path, Forecaster Forecaster);

/// <summary>The data, the horizon, and what is told of the structure.</summary>
internal sealed class ForecastOptions
{
    private const int DefaultHorizon = 12;
    private const double DefaultTrainingFraction = 0.7;

    private readonly Argument<string?> _csv = new("csv")
    {
        Description = "A CSV file with a header, each row a step in time.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _sample = OptionRules.OneOf(
        "--sample", [.. Sample.All.Select(s => s.Name)], "Data that ship with the tool, instead of a CSV file.");

    private readonly Option<string[]> _outputs = OptionRules.Columns(
        "--outputs", "The columns that are forecast, separated by commas.", "y,…");

    private readonly Option<string[]> _inputs = OptionRules.Columns(
        "--inputs", "The columns that are known ahead, separated by commas; none where not given.", "u,…");

    private readonly Option<int?> _horizon = OptionRules.OptionalWholeNumber(
        "--horizon", atLeast: 1,
        $"How many rows are forecast; {DefaultHorizon} where not given, or the rows to come with --inputs.", "steps");

    private readonly Option<int> _season = OptionRules.WholeNumber(
        "--season", atLeast: 1, byDefault: 1, "The rows of a season, such as 12 for months; 1 for none.", "rows");

    private readonly Option<string> _difference = OptionRules.OneOf(
        "--difference", ["0", "1", "auto"], byDefault: "auto", "Whether differences from row to row are modelled.");

    private readonly Option<bool> _log = new("--log")
    {
        Description = "Model logarithms; where not given, that is chosen, if all values are above 0.",
    };

    private readonly Option<bool> _noLog = new("--no-log") { Description = "Model no logarithms." };

    private readonly Option<int?> _hidden = OptionRules.OptionalWholeNumber(
        "--hidden", atLeast: 1,
        "Train a network of so many hidden units, without the structure of an ARMA model.", "h");

    private readonly Option<string> _intervals = OptionRules.Text(
        "--intervals",
        byDefault: "80,95",
        text => LevelsOf(text) is not null,
        "percentages between 0 and 100, separated by commas",
        "The probabilities of the intervals in percent, separated by commas.",
        "80,95");

    private readonly Option<double> _train = OptionRules.Number(
        "--train",
        above: 0,
        below: 1,
        byDefault: DefaultTrainingFraction,
        "The fraction of the measured rows, from the first on, that train; the rest judges.",
        "fraction");

    private readonly Option<string?> _output = OptionRules.Folder(
        "--out", byDefault: "bptt-out", "The folder for forecast.csv, forecaster.json and forecast.svg.");

    private readonly Option<string?> _forecaster = OptionRules.File(
        "--forecaster",
        "Fit nothing and forecast with the forecaster.json of an earlier run, which names the columns. The rows of the "
            + "table are the whole series that it was fitted to with those that were measured since, or these alone.");

    private readonly Option<string> _missing = OptionRules.OneOf(
        "--missing",
        [.. TableOptions.MissingWords.Select(w => w.Word)],
        byDefault: "mask",
        "What is done where a cell above the last measured row is empty, NaN, NA or null. mask: with --forecaster the "
            + "forecast stands for a missing output, else it is refused, as a missing input is; interpolate: both are "
            + "filled on straight lines; refuse: both are refused.");

    public void AddTo(DetailedCommand command)
    {
        OptionRules.DemandFile(_csv, "a CSV file");
        command.Add(_csv);
        foreach (Option option in (Option[])
        [
            _sample, _outputs, _inputs, _horizon, _season, _difference, _log, _noLog, _hidden, _intervals, _train,
            _missing, _forecaster, _output,
        ])
        {
            command.Add(option);
        }
        command.AddRule(Faults);
    }

    /// <summary>Reads the data and what else the command line says, and tells of the data what is doubtful.</summary>
    public ForecastRequest Read(ParseResult parsed, Terminal terminal)
    {
        Sample? sample = Sample.All.FirstOrDefault(s => s.Name == parsed.GetValue(_sample));
        WrittenForecaster? written = WrittenOf(parsed.GetValue(_forecaster));
        Table table = sample is null ? TableFile.Read(parsed.GetValue(_csv)!) : sample.Read();
        (string[] inputs, string[] outputs) = written is null ? ColumnsOf(parsed, sample)
            : ([.. written.Forecaster.InputNames], [.. written.Forecaster.OutputNames]);
        Missing missing = TableOptions.MissingWords.First(w => w.Word == parsed.GetValue(_missing)).Missing;
        var data = ForecastData.From(table, inputs, outputs, missing, isFitted: written is null);
        TableOptions.Tell(terminal, table);
        int horizon = parsed.GetValue(_horizon) ?? (inputs.Length > 0 ? Math.Max(1, data.MostSteps) : DefaultHorizon);
        if (horizon > data.MostSteps)
        {
            throw new DataFaultException(
                $"{data.Name}: expected the inputs to come, in {horizon} row{(horizon == 1 ? "" : "s")} with empty "
                + $"outputs below the measured ones, got {data.MostSteps}.");
        }
        string difference = parsed.GetValue(_difference)!;
        return new ForecastRequest(
            data,
            new ForecasterOptions
            {
                Order = parsed.GetValue(_hidden),
                Season = parsed.GetValue(_season),
                Differences = difference == "auto" ? null : difference == "1" ? 1 : 0,
                Log = parsed.GetValue(_log) ? true : parsed.GetValue(_noLog) ? false : null,
                Horizon = horizon,
                OutputNames = outputs,
                InputNames = inputs,
            },
            horizon,
            LevelsOf(parsed.GetValue(_intervals)!)!,
            parsed.GetValue(_train),
            parsed.GetValue(_output)!,
            written);
    }

    private static WrittenForecaster? WrittenOf(string? path) => path is null ? null
        : !File.Exists(path) ? throw new DataFaultException($"{path}: "
            + $"{(Directory.Exists(path) ? "expected a forecaster file, got a folder" : "there is no such file")}.")
        : new WrittenForecaster(path, Forecaster.Load(path));

    private IEnumerable<string> Faults(ParseResult parsed)
    {
        bool hasFile = parsed.GetValue(_csv) is not null;
        string? name = parsed.GetValue(_sample);
        if (hasFile == name is not null)
        {
            yield return $"Expected a CSV file or --sample, got {(hasFile ? "both" : "neither")}.";
            yield break;
        }
        if (parsed.GetValue(_log) && parsed.GetValue(_noLog))
        {
            yield return "Expected --log or --no-log, got both.";
        }
        if (parsed.GetValue(_forecaster) is not null)
        {
            Option[] ofFit = [_outputs, _inputs, _season, _difference, _log, _noLog, _hidden, _train];
            foreach (Option told in ofFit.Where(o => parsed.GetResult(o) is { Implicit: false }))
            {
                yield return $"Expected no {told.Name} beside --forecaster, which is fitted already.";
            }
            yield break;
        }
        (string[] inputs, string[] outputs) = ColumnsOf(parsed, Sample.All.FirstOrDefault(s => s.Name == name));
        if (outputs.Length == 0)
        {
            yield return OptionRules.ColumnsExpected("--outputs", parsed.GetValue(_csv)!, hasHeader: true);
        }
        if (inputs.Concat(outputs).GroupBy(n => n).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            yield return $"Expected each column once, got '{twice.Key}' twice.";
        }
    }

    /// <summary>The names given, or those of the sample where none are.</summary>
    private (string[] Inputs, string[] Outputs) ColumnsOf(ParseResult parsed, Sample? sample)
    {
        string[] outputs = Names(parsed.GetValue(_outputs));
        string[] inputs = Names(parsed.GetValue(_inputs));
        if (sample is not null && outputs.Length == 0 && inputs.Length == 0)
        {
            return ([.. sample.Inputs.Except(sample.Outputs)], sample.Outputs);
        }
        return (inputs, outputs);
    }

    private static string[] Names(string[]? given) => [.. (given ?? []).SelectMany(
        v => v.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    /// <summary>Percentages as probabilities; null where one is none.</summary>
    private static double[]? LevelsOf(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        double[] levels = Array.ConvertAll(parts, part => double.TryParse(
            part, NumberStyles.Float, CultureInfo.InvariantCulture, out double percent) ? percent / 100.0 : double.NaN);
        return levels.All(level => level is > 0.0 and < 1.0) && levels.Distinct().Count() == levels.Length
            ? levels : null;
    }
}
