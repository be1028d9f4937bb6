// `bptt import`: weights of other programs as a model file.

using System.CommandLine;
using System.Text;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Files;

namespace Bptt.Cli.Commands;

internal static class ImportCommand
{
    private const string Details = """
    The network is h_t = W_hx x_t + W_hh h_{t-1}, o_t = W_qh h_t: no bias, and no tanh or ReLU, which a file does not
    tell: weights that were trained with them give other outputs here. Modules and layers may have any names. lru and s5
    read one layer of a Linear Recurrent Unit or of S5 as the real network with the same outputs. What `bptt export`
    wrote comes back with its scaling and h_0; of ONNX, nothing else is read.

    Examples:
      bptt import weights.safetensors --out again.json
      bptt import weights.npz --names keras --inputs power --outputs temperature --out again.json
      bptt import model.onnx --out again.json
    """;

    private const string ExpectedNames = "pytorch, keras, flax, lru, s5 or three names W_HX,W_HH,W_QH";

    public static Command Create(Terminal terminal)
    {
        Argument<string> weights = new("weights") { Description = $"A file of weights: {WeightFile.Extensions}." };
        WeightOptions.DemandKind(weights);
        Option<string> names = OptionRules.Text(
            "--names",
            WeightOptions.ByDefault,
            word => Reading(word, isTransposed: false) is not null,
            ExpectedNames,
            "What the weights are called: as in PyTorch, Keras or Flax, or the three names of their tensors.",
            "pytorch|keras|flax|lru|s5|W_HX,W_HH,W_QH");
        Option<bool> transposed = new("--transposed")
        {
            Description = "The three tensors are transposed: inputs by hidden units, as Keras and Flax have them.",
        };
        Option<string[]> inputs = OptionRules.Columns(
            "--inputs", "Names of the inputs; those in the file, or else x1, x2, …, where not told.", "a,b");
        Option<string[]> outputs = OptionRules.Columns(
            "--outputs", "Names of the outputs; those in the file, or else y1, y2, …, where not told.", "y");
        Option<string?> output = OptionRules.File(
            "--out", "The model file to write; standard output where not given.");
        var command = new DetailedCommand(
            "import", "Make a model file of weights from other programs: safetensors, NumPy, ONNX.", Details)
        {
            weights,
            names,
            transposed,
            inputs,
            outputs,
            output,
        };
        command.AddRule(parsed =>
        {
            bool isOnnx = WeightFile.KindOf(parsed.GetValue(weights)!) == WeightFile.Onnx;
            bool areTold = parsed.GetResult(names) is { Implicit: false };
            return (isOnnx && areTold, parsed.GetValue(transposed) && !parsed.GetValue(names)!.Contains(',')) switch
            {
                (true, _) => [$"Expected no --names for {WeightFile.Onnx}, which is read as `bptt export` writes it."],
                (_, true) => ["Expected --transposed beside three names alone: libraries have an order of their own."],
                _ => [],
            };
        });
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(weights)!;
            LinearRnnFile read = WeightFile.Read(
                path, Reading(parsed.GetValue(names)!, parsed.GetValue(transposed))!);
            var file = new LinearRnnFile(
                read.Model,
                read.InitialState,
                Renamed(read.Inputs, parsed.GetValue(inputs), path, "inputs"),
                Renamed(read.Outputs, parsed.GetValue(outputs), path, "outputs"),
                read.StepsAhead,
                read.FinalState);
            if (parsed.GetValue(output) is string target)
            {
                OutputFile.WriteBytes(target, file.Save);
                terminal.Output.WriteLine($"{Words.HiddenUnits(file.Model.HiddenSize)}, "
                    + $"{Counted(file.Inputs.Count, "input")}, {Counted(file.Outputs.Count, "output")}");
                terminal.Output.WriteLine($"written: {target}");
            }
            else
            {
                using var memory = new MemoryStream();
                file.Save(memory);
                terminal.Output.Write(Encoding.UTF8.GetString(memory.ToArray()));
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static string Counted(int count, string name) => count == 1 ? $"1 {name}" : $"{count} {name}s";

    /// <summary>How tensors are read by the word for it; null where it is none.</summary>
    private static WeightReading? Reading(string word, bool isTransposed)
    {
        if (WeightOptions.Conventions.TryGetValue(word, out WeightNames? convention))
        {
            return convention.ToModel;
        }
        string[] own = word.Split(',', StringSplitOptions.TrimEntries);
        return own is [not "", not "", not ""] && own.Distinct().Count() == 3
            ? new WeightNames(own[0], own[1], own[2], isTransposed).ToModel
            : WeightOptions.Layers.GetValueOrDefault(word);
    }

    private static Channel[] Renamed(IReadOnlyList<Channel> channels, string[]? told, string path, string what)
    {
        if (told is null or [])
        {
            return [.. channels];
        }
        string[] names = ColumnList.Names(told);
        if (names.Length != channels.Count || names.Distinct().Count() != names.Length || names.Contains(""))
        {
            throw new DataFaultException(
                $"{path}: expected {channels.Count} different names of {what}, as the weights have, "
                + $"got {string.Join(", ", names)}.");
        }
        return [.. channels.Select((channel, i) => new Channel(names[i], channel.Mean, channel.Scale))];
    }
}
