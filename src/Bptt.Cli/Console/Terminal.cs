// Where the command prints: results to the output, notes, warnings and errors to the error stream.

using Spectre.Console;

namespace Bptt.Cli.Console;

/// <summary>The two streams, and whether a person watches the first.</summary>
internal sealed class Terminal
{
    /// <summary>Where no terminal has a width of its own: no table is broken.</summary>
    private const int PlainWidth = 250;

    /// <param name="output">Results.</param>
    /// <param name="error">Notes, warnings and errors.</param>
    /// <param name="isInteractive">Whether the output is a terminal, on which a progress bar can move.</param>
    public Terminal(TextWriter output, TextWriter error, bool isInteractive)
    {
        Output = output;
        Error = error;
        IsInteractive = isInteractive;
        Ansi = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = isInteractive ? InteractionSupport.Yes : InteractionSupport.No,
        });
        if (!isInteractive)
        {
            Ansi.Profile.Width = PlainWidth;
        }
    }

    public TextWriter Output { get; }

    public TextWriter Error { get; }

    public bool IsInteractive { get; }

    /// <summary>The output for tables and progress bars.</summary>
    public IAnsiConsole Ansi { get; }

    public static Terminal OfProcess() =>
        new(System.Console.Out, System.Console.Error, !System.Console.IsOutputRedirected);

    public void Warn(string message) => Error.WriteLine($"warning: {Printable(message)}");

    public void Note(string message) => Error.WriteLine($"note: {Printable(message)}");

    public void Fail(string message) => Error.WriteLine($"error: {Printable(message)}");

    /// <summary>A message may quote a file: nothing in it that a terminal would obey, but for the ends of
    /// lines.</summary>
    private static string Printable(string message) =>
        string.Concat(message.Select(c => char.IsControl(c) && c != '\n' ? '\uFFFD' : c));
}
