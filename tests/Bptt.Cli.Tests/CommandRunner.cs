// Runs the command in this process, as a user would type it, and keeps what it prints.

namespace Bptt.Cli.Tests;

internal sealed record CommandResult(int ExitCode, string Output, string Error);

internal static class CommandRunner
{
    public static async Task<CommandResult> RunAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(arguments, new Terminal(output, error, isInteractive: false));
        return new CommandResult(exitCode, output.ToString(), error.ToString());
    }
}
