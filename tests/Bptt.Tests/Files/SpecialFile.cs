// Makes what is no regular file, in the folder of a test: devices and pipes. Also part of the tests of the command.

using System.Diagnostics;

namespace Bptt.Tests.Files;

internal static class SpecialFile
{
    /// <summary>A device that takes everything, as /dev/null. Returns whether it could be made: on Linux by an
    /// administrator.</summary>
    public static bool TryMakeNullDevice(string path) =>
        OperatingSystem.IsLinux() && TryRun("mknod", path, "c", "1", "3");

    /// <summary>A device that takes nothing, as /dev/full.</summary>
    public static bool TryMakeFullDevice(string path) =>
        OperatingSystem.IsLinux() && TryRun("mknod", path, "c", "1", "7");

    /// <summary>A pipe with a name; not on Windows.</summary>
    public static bool TryMakePipe(string path) => !OperatingSystem.IsWindows() && TryRun("mkfifo", path);

    private static bool TryRun(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
