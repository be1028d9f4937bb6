// Opens an address in the browser of the person at this machine, where there is a person and a browser.

using System.ComponentModel;
using System.Diagnostics;

namespace Bptt.Cli.Studio;

internal static class Browser
{
    /// <summary>Asks the system to open it. Where there is no screen nothing happens; the address is printed
    /// anyway.</summary>
    public static void Open(Uri address)
    {
        if (!HasScreen)
        {
            return;
        }
        try
        {
            using var process = Process.Start(new ProcessStartInfo(address.AbsoluteUri) { UseShellExecute = true });
        }
        catch (Exception e) when (e is Win32Exception or PlatformNotSupportedException or FileNotFoundException)
        {
            // No browser is set up.
        }
    }

    private static bool HasScreen =>
        OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()
        || IsSet("DISPLAY") || IsSet("WAYLAND_DISPLAY");

    private static bool IsSet(string name) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name));
}
