// The commands that compare builds of the library with each other: by their bits, and by their times.

using System.CommandLine;
using Bptt.Benchmarks.Bits;
using Bptt.Benchmarks.Builds;

namespace Bptt.Benchmarks;

internal static class BuildCommands
{
    private const int Difference = 1;

    /// <summary>Rows beside those of the full table; in the first what is done once a pass weighs most.</summary>
    private static readonly string[] MoreShapes = ["4:100:1:1:1", "64:1024:1:4:4"];

    public static Command Bits()
    {
        Option<string?> file = new("--out")
        {
            Description = "The file for the lines; the standard output where none is given.",
            HelpName = "FILE",
        };
        Option<string?> only = new("--only")
        {
            Description = "What the name of a case must contain to be run.",
            HelpName = "text",
        };
        var command = new Command(
            "bits",
            "A line for each of about a thousand computations, with a hash of the bits of all that it computes: two "
            + "builds compute the same where they print the same. Exit code 1 where a case fails or a number of "
            + "threads changes a result.")
        {
            file, only,
        };
        command.SetAction(parsed =>
        {
            using TextWriter? opened = parsed.GetValue(file) is string path ? new StreamWriter(path) : null;
            return BitRun.Run(parsed.GetValue(only), opened ?? Console.Out, Console.Error) ? 0 : Difference;
        });
        return command;
    }

    public static Command Builds()
    {
        Option<string> other = new("--other")
        {
            Description = "The library of the other build.",
            HelpName = "Bptt.dll",
            Required = true,
        };
        other.Validators.Add(result =>
        {
            if (Build.FaultOf(result.GetValueOrDefault<string>()) is string fault)
            {
                result.AddError($"--other: {fault}");
            }
        });
        Option<Shape[]> shapes = CommandLine.Shapes([.. MoreShapes, .. Shape.Defaults]);
        Option<BuildWorkKind[]> works = new("--works")
        {
            Description = "What is run on each shape.",
            HelpName = string.Join('|', Enum.GetNames<BuildWorkKind>()),
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => Enum.GetValues<BuildWorkKind>(),
        };
        Option<int[]> threads = CommandLine.ThreadCounts();
        Option<double> seconds = CommandLine.Seconds(1.0);
        Option<bool> markdown = CommandLine.Markdown();
        var command = new Command(
            "builds",
            "Times this build of the library beside another, in turns in one process. Exit code 1 where they do not "
            + "compute the same bits.")
        {
            other, shapes, works, threads, seconds, markdown,
        };
        command.SetAction(parsed =>
        {
            var settings = new BuildTimesSettings(
                parsed.GetValue(other)!,
                parsed.GetValue(shapes)!,
                parsed.GetValue(works)!,
                parsed.GetValue(threads)!,
                parsed.GetValue(seconds),
                parsed.GetValue(markdown));
            return BuildTimes.Run(settings, Console.Out, Console.Error) ? 0 : Difference;
        });
        return command;
    }
}
