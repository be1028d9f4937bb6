// Writes a file beside its place and renames it when it is whole, so that an interrupted run leaves the old one. What
// is no regular file is written where it is.

namespace Bptt.Files;

internal static class AtomicFile
{
    /// <summary>Calls <paramref name="write"/> on a new file in the folder of <paramref name="path"/> and, when it has
    /// returned and all is on disc, puts the new file in the place of the old, whose mode it has. Whatever throws
    /// leaves the old file as it was and no other behind. Symbolic links stay: what they lead to is replaced, or made
    /// where it is not there. Devices, pipes and what a process has open, as /dev/stdout, are written where they
    /// are.</summary>
    /// <exception cref="IOException">It cannot be written, it is a folder, or its folder is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string target = SymbolicLinks.Follow(path);
        if (Directory.Exists(target) || Path.EndsInDirectorySeparator(path))
        {
            throw new IOException($"'{path}' is the name of a folder, not of a file.");
        }
        using (Stream? direct = DirectOutput.TryOpen(target))
        {
            if (direct is not null)
            {
                write(direct);
                direct.Flush();
                return;
            }
        }
        Replace(target, write);
    }

    private static void Replace(string target, Action<Stream> write)
    {
        string folder = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        }
        TemporaryFile.RemoveAbandoned(target);
        using var file = TemporaryFile.Beside(target);
        try
        {
            write(file.Stream);
            file.PutInPlaceOf(target);
        }
        catch
        {
            file.Remove();
            throw;
        }
    }
}
