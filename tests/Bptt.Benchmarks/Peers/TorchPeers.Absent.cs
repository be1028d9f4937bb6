// Stands in for the programs written with TorchSharp in a build without it.

namespace Bptt.Benchmarks.Peers;

internal static class TorchPeers
{
    /// <summary>Why they take no part; null where they do.</summary>
    public static string? WhyNot => "it is not part of this build; -p:TorchSharp=true adds it";

    public static string Version => "";

    public static IReadOnlyList<Contender> All => [];

    public static void LayerTimes(
        IEnumerable<Shape> shapes, IEnumerable<int> threads, double seconds, bool markdown, TextWriter output) =>
        output.WriteLine($"TorchSharp: {WhyNot}.");
}
