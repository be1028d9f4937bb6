// A result: into the file that is named, or, where it is text, to standard output.

using System.Text;
using Bptt.Files;

namespace Bptt.Cli.Console;

internal static class OutputFile
{
    /// <summary>Writes a file whole or not at all; to the terminal's output where the path is null.</summary>
    public static void Write(string? path, Terminal terminal, Action<TextWriter> write)
    {
        if (path is null)
        {
            write(terminal.Output);
            return;
        }
        WriteBytes(path, AsText(write));
    }

    /// <summary>Writes a file whole or not at all.</summary>
    public static void WriteBytes(string path, Action<Stream> write)
    {
        try
        {
            AtomicFile.Write(path, write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFaultException($"'{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>What writes text, as what writes bytes: UTF-8 without a mark. The stream stays open.</summary>
    public static Action<Stream> AsText(Action<TextWriter> write) => stream =>
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
        write(writer);
    };
}
