// The command line: the table, and the further measurements as commands of their own.

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Bptt.Benchmarks.Fits;
using Bptt.Benchmarks.Peers;

namespace Bptt.Benchmarks;

internal static class CommandLine
{
    private const int Disagreement = 1;
    private const int UsageFault = 2;

    public static int Run(IReadOnlyList<string> arguments)
    {
        RootCommand root = Table();
        root.Add(Subnormals());
        root.Add(Recurrences());
        root.Add(Memory());
        root.Add(Scaling());
        root.Add(Insight());
        root.Add(Curvature());
        root.Add(Training());
        root.Add(Calibrate());
        root.Add(FitCommands.Fits());
        root.Add(FitCommands.Generated());
        root.Add(BuildCommands.Bits());
        root.Add(BuildCommands.Builds());
        root.Add(LayerCommand.Make());
        root.Add(OneMemory());

        ParseResult parsed = root.Parse(arguments);
        foreach (ParseError fault in parsed.Errors)
        {
            Console.Error.WriteLine($"error: {fault.Message}");
        }
        return parsed.Errors.Count == 0 ? parsed.Invoke() : UsageFault;
    }

    private static RootCommand Table()
    {
        Option<Shape[]> shapes = Shapes(Shape.Defaults);
        Option<int[]> threads = ThreadCounts();
        Option<PeerSelection> peers = new("--peers")
        {
            Description = "Who takes part beside Bptt; TorchSharp only in a build with -p:TorchSharp=true.",
            HelpName = "none|mathnet|all",
            DefaultValueFactory = _ => PeerSelection.All,
        };
        Option<double> limit = Positive(
            "--limit", 20.0, "A program is left out of a row where one run takes longer, in seconds.");
        Option<double> radius = Positive("--radius", Problem.UsualRadius, "The spectral radius of W_hh.");
        Option<double> seconds = Seconds(1.0);
        Option<bool> markdown = Markdown();

        var root = new RootCommand(
            "Times one forward and one backward pass of Bptt beside its peers: same data, same process, in turns. "
            + "Exit code 1 where a peer's gradients differ from Bptt's, 2 where the command line is at fault.")
        {
            shapes, threads, peers, radius, seconds, limit, markdown,
        };
        root.HelpName = "Bptt.Benchmarks";
        root.SetAction(parsed =>
        {
            var settings = new PairedTableSettings(
                parsed.GetValue(shapes)!,
                parsed.GetValue(threads)!,
                parsed.GetValue(peers),
                parsed.GetValue(radius),
                parsed.GetValue(seconds),
                parsed.GetValue(limit),
                parsed.GetValue(markdown));
            return PairedTable.Run(settings, Console.Out, Console.Error) ? 0 : Disagreement;
        });
        return root;
    }

    private static Command Subnormals()
    {
        Option<int> threads = Threads();
        Option<double> seconds = Seconds(1.0);
        Option<bool> markdown = Markdown();
        var command =
            new Command("subnormals", "Whether vanishing gradients cost time.") { threads, seconds, markdown };
        command.SetAction(parsed => SubnormalTimes.Run(
            parsed.GetValue(threads), parsed.GetValue(seconds), parsed.GetValue(markdown), Console.Out));
        return command;
    }

    private static Command Recurrences()
    {
        Option<Shape[]> shapes = Shapes(
        [
            "16:16384:1:1:1",
            "64:131072:1:1:1",
            "64:16384:1:4:4",
            "128:131072:1:4:4",
            "128:1048576:1:4:4",
            "256:131072:1:1:1",
            "256:16384:1:4:4",
            "512:8192:1:1:1",
            "16:1000:1:1:1",
            "64:1000:1:4:4",
            "64:16384:1:16:16",
            "128:4096:1:16:16",
        ]);
        Option<Precision> precision = new("--precision")
        {
            Description = "The numbers of the passes.",
            HelpName = "double|single",
            DefaultValueFactory = _ => Precision.Double,
        };
        Option<int> threads = Threads();
        Option<double> seconds = Seconds(0.8);
        Option<bool> markdown = Markdown();
        var command = new Command("recurrences", "What the ways through the steps take.")
        {
            shapes, precision, threads, seconds, markdown,
        };
        command.SetAction(parsed => RecurrenceTimes.Run(
            parsed.GetValue(shapes)!,
            parsed.GetValue(precision),
            parsed.GetValue(threads),
            parsed.GetValue(seconds),
            parsed.GetValue(markdown),
            Console.Out));
        return command;
    }

    private static Command Memory()
    {
        Option<int> steps = Steps("T.");
        Option<int> threads = Threads();
        Option<bool> markdown = Markdown();
        var command =
            new Command("memory", "How much memory a pass over a long sequence takes.") { steps, threads, markdown };
        command.SetAction(parsed => MemoryPeaks.Run(
            parsed.GetValue(steps), parsed.GetValue(threads), parsed.GetValue(markdown), Console.Out));
        return command;
    }

    private static Command OneMemory()
    {
        Argument<int> steps = new("steps");
        Argument<long> budget = new("bytes");
        Argument<int> threads = new("threads");
        var command = new Command(MemoryPeaks.ChildCommand) { steps, budget, threads };
        command.Hidden = true;
        command.SetAction(parsed => MemoryPeaks.RunOne(
            parsed.GetValue(steps), parsed.GetValue(budget), parsed.GetValue(threads), Console.Out));
        return command;
    }

