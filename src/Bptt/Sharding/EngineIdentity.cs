// What must be the same in two processes so that they compute the same bits. Compares nothing by itself.

using System.Numerics;
using System.Reflection;
using System.Runtime.InteropServices;
using Bptt.Kernels;

namespace Bptt.Sharding;

/// <summary>Names what the bits of a result depend on beside data and options.</summary>
public static class EngineIdentity
{
    /// <summary>The version of this library, with the identity of its compiled code.</summary>
    public static string Library { get; } = LibraryText();

    /// <summary>The arithmetic: the kernels in use (see <c>BPTT_KERNELS</c>), the processor's architecture and the
    /// runtime, whose exponentials and logarithms a loss may use.</summary>
    /// <exception cref="InvalidOperationException">The environment names kernels that cannot run here.</exception>
    public static string Arithmetic =>
        $"kernels {KernelChoice.Default.Name}, vectors of {Vector<double>.Count}, "
        + $"{RuntimeInformation.ProcessArchitecture}, "
        + $"{RuntimeInformation.FrameworkDescription}, {PlatformText}";

    private static string PlatformText =>
        OperatingSystem.IsWindows() ? "Windows" : OperatingSystem.IsMacOS() ? "macOS" : "Linux or other Unix";

    private static string LibraryText()
    {
        Assembly assembly = typeof(EngineIdentity).Assembly;
        string version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? assembly.GetName().Version?.ToString() ?? "unknown";
        return $"Bptt {version}, code {assembly.ManifestModule.ModuleVersionId:N}";
    }
}
