// The options that name a random model, shared by commands that look at one.

using System.CommandLine;

namespace Bptt.Cli.Commands;

internal sealed class ModelOptions
{
    private readonly Option<int> _hidden = OptionRules.WholeNumber(
        "--hidden", atLeast: 1, byDefault: 8, "The number of hidden units.", "h");

    private readonly Option<int> _seed = OptionRules.WholeNumber(
        "--seed", atLeast: int.MinValue, byDefault: 1, "The seed of the random weights.", "n");

    public void AddTo(Command command)
    {
        command.Add(_hidden);
        command.Add(_seed);
    }

    /// <summary>Whether the command line names one of them.</summary>
    public bool IsTold(ParseResult parsed) =>
        parsed.GetResult(_hidden) is { Implicit: false } || parsed.GetResult(_seed) is { Implicit: false };

    public int HiddenSize(ParseResult parsed) => parsed.GetValue(_hidden);

    public int Seed(ParseResult parsed) => parsed.GetValue(_seed);
}
