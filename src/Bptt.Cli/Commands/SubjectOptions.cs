// The options that name a model on data: random, as a training may begin, or a file.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Remedies;

namespace Bptt.Cli.Commands;

/// <summary>A model that is drawn or read, and the data that it runs over.</summary>
internal sealed class SubjectOptions
{
    private readonly Option<string?> _model = OptionRules.File(
        "--model", "A model file that `bptt fit` wrote, with its columns, instead of a random model.");

    private readonly ModelOptions _random = new();
    private readonly DataOptions _data;

    public SubjectOptions()
    {
        _data = new DataOptions(_model);
    }

    public void AddTo(DetailedCommand command)
    {
        _data.AddTo(command);
        command.Add(_model);
        _random.AddTo(command);
        command.AddRule(parsed => parsed.GetValue(_model) is not null && _random.IsTold(parsed)
            ? ["Expected --model, or --hidden and --seed for a random model, got both."] : []);
    }

    /// <summary>Reads the model and the data.</summary>
    public Subject Read(ParseResult parsed, Terminal terminal)
    {
        if (parsed.GetValue(_model) is string path)
        {
            var file = ModelFile.Load(path);
            return new Subject(
                _data.Read(parsed, terminal, file),
                file.Model,
                file.InitialState,
                $"{path}, {Words.HiddenUnits(file.Model.HiddenSize)}");
        }
        Dataset data = _data.Read(parsed, terminal);
        (int hiddenSize, int seed) = (_random.HiddenSize(parsed), _random.Seed(parsed));
        _ = FitPlan.ParameterCount(data, hiddenSize, learnsState: false);
        return new Subject(
            data,
            Initializer.Orthogonal(
                data.InputChannels.Length, hiddenSize, data.OutputChannels.Length, seed, FitSettings.DefaultRadius),
            InitialState: null,
            $"random model of {Words.HiddenUnits(hiddenSize)}, seed {seed}");
    }
}
