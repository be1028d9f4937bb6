// What a figure is worth nothing without: processor, cores, runtime, system and versions.

using System.Reflection;
using System.Runtime.InteropServices;
using Bptt.Benchmarks.Peers;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks;

internal static class Machine
{
    /// <summary>The lines above a table.</summary>
    /// <param name="peers">Which peers' versions to name.</param>
    /// <param name="peak">The peak of all cores, in floating point operations per second.</param>
    public static IEnumerable<string> Describe(PeerSelection peers, double peak)
    {
        yield return $"processor: {Processor()}, {Environment.ProcessorCount} logical cores used";
        yield return $"runtime: {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}, "
            + $"{RuntimeInformation.OSDescription}";

        List<string> versions = [$"Bptt {VersionOf(typeof(LinearRnn).Assembly)}"];
        if (peers != PeerSelection.None)
        {
            versions.Add($"MathNet.Numerics {VersionOf(typeof(Matrix<>).Assembly)} (managed provider)");
        }
        if (peers == PeerSelection.All && TorchPeers.WhyNot is null)
        {
            versions.Add(TorchPeers.Version);
        }
        yield return $"libraries: {string.Join(", ", versions)}";
        yield return $"peak: {Figure.GigaFlops(peak)} GFLOP/s in double on all cores, "
            + $"fused multiply-adds on {Peak.VectorBits}-bit vectors";
    }

    /// <summary>The version of a library, with at most seven digits of the commit that it was built from.</summary>
    public static string VersionOf(Assembly assembly)
    {
        string version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? assembly.GetName().Version?.ToString() ?? "of unknown version";
        int commit = version.IndexOf('+', StringComparison.Ordinal);
        return commit < 0 ? version : version[..Math.Min(version.Length, commit + 8)];
    }

    private static string Processor()
    {
        const string cpuInfo = "/proc/cpuinfo";
        string? line = File.Exists(cpuInfo)
            ? File.ReadLines(cpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? $"{RuntimeInformation.ProcessArchitecture}, name unknown";
    }
}
