// The names of weights in other programs, as the commands that write and read files of weights take them.

using System.CommandLine;
using Bptt.Cli.Data;
using Bptt.Files;

namespace Bptt.Cli.Commands;

internal static class WeightOptions
{
    public const string ByDefault = "pytorch";

    /// <summary>The names by the word for them.</summary>
    public static readonly IReadOnlyDictionary<string, WeightNames> Conventions = new Dictionary<string, WeightNames>
    {
        [ByDefault] = WeightNames.PyTorch,
        ["keras"] = WeightNames.Keras,
        ["flax"] = WeightNames.Flax,
    };

    /// <summary>Layers whose recurrence is diagonal, by the word for them.</summary>
    public static readonly IReadOnlyDictionary<string, WeightReading> Layers = new Dictionary<string, WeightReading>
    {
        ["lru"] = tensors => DiagonalRnn.OfLru(tensors, Prefix(tensors, "nu_log")).ToLinearRnn(),
        ["s5"] = tensors => DiagonalRnn.OfS5(tensors, null, Prefix(tensors, "Lambda_re")).ToLinearRnn(),
    };

    /// <summary>Whether the name of a file ends like one that is written and read.</summary>
    public static void DemandKind(Argument<string> argument)
    {
        OptionRules.DemandFile(argument, "a file of weights");
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string path }]
                && !string.IsNullOrWhiteSpace(path) && !path.StartsWith('-') && WeightFile.KindOf(path) is null)
            {
                result.AddError($"Expected a name that ends in {WeightFile.Extensions}, got '{path}'.");
            }
        });
    }

    /// <summary>What stands before the names of a layer's parameters; of several layers, none is chosen.</summary>
    private static string Prefix(IReadOnlyDictionary<string, StoredTensor> tensors, string last)
    {
        string[] found = [.. tensors.Keys.Where(name => name.EndsWith(last, StringComparison.Ordinal))];
        return found.Length < 2
            ? found is [string only] ? only[..^last.Length] : ""
            : throw new InvalidDataException(
                $"expected the parameters of one layer, got those of {found.Length}: {string.Join(", ", found)}.");
    }
}
