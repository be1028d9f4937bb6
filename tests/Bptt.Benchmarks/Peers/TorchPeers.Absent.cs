// Stands in for the programs written with TorchSharp in a build without it.

namespace Bptt.Benchmarks.Peers;

internal static class TorchPeers
{
    /// <summary>Why they take no part; null where they do.</summary>
    public static string? WhyNot => "it is not part of this build; -p:TorchSharp=true adds it";

    public static string Version => "";

    public static IReadOnlyList<Contender> All => [];

    /// <summary>Says why there is nothing to time.</summary>
    public static Action<Shape[], int[], double, bool, TextWriter> LayerTimes =>
        (_, _, _, _, output) => output.WriteLine($"TorchSharp: {WhyNot}.");
}
