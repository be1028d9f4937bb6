// The command line: parses it, runs a command, and turns every fault into a message and an exit code.

using System.CommandLine;
using Bptt.Cli.Commands;
using Bptt.Cli.Console;

namespace Bptt.Cli;

internal static class CommandLine
{
    /// <summary>After Ctrl-C a command may still report and write what it has.</summary>
    private static readonly TimeSpan TimeToFinish = TimeSpan.FromMinutes(1);

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal)
    {
        var root = new RootCommand(
            "Fits a linear RNN to a table of measurements by exact back-propagation through time.\n\n"
            + "Exit codes: 0 done; 1 the data, a file or the training is at fault; 2 the command line is at fault.")
        {
            FitCommand.Create(terminal),
            PredictCommand.Create(terminal),
            CheckCommand.Create(terminal),
            FlowCommand.Create(terminal),
            RemediesCommand.Create(terminal),
            GraphCommand.Create(terminal),
        };
        root.HelpName = "bptt";

        ParseResult parsed = root.Parse(arguments);
        (parsed.CommandResult.Command as DetailedCommand)?.ShowDetails();
        if (parsed.Errors.Count > 0)
        {
            string[] messages = parsed.Errors.Select(e => e.Message).Distinct().ToArray();
            foreach (string message in messages.Where(
                m => messages.Length == 1 || !m.StartsWith("Required command", StringComparison.Ordinal)))
            {
                terminal.Error.WriteLine($"error: {message}");
            }
            string command = parsed.CommandResult.Command == root
                ? "bptt"
                : $"bptt {parsed.CommandResult.Command.Name}";
            terminal.Error.WriteLine($"See '{command} --help'.");
            if (arguments.Count == 0)
            {
                root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = terminal.Error });
            }
            return ExitCode.UsageFault;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = terminal.Output,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = TimeToFinish,
            });
        }
        catch (Exception e) when (
            e is DataFaultException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            terminal.Fail(e.Message);
            return ExitCode.DataFault;
        }
#pragma warning disable CA1031 // the last resort: a person at a terminal is never shown a stack trace
        catch (Exception e)
#pragma warning restore CA1031
        {
            terminal.Fail($"unexpected fault ({e.GetType().Name}): {e.Message}");
            return ExitCode.DataFault;
        }
    }
}
