// `bptt flow`: says whether gradients vanish or explode in a model on given data, what truncation would lose, and draws
// it.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Pictures;
using Bptt.Cli.Report;

namespace Bptt.Cli.Commands;

internal static class FlowCommand
{
    private const string Details = """
    The model is a random one, with an orthogonal W_hh of spectral radius 0.9, or one that `bptt fit` wrote. The data
    are the training part.

    Examples:
      bptt flow --sample hair-dryer --out DIR
      bptt flow data.csv --inputs a,b --outputs y --hidden 16 --out DIR
      bptt flow --sample hair-dryer --model bptt-out/model.json --out DIR

    Exit code 0 whatever the verdict.
    """;

    public static Command Create(Terminal terminal)
    {
        var subject = new SubjectOptions();
        Option<string?> output = OptionRules.Folder(
            "--out", byDefault: "bptt-out", "The folder for flow.svg, eigenvalues.svg and lags.svg.");
        var command = new DetailedCommand(
            "flow",
            "Show how gradients flow back through time: whether they vanish or explode, "
                + "and what truncation would lose.",
            Details);
        subject.AddTo(command);
        command.Add(output);
        command.SetAction(parsed => Run(terminal, subject.Read(parsed, terminal), parsed.GetValue(output)!));
        return command;
    }

    private static int Run(Terminal terminal, Subject subject, string outputPath)
    {
        var folder = OutputFolder.Open(outputPath);
        TextWriter output = terminal.Output;
        output.WriteLine($"{subject}");
        ForwardPass forward = subject.Run();
        var analysis = GradientAnalysis.Of(BackwardThroughTime.Run(forward, subject.Objective));

        output.WriteLine(analysis.FlowSentence);
        if (analysis.ReachSentence is string reach)
        {
            output.WriteLine(reach);
        }
        output.WriteLine(analysis.TruncationSentence);
        analysis.Windows()?.WriteTo(terminal);
        foreach (string sentence in analysis.SpectrumSentences)
        {
            output.WriteLine(sentence);
        }
        analysis.Modes().WriteTo(terminal);
        output.WriteLine(analysis.NonFiniteSentence);

        (string Name, Picture? Picture)[] pictures =
        [
            ("flow.svg", analysis.FlowPicture()),
            ("eigenvalues.svg", analysis.EigenvaluePicture()),
            ("lags.svg", analysis.LagPicture()),
        ];
        IEnumerable<string> written = pictures.Where(p => p.Picture is not null)
            .Select(p => folder.Write(p.Name, p.Picture!.Write)).ToArray();
        output.WriteLine($"written: {string.Join(", ", written)}");
        return ExitCode.Done;
    }
}
