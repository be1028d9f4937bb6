// The options that name the model to start from, shared by commands.

using System.CommandLine;
using System.CommandLine.Parsing;
using Bptt.Cli.Data;

namespace Bptt.Cli.Commands;

internal sealed class ModelOptions
{
    private readonly Option<int> _hidden = OptionRules.WholeNumber(
        "--hidden", atLeast: 1, byDefault: 8, "The number of hidden units.", "h");

    private readonly Option<int> _seed = OptionRules.WholeNumber(
        "--seed", atLeast: int.MinValue, byDefault: 1, "The seed of the random weights that training starts from.", "n");

    public void AddTo(Command command)
    {
        command.Add(_hidden);
        command.Add(_seed);
    }

    /// <summary>Whether the command line names one of them.</summary>
    public bool IsTold(CommandResult result) =>
        result.GetResult(_hidden) is { Implicit: false } || result.GetResult(_seed) is { Implicit: false };

    public int HiddenSize(ParseResult parsed) => parsed.GetValue(_hidden);

    public int Seed(ParseResult parsed) => parsed.GetValue(_seed);

    /// <summary>Entries of W_hx, W_hh and W_qh, and of h_0 where it is learned.</summary>
    /// <exception cref="DataFaultException">They are more than fit into one array.</exception>
    public static long ParameterCount(Dataset data, int hiddenSize, bool learnsState)
    {
        long h = hiddenSize;
        long count = h * (data.InputChannels.Length + h + data.OutputChannels.Length) + (learnsState ? h : 0);
        return count <= Array.MaxLength ? count : throw new DataFaultException(
            $"--hidden: expected a model of at most {Array.MaxLength} parameters, got {hiddenSize} hidden units, which make {count}.");
    }
}
