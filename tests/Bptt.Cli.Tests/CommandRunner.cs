// Runs the command in this process, as a user would type it, and keeps what it prints.

using Bptt.Cli.Console;

namespace Bptt.Cli.Tests;

internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Done, without a word on the error stream.</summary>
    public void ShouldBeDone()
    {
        Error.Should().BeEmpty();
        ExitCode.Should().Be(0);
    }

    /// <summary>Ended by a message that was meant for a user.</summary>
    public void ShouldBeRefused(int exitCode, params string[] messageParts)
    {
        ExitCode.Should().Be(exitCode, "of the message '{0}'", Error);
        Error.Should().Contain("error: ").And.ContainAll(messageParts);
        Error.Should().NotContain("   at ", "a stack trace is for no user").And.NotContain("unexpected fault");
    }
}

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
