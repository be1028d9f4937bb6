// Whatever is thrown, where nobody expects it: one line and an exit code of the command, never a stack trace.

using System.CommandLine;
using Bptt.Cli.Console;

namespace Bptt.Cli.Tests;

public class UnexpectedFaultTests
{
    [Fact]
    public async Task A_fault_in_the_work_of_a_command_is_told_in_one_line()
    {
        CommandResult result = await Run(
            command => command.SetAction(int (_) => throw new NotSupportedException("It broke.")), "work");

        result.Should().Be(new CommandResult(1, "", Line("unexpected fault (NotSupportedException): It broke.")));
    }

    [Fact]
    public async Task A_fault_on_another_thread_of_a_command_is_told_in_one_line()
    {
        CommandResult result = await Run(
            command => command.SetAction(
                (_, _) => Task.Run(int () => throw new NotSupportedException("It broke."))), "work");

        result.Should().Be(new CommandResult(1, "", Line("unexpected fault (NotSupportedException): It broke.")));
    }

    [Fact]
    public async Task A_fault_while_the_command_line_is_read_is_one_of_the_command_line()
    {
        CommandResult result = await Run(
            command => command.Validators.Add(_ => throw new InvalidOperationException("It broke.")), "work");

        result.Should().Be(new CommandResult(2, "", Line("unexpected fault (InvalidOperationException): It broke.")));
    }

    [Fact]
    public async Task A_folder_in_the_place_of_a_file_of_arguments_is_told()
    {
        using var folder = new TemporaryFolder();

        (await CommandRunner.RunAsync("fit", $"@{folder.Path}")).ShouldBeRefused(2, folder.Path);
    }

    [Theory]
    [InlineData(2, "fit", "--sample")]
    [InlineData(1, "fit", "none.csv", "--inputs", "a", "--outputs", "y")]
    public async Task Where_errors_cannot_be_written_the_exit_code_tells(int exitCode, params string[] arguments)
    {
        var terminal = new Terminal(TextWriter.Null, new ClosedWriter(), isInteractive: false);

        (await CommandLine.RunAsync(arguments, terminal)).Should().Be(exitCode);
    }

    private static string Line(string message) => $"error: {message}{Environment.NewLine}";

    private static async Task<CommandResult> Run(Action<Command> setUp, string argument)
    {
        var command = new Command("work");
        setUp(command);
        var output = new StringWriter();
        var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(
            new RootCommand { command }, [argument], new Terminal(output, error, isInteractive: false));
        return new CommandResult(exitCode, $"{output}", $"{error}");
    }

    /// <summary>As the error stream of a process that was started without one.</summary>
    private sealed class ClosedWriter : StringWriter
    {
        public override void WriteLine(string? value) => throw new UnauthorizedAccessException("The stream is closed.");
    }
}
