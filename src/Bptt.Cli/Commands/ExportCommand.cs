// `bptt export`: a model file as other programs read it.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;

namespace Bptt.Cli.Commands;

internal static class ExportCommand
{
    private const string Details = """
    .onnx is a graph for ONNX Runtime, ML.NET and others: it takes and gives values in the units of the data, (time,
    batch, channel), and 'initial_state' and 'final_state' carry a stream on. .safetensors and .npz hold the weights
    alone, for scaled values (value - mean) / scale; the scaling, h_0 and, in .safetensors, the names of the channels
    stand beside them, for `bptt import`.

    Examples:
      bptt export bptt-out/model.json model.onnx
      bptt export bptt-out/model.json model.onnx --precision single
      bptt export bptt-out/model.json weights.safetensors --names pytorch --precision single
      bptt export bptt-out/model.json weights.npz --names keras
    """;

    private static readonly Dictionary<string, Precision> Precisions = new(StringComparer.Ordinal)
    {
        ["double"] = Precision.Double,
        ["single"] = Precision.Single,
    };

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = new("model") { Description = "A model file that `bptt fit` wrote." };
        OptionRules.DemandFile(model, "a model file");
        Argument<string> output = new("output") { Description = $"The file to write: {WeightFile.Extensions}." };
        WeightOptions.DemandKind(output);
        Option<string?> names = OptionRules.OneOf(
            "--names",
            [.. WeightOptions.Conventions.Keys],
            $"What the weights are called, not for {WeightFile.Onnx}; {WeightOptions.ByDefault} where not told.");
        Option<string> precision = OptionRules.OneOf(
            "--precision", [.. Precisions.Keys], "double", "How exactly the weights are kept.");
        var command = new DetailedCommand(
            "export", "Write a model for other programs: ONNX, safetensors, NumPy.", Details)
        {
            model,
            output,
            names,
            precision,
        };
        command.AddRule(parsed =>
            parsed.GetValue(names) is not null && WeightFile.KindOf(parsed.GetValue(output)!) == WeightFile.Onnx
                ? [$"Expected no --names for {WeightFile.Onnx}, whose weights nobody looks up."]
                : []);
        command.SetAction(parsed =>
        {
            var file = ModelFile.Load(parsed.GetValue(model)!);
            string path = parsed.GetValue(output)!;
            WeightFile.Write(
                path,
                file,
                WeightOptions.Conventions[parsed.GetValue(names) ?? WeightOptions.ByDefault],
                Precisions[parsed.GetValue(precision)!]);
            terminal.Output.WriteLine($"written: {path}");
            return ExitCode.Done;
        });
        return command;
    }
}
