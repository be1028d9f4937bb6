// What is written where it is, because nothing can be put in its place: standard output, devices, pipes. Not regular
// files.

namespace Bptt.Files;

internal static class DirectOutput
{
    /// <summary>Opens a target that is no regular file, to write into it; null where the target is a regular file or is
    /// not there. As for any program, a pipe that nobody reads opens when somebody does.</summary>
    /// <param name="target">A full path without symbolic links.</param>
    public static Stream? TryOpen(string target)
    {
        if (target is "/dev/fd/1" || target == $"/proc/{Environment.ProcessId}/fd/1")
        {
            return Console.OpenStandardOutput(); // opened by its name, a file would be written from its beginning
        }
        if (target is "/dev/fd/2" || target == $"/proc/{Environment.ProcessId}/fd/2")
        {
            return Console.OpenStandardError();
        }
        if (OperatingSystem.IsWindows())
        {
            return target.StartsWith(@"\\.\", StringComparison.Ordinal) ? Open(target) : null;
        }
        if (!File.Exists(target))
        {
            return null;
        }

        FileStream stream = Open(target);
        if (!IsRegular(stream))
        {
            return stream;
        }
        if (SymbolicLinks.IsOpenFile(target))
        {
            stream.SetLength(0); // nothing can be put in its place
            return stream;
        }
        stream.Dispose();
        return null;
    }

    private static FileStream Open(string target) =>
        new(target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>.NET does not tell kinds of files. In pipes and terminals there is no seeking; in devices there is, but
    /// their length is 0 and cannot be set, which changes nothing in an empty file.</summary>
    private static bool IsRegular(FileStream stream)
    {
        if (!stream.CanSeek || stream.Length > 0)
        {
            return stream.CanSeek;
        }
        try
        {
            stream.SetLength(0);
            return true;
        }
        catch (Exception e) when (e is IOException or NotSupportedException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
