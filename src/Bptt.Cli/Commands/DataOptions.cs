// The options that name the data, shared by commands.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Files;

namespace Bptt.Cli.Commands;

/// <summary>A table or a sample, its columns, and how much of it trains.</summary>
internal sealed class DataOptions
{
    private const double DefaultTrainingFraction = 0.6;

    private readonly Argument<string?> _csv = new("csv")
    {
        Description = $"A table, each row a step in time: {TableFile.Formats}.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _sample = OptionRules.OneOf(
        "--sample",
        [.. Sample.All.Select(s => s.Name)],
        "Data that ship with the tool, instead of a file: "
            + string.Join("; ", Sample.All.Select(s => $"{s.Name}, {s.Source}")) + ".");

    private readonly Option<string[]> _inputs = OptionRules.Columns(
        "--inputs",
        "The columns that are inputs, separated by commas: by name (in double quotes where it holds commas), number "
            + "(#3), range (u1..u5), pattern (temp*) or exclusion (!temp_amb). Constant ones are left out.",
        "a,b,…");

    private readonly Option<string[]> _outputs = OptionRules.Columns(
        "--outputs", "The columns that are outputs, likewise.", "y,…");

    private readonly Option<string?> _holdOut = OptionRules.OneOf(
        "--hold-out",
        ["runs", "time"],
        "With --group, what is held out: the last runs, or the end of each run. Where not given: runs.");

    private readonly TableOptions _table = new();

    private readonly Option<bool> _predictNext = new("--predict-next")
    {
        Description = "The outputs are those of the next row: one-step forecasting.",
    };

    private readonly Option<double> _train = OptionRules.Number(
        "--train",
        above: 0,
        below: 1,
        byDefault: DefaultTrainingFraction,
        "The fraction of the rows, from the first on, that train; the rest is held out. With 1 all rows train, "
            + "and nothing judges the model but training rows left out in turn. The sunspots take 0.7 where not told.",
        "fraction",
        mayEqualBelow: true);

    private readonly Option<string?>? _modelFile;
    private readonly string? _defaultSample;

    /// <param name="modelFile">The option of a model file, where the command has one: the file names the
    /// columns.</param>
    /// <param name="defaultSample">The sample that is taken where no data are named; null where some must be.</param>
    public DataOptions(Option<string?>? modelFile = null, string? defaultSample = null)
    {
        _modelFile = modelFile;
        _defaultSample = defaultSample;
        OptionRules.DemandFile(_csv, "a CSV file", allowed: TableFile.StandardInput);
    }

    public void AddTo(DetailedCommand command)
    {
        command.Add(_csv);
        command.Add(_sample);
        command.Add(_inputs);
        command.Add(_outputs);
        command.Add(_predictNext);
        command.Add(_train);
        _table.AddTo(command);
        command.Add(_holdOut);
        command.AddRule(Faults);
    }

    /// <summary>Whether the command line names the runs of the table.</summary>
    public bool HasGroup(ParseResult parsed) => _table.HasGroup(parsed);

    /// <summary>Reads the data that the command line names, and tells of them what is doubtful.</summary>
    public Dataset Read(ParseResult parsed, Terminal terminal)
    {
        Sample? sample = SampleOf(parsed.GetValue(_csv), parsed.GetValue(_sample));
        Table table = ReadTable(parsed, sample);
        DataSettings settings = Settings(parsed, table, sample) with
        {
            PredictNext = parsed.GetValue(_predictNext) || (sample?.PredictNext ?? false),
        };
        (List<string> inputs, List<string> outputs) = Columns(parsed, table, sample, settings);
        var data = DatasetBuilder.From(table, inputs, outputs, settings);
        TableOptions.Tell(terminal, table);
        return data;
    }

    /// <summary>Reads the data that the command line names, by the columns and the scaling of a model file.</summary>
    public Dataset Read(ParseResult parsed, Terminal terminal, LinearRnnFile file)
    {
        Sample? sample = SampleOf(parsed.GetValue(_csv), parsed.GetValue(_sample));
        Table table = ReadTable(parsed, sample);
        var data = DatasetBuilder.From(table, file, Settings(parsed, table, sample));
        TableOptions.Tell(terminal, table);
        return data;
    }

    private DataSettings Settings(ParseResult parsed, Table table, Sample? sample) => _table.Read(parsed, table) with
    {
        HoldOut = parsed.GetValue(_holdOut) == "time" ? HoldOut.Time : HoldOut.Runs,
        TrainingFraction = TrainingFraction(parsed, sample),
    };

