// The command line: parses it, runs a command, and turns every fault into a message and an exit code.

using System.CommandLine;
using Bptt.Cli.Commands;
using Bptt.Cli.Console;

namespace Bptt.Cli;

internal static class CommandLine
{
    /// <summary>After Ctrl-C a command may still report and write what it has.</summary>
    private static readonly TimeSpan TimeToFinish = TimeSpan.FromMinutes(1);

    /// <summary>No letters are split off a word with one dash: -8 and -a may be values.</summary>
    private static readonly ParserConfiguration Parsing = new() { EnablePosixBundling = false };

    public static Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal) =>
        RunAsync(Root(terminal), arguments, terminal);

    /// <summary>All commands, each with its options.</summary>
    internal static RootCommand Root(Terminal terminal) =>
        new("Fits a linear RNN to a table of measurements by exact back-propagation through time.\n\n"
            + "Exit codes: 0 done; 1 the data, a file or the training is at fault; 2 the command line is at fault.")
        {
            FitCommand.Create(terminal),
            PredictCommand.Create(terminal),
            ForecastCommand.Create(terminal),
            CheckCommand.Create(terminal),
            FlowCommand.Create(terminal),
            RemediesCommand.Create(terminal),
            GraphCommand.Create(terminal),
            ExportCommand.Create(terminal),
            ImportCommand.Create(terminal),
            WorkerCommand.Create(terminal),
            StudioCommand.Create(terminal),
        };

    /// <summary>Runs one of the commands of a root, or refuses the command line.</summary>
    internal static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> arguments, Terminal terminal)
    {
        int ofFault = ExitCode.UsageFault; // until a command runs, whatever is thrown comes from the command line
        try
        {
            root.HelpName = "bptt";
            ParseResult parsed = Parse(root, arguments);
            (parsed.CommandResult.Command as DetailedCommand)?.ShowDetails();
            IReadOnlyList<string> faults = Faults(parsed);
            if (faults.Count > 0)
            {
                Refuse(parsed, faults, terminal);
                return ExitCode.UsageFault;
            }
            ofFault = ExitCode.DataFault;
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
            Tell(terminal, e.Message);
            return ofFault;
        }
#pragma warning disable CA1031 // the last resort: a person at a terminal is never shown a stack trace
        catch (Exception e)
#pragma warning restore CA1031
        {
            Tell(terminal, $"unexpected fault ({e.GetType().Name}): {e.Message}");
            return ofFault;
        }
    }

    internal static ParseResult Parse(RootCommand root, IReadOnlyList<string> arguments) =>
        root.Parse(arguments, Parsing);

    /// <summary>What is wrong with a command line: options and arguments each by itself, or, where all are right, what
    /// they are together.</summary>
    internal static IReadOnlyList<string> Faults(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (parsed.Errors.Count == 0)
        {
            bool runs = parsed.Action == command.Action; // and does not only show help
            return runs && command is DetailedCommand detailed ? detailed.Faults(parsed) : [];
        }
        string[] spaced = [.. SpacedColumns(parsed)];
        if (spaced.Length > 0 && parsed.Errors.Any(e => e.Message.StartsWith("Unrec", StringComparison.Ordinal)))
        {
            return spaced;
        }
        string[] messages = parsed.Errors.Select(e => WithSuggestion(e.Message, command)).Distinct().ToArray();
        return messages.Length == 1 ? messages
            : command is RootCommand ? [.. messages.Where(IsOfWord).Take(1)] // words after it are the unknown command's
            : messages;

        static bool IsOfWord(string message) => !message.StartsWith("Required command", StringComparison.Ordinal);
    }

    /// <summary>What is wrong where names of columns are separated by spaces, which end an option.</summary>
    private static IEnumerable<string> SpacedColumns(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        for (int i = 0; i < parsed.Tokens.Count; i++)
        {
            string name = parsed.Tokens[i].Value;
            if (!command.Options.Any(o => OptionRules.IsOfColumns(o) && o.Name == name))
            {
                continue;
            }
            string[] words =
            [
                .. parsed.Tokens.Skip(i + 1).Select(t => t.Value).TakeWhile(w => !w.StartsWith('-'))
                    .Where(w => !File.Exists(w)).Select(w => w.Trim(',')),
            ];
            if (words.Length > 1)
            {
                yield return $"{name}: expected columns separated by commas, got spaces between "
                    + $"{string.Join(", ", words.Select(w => $"'{w}'"))}; use a comma: "
                    + $"{name} {string.Join(',', words)} (a name that holds a space is put in quotes).";
            }
        }
    }

    /// <summary>A message about a word that the command does not know, with the one that it does.</summary>
    private static string WithSuggestion(string message, Command command)
    {
        if (!message.StartsWith("Unrecognized ", StringComparison.Ordinal)
            || message.Split('\'') is not [_, var word, _])
        {
            return message;
        }
        IEnumerable<string> known = word.StartsWith('-')
            ? command.Options.SelectMany(o => o.Aliases.Append(o.Name))
            : command.Subcommands.Select(c => c.Name);
        return Likeness.Nearest(word, known) is string near ? $"{message} Did you mean '{near}'?" : message;
    }

    private static void Refuse(ParseResult parsed, IReadOnlyList<string> faults, Terminal terminal)
    {
        foreach (string fault in faults)
        {
            terminal.Fail(fault);
        }
        Command command = parsed.CommandResult.Command;
        terminal.Error.WriteLine($"See '{(command is RootCommand ? "bptt" : $"bptt {command.Name}")} --help'.");
        if (command is RootCommand root && parsed.Tokens.Count == 0)
        {
            root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = terminal.Error });
        }
    }

    private static void Tell(Terminal terminal, string message)
    {
        try
        {
            terminal.Fail(message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error stream is closed: the exit code has to say it.
        }
    }
}