    private static Command Scaling()
    {
        Option<int> steps = Steps("The greatest T; the others are smaller by powers of √10, down to 10000.");
        Option<int> threads = Threads();
        Option<double> seconds = Seconds(1.0);
        Option<bool> markdown = Markdown();
        Option<string> picture = new("--out")
        {
            Description = "The file for the picture.",
            HelpName = "FILE.svg",
            DefaultValueFactory = _ => "time-per-step.svg",
        };
        var command = new Command("scaling", "The time per step as sequences grow longer; a table and a picture.")
        {
            steps, threads, seconds, markdown, picture,
        };
        command.SetAction(parsed => TimePerStep.Run(
            parsed.GetValue(steps),
            parsed.GetValue(threads),
            parsed.GetValue(seconds),
            parsed.GetValue(markdown),
            parsed.GetValue(picture)!,
            Console.Out));
        return command;
    }

    private static Command Insight()
    {
        Option<int> threads = Threads();
        Option<double> seconds = Seconds(1.0);
        Option<bool> markdown = Markdown();
        var command = new Command("insight", "What checks, truncations and diagnostics cost beside a pass.")
        {
            threads, seconds, markdown,
        };
        command.SetAction(parsed => InsightTimes.Run(
            parsed.GetValue(threads), parsed.GetValue(seconds), parsed.GetValue(markdown), Console.Out));
        return command;
    }

    private static Command Curvature()
    {
        Option<int> threads = Threads();
        Option<double> seconds = Seconds(1.0);
        Option<bool> markdown = Markdown();
        var command = new Command("curvature", "What products with second derivatives cost beside a pass.")
        {
            threads, seconds, markdown,
        };
        command.SetAction(parsed => CurvatureTimes.Run(
            parsed.GetValue(threads), parsed.GetValue(seconds), parsed.GetValue(markdown), Console.Out));
        return command;
    }

    private static Command Training()
    {
        Option<int> seeds = new("--seeds")
        {
            Description = "How many random starts.",
            HelpName = "n",
            DefaultValueFactory = _ => 10,
            CustomParser = result => Read(result, text => WholeNumber(text, atLeast: 1)).FirstOrDefault(),
        };
        Option<bool> markdown = Markdown();
        var command =
            new Command("training", "How long trainings take to the same loss, by method.") { seeds, markdown };
        command.SetAction(parsed => TrainingTimes.Run(
            parsed.GetValue(seeds), parsed.GetValue(markdown), Console.Out));
        return command;
    }

    private static Command Calibrate()
    {
        Option<double> seconds = Seconds(0.3);
        Option<bool> markdown = Markdown();
        var command = new Command("calibrate", "The constants of the library's cost model, in use and measured here.")
        {
            seconds, markdown,
        };
        command.SetAction(parsed => Calibration.Run(
            parsed.GetValue(seconds), parsed.GetValue(markdown), Console.Out));
        return command;
    }

    internal static Option<Shape[]> Shapes(IEnumerable<string> byDefault) => Many(
        "--shapes",
        "h:T:B",
        "The rows, as h:T, h:T:B or h:T:B:d:q; T may be a range, as in 64:1..512:64, over which lengths spread "
                + "uniformly.",
        Shape.Parse,
        [.. byDefault.Select(Shape.Parse)]);

    internal static Option<int[]> ThreadCounts() => Many(
        "--threads",
        "n",
        "Numbers of threads, or all.",
        ThreadCount,
        [.. new[] { 1, Environment.ProcessorCount }.Distinct()]);

    internal static Option<bool> Markdown() => new("--markdown") { Description = "Print the table as Markdown." };

    internal static Option<double> Seconds(double byDefault) =>
        Positive(
            "--seconds", byDefault, "How long each figure is measured; it is the median of the runs in that time.");

    private static Option<int> Threads() => new("--threads")
    {
        Description = "A number of threads, or all.",
        HelpName = "n",
        DefaultValueFactory = _ => Environment.ProcessorCount,
        CustomParser = result => Read(result, ThreadCount).FirstOrDefault(),
    };

    private static Option<int> Steps(string description) => new("--steps")
    {
        Description = description,
        HelpName = "T",
        DefaultValueFactory = _ => 1_000_000,
        CustomParser = result => Read(result, text => WholeNumber(text, atLeast: 10_000)).FirstOrDefault(),
    };

    private static Option<double> Positive(string name, double byDefault, string description) => new(name)
    {
        Description = description,
        HelpName = "s",
        DefaultValueFactory = _ => byDefault,
        CustomParser = result => Read(result, PositiveNumber).FirstOrDefault(),
    };

    private static Option<T[]> Many<T>(
        string name, string helpName, string description, Func<string, T> read, T[] byDefault) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => byDefault,
            CustomParser = result => Read(result, read),
        };

    /// <summary>All values given, or none and an error.</summary>
    private static T[] Read<T>(ArgumentResult result, Func<string, T> read)
    {
        try
        {
            return [.. result.Tokens.Select(token => read(token.Value))];
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return [];
        }
    }

    private static int ThreadCount(string text) =>
        text == "all" ? Environment.ProcessorCount : WholeNumber(text, atLeast: 1);

    private static int WholeNumber(string text, int atLeast) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n >= atLeast
            ? n
            : throw new FormatException($"Expected a whole number of at least {atLeast}, got '{text}'.");

    private static double PositiveNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x)
        && x > 0.0
        && double.IsFinite(x)
            ? x
            : throw new FormatException($"Expected a number above 0, got '{text}'.");
}