    /// <summary>The columns that are meant, patterns and ranges resolved.</summary>
    private (List<string> Inputs, List<string> Outputs) Columns(
        ParseResult parsed, Table table, Sample? sample, DataSettings settings)
    {
        List<string> items = Names(parsed.GetValue(_inputs), sample?.Inputs);
        List<string> named = ColumnList.Resolve(table, items, []);
        List<string> reserved = [.. new[] { settings.Group, settings.Time }.OfType<string>()];
        string[] times = [.. table.Columns.Where(Suspicions.LooksLikeTime).Except(reserved)];
        reserved.AddRange(times);
        string[] words = items.Any(ColumnList.StandsForMany)
            ? [.. table.Columns.Where((_, i) => !table.IsNumeric(i)).Except(reserved)] : [];
        reserved.AddRange(words);
        List<string> outputs = ColumnList.Resolve(table, Names(parsed.GetValue(_outputs), sample?.Outputs), reserved);
        if (!settings.PredictNext)
        {
            reserved.AddRange(outputs);
        }
        List<string> inputs = ColumnList.Resolve(table, items, reserved);
        foreach (string word in named.Intersect(words).Except(inputs))
        {
            table.Remark($"column '{word}' holds more than numbers and is not taken as an input.");
        }
        foreach (string time in named.Intersect(times).Except(inputs))
        {
            table.Remark(
                $"column '{time}' looks like times and is not taken as an input; its name in --inputs takes it.");
        }
        return settings.PredictNext || inputs.Intersect(outputs).FirstOrDefault() is not string both
            ? (inputs, outputs)
            : throw table.Fault(
                $"expected '{both}' as an input or as an output, got both; with --predict-next it can be both.");
    }

    private IEnumerable<string> Faults(ParseResult parsed)
    {
        string? csv = parsed.GetValue(_csv);
        bool hasSample = parsed.GetValue(_sample) is not null;
        if (csv is not null == hasSample && (hasSample || _defaultSample is null))
        {
            return [$"Expected a CSV file or --sample, got {(hasSample ? "both" : "neither")}."];
        }
        if (parsed.GetValue(_holdOut) is not null && !HasGroup(parsed))
        {
            return ["Expected --hold-out beside --group, which names the runs."];
        }
        if (hasSample && !_table.HasHeader(parsed))
        {
            return ["Expected no --no-header with --sample, which has a header."];
        }
        return _modelFile is not null && parsed.GetValue(_modelFile) is not null
            ? FaultsBeside(_modelFile, parsed)
            : FaultsOfColumns(parsed, SampleOf(csv, parsed.GetValue(_sample)), hasFile: csv is not null);
    }

    private IEnumerable<string> FaultsBeside(Option modelFile, ParseResult parsed)
    {
        Option? told = new Option[] { _inputs, _outputs, _predictNext }
            .FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false });
        return told is null ? [] : [$"Expected no {told.Name} beside {modelFile.Name}: the file names its columns."];
    }

    private IEnumerable<string> FaultsOfColumns(ParseResult parsed, Sample? sample, bool hasFile)
    {
        List<string> inputs = Names(parsed.GetValue(_inputs), sample?.Inputs);
        List<string> outputs = Names(parsed.GetValue(_outputs), sample?.Outputs);
        if (hasFile && (inputs.Count == 0 || outputs.Count == 0))
        {
            string[] absent = [.. inputs.Count == 0 ? (string[])["--inputs"] : [], .. outputs.Count == 0
                ? (string[])["--outputs"] : []];
            yield return OptionRules.ColumnsExpected(
                string.Join(" and ", absent), parsed.GetValue(_csv)!, _table.HasHeader(parsed));
        }
        foreach (string twice in inputs.GroupBy(n => n)
            .Concat(outputs.GroupBy(n => n)).Where(g => g.Count() > 1).Select(g => g.Key))
        {
            yield return $"Expected each column once, got '{twice}' twice.";
        }
        bool isForecast = parsed.GetValue(_predictNext) || (sample?.PredictNext ?? false);
        if (!isForecast && inputs.Intersect(outputs).FirstOrDefault() is string both)
        {
            yield return
                $"Expected '{both}' as an input or as an output, got both; with --predict-next it can be both.";
        }
    }

    private Table ReadTable(ParseResult parsed, Sample? sample) =>
        sample is null ? TableFile.Read(parsed.GetValue(_csv)!, _table.HasHeader(parsed)) : sample.Read();

    private double TrainingFraction(ParseResult parsed, Sample? sample) =>
        sample is null || parsed.GetResult(_train) is { Implicit: false }
            ? parsed.GetValue(_train)
            : sample.TrainingFraction;

    /// <summary>The sample that is told, or the command's own where nothing is.</summary>
    private Sample? SampleOf(string? csv, string? name)
    {
        string? told = name ?? (csv is null ? _defaultSample : null);
        return Sample.All.FirstOrDefault(s => s.Name == told);
    }

    /// <summary>The names given, or those of the sample where none are.</summary>
    private static List<string> Names(string[]? given, string[]? bySample)
    {
        List<string> names = ColumnList.Split(given ?? []);
        return names.Count > 0 ? names : [.. bySample ?? []];
    }
}
