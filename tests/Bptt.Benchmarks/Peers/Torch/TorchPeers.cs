// The programs written with TorchSharp, each in double and in float.

using System.Runtime.InteropServices;
using TorchSharp;

namespace Bptt.Benchmarks.Peers;

internal static class TorchPeers
{
    private static readonly Lazy<string?> WhyNotFound = new(TryToLoad);

    /// <summary>Why they take no part; null where they do.</summary>
    public static string? WhyNot => WhyNotFound.Value;

    public static string Version =>
        $"TorchSharp {Machine.VersionOf(typeof(torch).Assembly)} (libtorch {torch.__version__})";

    public static IReadOnlyList<Contender> All =>
    [
        .. Both("TorchSharp, step by step, autograd", data => new Torch.AutogradStepByStep(data)),
        .. Both("TorchSharp, batched products, autograd", data => new Torch.AutogradBatchedProducts(data)),
        .. Both("TorchSharp, explicit BPTT", data => new Torch.ExplicitPass(data)),
        .. Both("TorchSharp, convolution by FFT, autograd", data => new Torch.AutogradConvolution(data))
            .Select(contender => contender with { Fits = Torch.AutogradConvolution.Fits }),
    ];

    /// <summary>Times the layer of Bptt.TorchSharp: shapes, numbers of threads, seconds, whether in Markdown, and where
    /// to.</summary>
    public static Action<Shape[], int[], double, bool, TextWriter> LayerTimes => WhyNot is string reason
        ? (_, _, _, _, output) => output.WriteLine($"TorchSharp: {reason}.")
        : Torch.LayerTimes.Run;

    private static IEnumerable<Contender> Both(string name, Func<Torch.TorchProblem, IPass> setUp)
    {
        foreach (torch.ScalarType type in (torch.ScalarType[])[torch.ScalarType.Float64, torch.ScalarType.Float32])
        {
            bool isSingle = type == torch.ScalarType.Float32;
            yield return new Contender(
                $"{name}, {(isSingle ? "float" : "double")}",
                isSingle,
                torch.set_num_threads,
                (problem, _) => setUp(new Torch.TorchProblem(problem, type)));
        }
    }

    /// <summary>Asks before TorchSharp does, which would print pages and copy its libraries where they do not
    /// load.</summary>
    private static string? TryToLoad()
    {
        string[] libraries = ["torch_cpu", "LibTorchSharp"];
        return libraries.All(library => NativeLibrary.TryLoad(library, typeof(torch).Assembly, null, out _))
            ? null
            : "its native library does not load on this system; on Linux it needs a C++ library with GLIBCXX_3.4.32";
    }
}
