// The file beside a target that takes its place when it is whole: <name>.<32 hexadecimal digits>.tmp. Also finds those
// that killed runs left behind.

namespace Bptt.Files;

/// <summary>Two handles of one new file: one writes, one keeps others from taking the file for abandoned until it has
/// its name. The second only reads and shares all, so that nobody is kept from reading the file once it is in its
/// place.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private const string Ending = ".tmp";
    private const int MostAttempts = 5;
    private const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;

    private readonly string _path;
    private readonly FileStream _guard;

    private TemporaryFile(string path, UnixFileMode? mode)
    {
        _path = path;
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.Read | FileShare.Delete,
        };
        if (!OperatingSystem.IsWindows())
        {
            // From the first moment on, so that nobody reads who may not.
            options.UnixCreateMode = mode is null ? null : mode | UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        Stream = new FileStream(path, options);
        try
        {
            _guard = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            SetMode(mode);
        }
        catch
        {
            Stream.Dispose();
            _guard?.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Where to write.</summary>
    public FileStream Stream { get; }

    /// <summary>Makes a new file beside a target, with the mode of the target where that is there.</summary>
    public static TemporaryFile Beside(string target)
    {
        UnixFileMode? mode = !OperatingSystem.IsWindows() && File.Exists(target)
            ? File.GetUnixFileMode(target) & Permissions : null;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var file = new TemporaryFile($"{target}.{Guid.NewGuid():N}{Ending}", mode);
                if (File.Exists(file._path))
                {
                    return file;
                }
                file.Dispose();
                throw new IOException($"A new file beside '{target}' was removed at once.");
            }
            catch (UnauthorizedAccessException e)
            {
                throw new UnauthorizedAccessException(
                    $"No file can be made in the folder '{Path.GetDirectoryName(target)}': access is denied.", e);
            }
            catch (IOException) when (attempt < MostAttempts)
            {
                // Somebody took it for abandoned between its creation and its lock.
            }
        }
    }

    /// <summary>Removes the files that runs left beside a target when they were killed: those that no process has open.
    /// What a process has open is locked until it ends, however it ends. What cannot be removed stays.</summary>
    public static void RemoveAbandoned(string target)
    {
        try
        {
            string folder = Path.GetDirectoryName(target)!;
            foreach (string path in Directory.EnumerateFiles(folder).Where(p => IsBeside(target, p)))
            {
                RemoveUnlocked(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that may be written but not listed.
        }
    }

    /// <summary>Ends the writing and gives the file the name of the target.</summary>
    public void PutInPlaceOf(string target)
    {
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                File.Move(_path, target, overwrite: true);
                return;
            }
            catch (Exception e) when (OperatingSystem.IsWindows() && attempt < 10
                && e is IOException or UnauthorizedAccessException)
            {
                Thread.Sleep(10 * attempt); // nothing is replaced on Windows while somebody has it open
            }
        }
    }

    /// <summary>Removes the file.</summary>
    public void Remove() => File.Delete(_path);

    public void Dispose()
    {
        try
        {
            Stream.Dispose();
        }
        finally
        {
            _guard.Dispose();
        }
    }

    private static bool IsBeside(string target, string path)
    {
        ReadOnlySpan<char> name = Path.GetFileName(path.AsSpan());
        ReadOnlySpan<char> start = Path.GetFileName(target.AsSpan());
        return name.Length == start.Length + 1 + 32 + Ending.Length
            && name.StartsWith(start, StringComparison.Ordinal)
            && name[start.Length] == '.'
            && name.EndsWith(Ending, StringComparison.Ordinal)
            && Guid.TryParseExact(name.Slice(start.Length + 1, 32), "N", out _);
    }

    private static void RemoveUnlocked(string path)
    {
        try
        {
            // Opens only where nobody has it open, and deletes before anybody else can open it.
            new FileStream(
                path,
                FileMode.Open,
                FileAccess.ReadWrite,
                FileShare.None,
                bufferSize: 1,
                FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody is at work on it, or it may not be removed.
        }
    }

    /// <summary>The umask narrows the mode that is asked for at creation.</summary>
    private void SetMode(UnixFileMode? mode)
    {
        if (OperatingSystem.IsWindows() || mode is not UnixFileMode wanted
            || File.GetUnixFileMode(Stream.SafeFileHandle) == wanted)
        {
            return;
        }
        try
        {
            File.SetUnixFileMode(Stream.SafeFileHandle, wanted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Some file systems keep no modes.
        }
    }
}
