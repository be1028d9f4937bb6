// Writes a file beside its place and renames it when it is whole, so that an interrupted run leaves the old one.

namespace Bptt.Files;

internal static class AtomicFile
{
    /// <summary>Calls <paramref name="write"/> on a new file in the folder of <paramref name="path"/> and, when it has
    /// returned and all is on disc, puts the new file in the place of the old. Whatever throws leaves the old file as
    /// it was and no other behind.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string target = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(target) ?? target;
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        }
        string beside = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, target, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }
}
