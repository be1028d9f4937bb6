// `bptt worker`: a process that computes for a fit on this machine or another one.

using System.CommandLine;
using System.Net;
using Bptt.Cli.Console;
using Bptt.Cli.Fitting;
using Bptt.Orleans;

namespace Bptt.Cli.Commands;

internal static class WorkerCommand
{
    private const string Details = """
    It computes shards of the data for fits with --workers or --cluster, until Ctrl-C. Whoever computes them, the fitted
    model is the same to the last bit, also when workers join, leave or die in between; every process must have the same
    version of bptt on the same kind of processor, and is refused by name where it has not.

    Nothing listens beyond this machine unless --listen says so. Connections are not encrypted and not authenticated:
    keep them in a network that you trust.

    Examples:
      bptt worker --join 10.0.0.1:7100 --listen 10.0.0.2
      bptt worker --join redis:10.0.0.9:6379 --listen 10.0.0.2 --threads 8
    """;

    public static Command Create(Terminal terminal)
    {
        Option<string?> join = OptionRules.OptionalText(
            "--join",
            IsCluster,
            ClusterForm,
            "The fit to compute for, as its --cluster says, or redis:HOST:PORT, a Redis server that lists the members.",
            "HOST:PORT|redis:HOST:PORT");
        Option<string?> listen = Listen();
        Option<int> threads = OptionRules.WholeNumber(
            "--threads", atLeast: 1, byDefault: Environment.ProcessorCount, "The threads to compute on.", "n");
        Option<bool> untilInputEnds = new("--until-input-ends")
        {
            Description = "End when the standard input does, as with the process that started this one.",
        };
        var command = new DetailedCommand("worker", "Compute for fits on other processes and machines.", Details)
        {
            join,
            listen,
            threads,
            untilInputEnds,
        };
        command.AddRule(parsed => parsed.GetValue(join) is null
            ? [$"Expected --join with {ClusterForm}: the fit to compute for."] : []);
        command.SetAction((parsed, cancellation) => RunAsync(
            terminal,
            parsed.GetValue(join)!,
            parsed.GetValue(listen),
            parsed.GetValue(threads),
            parsed.GetValue(untilInputEnds),
            cancellation));
        return command;
    }

    /// <summary>The option of where to listen, which fits have too.</summary>
    public static Option<string?> Listen() => OptionRules.OptionalText(
        "--listen",
        text => IPAddress.TryParse(text, out _),
        "the IP address of this machine",
        "The address of this machine that others reach it by. Where not given: this machine alone.",
        "IP");

    public const string ClusterForm = "HOST:PORT or redis:HOST:PORT";

    /// <summary>Whether a word names a cluster.</summary>
    public static bool IsCluster(string word)
    {
        string[] parts = word.Split(':');
        return (parts.Length == 2 || (parts.Length == 3 && parts[0] == "redis"))
            && parts[^2].Length > 0
            && int.TryParse(parts[^1], out int port)
            && port is > 0 and <= ushort.MaxValue;
    }

    private static async Task<int> RunAsync(
        Terminal terminal,
        string join,
        string? listen,
        int threads,
        bool untilInputEnds,
        CancellationToken cancellation)
    {
        // Ctrl-C in the terminal is for the fit that started this process, which ends it.
        CancellationToken end = untilInputEnds ? LocalWorkers.InputEnd() : cancellation;
        await BpttWorker.RunAsync(
            FitCluster.OptionsOf(join, listen, isWorker: true) with
            {
                Threads = threads,
                Job = FitJobs.Do,
                Log = terminal.Error.WriteLine,
            },
            end);
        return ExitCode.Done;
    }
}
