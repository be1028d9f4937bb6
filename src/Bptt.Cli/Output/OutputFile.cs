// A result as text: into the file that is named, or to standard output.

using System.Text;
using Bptt.Interop;

namespace Bptt.Cli.Output;

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
        try
        {
            AtomicFile.Write(path, stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                write(writer);
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFaultException($"'{path}' cannot be written: {e.Message}", e);
        }
    }
}
