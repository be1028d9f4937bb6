// `bptt graph`: the dependency graph of the unrolled model, as a picture.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Graphs;

namespace Bptt.Cli.Commands;

internal static class GraphCommand
{
    private const string Details = """
    Variables are boxes, parameters shaded boxes, operators circles. SVG is laid out and self-contained; DOT is for
    Graphviz, Mermaid for web pages and Markdown.

    Examples:
      bptt graph --gradients --stored --out graph.svg
      bptt graph --steps 6 --truncate-windows 2 --out graph.svg
      bptt graph --steps 5 --format dot
      bptt graph --steps 5 --out graph.mmd
    """;

    private const string DefaultFormat = "svg";

    /// <summary>The formats by the extension of a file.</summary>
    private static readonly Dictionary<string, string> Extensions = new(StringComparer.OrdinalIgnoreCase)
    {
        [".svg"] = "svg",
        [".dot"] = "dot",
        [".gv"] = "dot",
        [".mmd"] = "mermaid",
        [".mermaid"] = "mermaid",
    };

    /// <summary>The formats by name.</summary>
    private static readonly Dictionary<string, Func<ComputationGraph, string>> Formats = new(StringComparer.Ordinal)
    {
        ["svg"] = graph => graph.ToSvg(),
        ["dot"] = graph => graph.ToDot(),
        ["mermaid"] = graph => graph.ToMermaid(),
    };

    public static Command Create(Terminal terminal)
    {
        Option<int> steps = OptionRules.WholeNumber(
            "--steps", atLeast: 1, byDefault: 3, $"The number of time steps, at most {ComputationGraph.MaxSteps}.", "T",
            atMost: ComputationGraph.MaxSteps);
        Option<string?> format = OptionRules.OneOf(
            "--format",
            [.. Formats.Keys],
            $"The language of the picture; that of the extension of --out where not told, or else {DefaultFormat}.");
        Option<bool> gradients = new("--gradients")
        {
            Description = "Show which way gradients go back, and what each edge carries.",
        };
        Option<bool> stored = new("--stored")
        {
            Description = "Show what is stored on the way forward, and what reads it again on the way back.",
        };
        Option<int?> windows = OptionRules.OptionalWholeNumber(
            "--truncate-windows", atLeast: 1, "Show the gradients cut between windows of k steps.", "k");
        Option<string?> output = OptionRules.File(
            "--out", "The file to write; standard output where not given.");
        var command = new DetailedCommand(
            "graph",
            "Draw the dependency graph of the model unrolled over time.",
            Details)
        {
            steps,
            format,
            gradients,
            stored,
            windows,
            output,
        };
        command.AddRule(parsed =>
            parsed.GetValue(format) is string told && FormatOf(parsed.GetValue(output)) is string other && told != other
                ? [$"Expected one format, got --format {told} and --out {parsed.GetValue(output)}."]
                : []);
        command.SetAction(parsed =>
        {
            string language = parsed.GetValue(format) ?? FormatOf(parsed.GetValue(output)) ?? DefaultFormat;
            int? window = parsed.GetValue(windows);
            var options = new ComputationGraphOptions
            {
                ShowGradients = parsed.GetValue(gradients) || window is not null,
                ShowStored = parsed.GetValue(stored),
                Truncation = window is int k ? Truncation.Windows(k) : null,
            };
            string picture = Formats[language](ComputationGraph.Unroll(parsed.GetValue(steps), options));
            OutputFile.Write(parsed.GetValue(output), terminal, writer => writer.Write(picture));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>The format that the name of a file tells; null where it tells none.</summary>
    private static string? FormatOf(string? path) =>
        path is null ? null : Extensions.GetValueOrDefault(Path.GetExtension(path));
}
