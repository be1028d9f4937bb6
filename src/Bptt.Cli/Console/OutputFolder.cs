// The folder that results are written into.

using Bptt.Files;

namespace Bptt.Cli.Console;

internal sealed class OutputFolder
{
    private OutputFolder(string path)
    {
        Path = path;
    }

    public string Path { get; }

    /// <summary>Makes the folder where there is none, and makes sure that files can be written there: before the work,
    /// so that none is lost.</summary>
    public static OutputFolder Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            string probe = System.IO.Path.Combine(path, $".{Guid.NewGuid():N}.tmp");
            File.Create(probe, bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
            return new OutputFolder(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new DataFaultException($"The output folder '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The path of a file in it.</summary>
    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Removes one file where it is there and can be removed. What holds nothing, as a device or a pipe, and
    /// what is a link stays: this command did not make it.</summary>
    public void Remove(string name)
    {
        try
        {
            if (new FileInfo(PathOf(name)) is { Exists: true, LinkTarget: null, Length: > 0 } file)
            {
                file.Delete();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way.
        }
    }

    /// <summary>Writes one file whole or not at all; returns its path.</summary>
    public string Write(string name, Action<Stream> write)
    {
        string path = PathOf(name);
        AtomicFile.Write(path, write);
        return path;
    }
}
