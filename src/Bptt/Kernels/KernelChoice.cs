// Which kernels this process uses: chosen once, from what the processor can do.

using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bptt.Kernels;

/// <summary>
/// The kernel sets that this processor can run, best first: Vector512 (AVX-512), Vector256 (AVX2 with fused
/// multiply-add), Vector128 (with fused multiply-add), Vector128Unfused, Plain. The first is used, unless the
/// environment variable BPTT_KERNELS names another when the library is first used.
/// </summary>
/// <remarks>Under Native AOT the questions are answered when the program is compiled, for the processor that it is
/// compiled for: by default any x64 processor, and there Vector128Unfused is the first. Code cannot change that: for
/// AVX and everything above, fused multiply-add included, the compiler then puts false in the place of every question,
/// and an exception in the place of every instruction.</remarks>
internal static class KernelChoice
{
    /// <summary>The environment variable that forces a set.</summary>
    public const string Variable = "BPTT_KERNELS";

    /// <summary>Every set that can run here, in the order of choice.</summary>
    public static IReadOnlyList<KernelSet> Supported { get; } = [.. SupportedSets<double>()];

    /// <summary>The set that passes use unless told otherwise.</summary>
    /// <exception cref="InvalidOperationException">The environment variable names no set that can run here.</exception>
    public static KernelSet Default => Chosen.Value;

    private static readonly Lazy<KernelSet> Chosen = new(() => Named(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The set with a name, in any case of letters; the first supported one where the name is null or
    /// empty.</summary>
    /// <exception cref="InvalidOperationException">No set of that name can run here.</exception>
    public static KernelSet Named(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return Supported[0];
        }
        return Supported.FirstOrDefault(set => set.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new InvalidOperationException(
                $"{Variable}: expected one of {string.Join(", ", Supported.Select(set => set.Name))}, "
                + $"which this processor can run, got '{name}'.");
    }

    /// <summary>The set of the same kind in single precision.</summary>
    public static KernelSet<float> InSingle(KernelSet kernels) =>
        InSinglePrecision.First(set => set.Name == kernels.Name);

    private static readonly KernelSet<float>[] InSinglePrecision = [.. SupportedSets<float>()];

    private static IEnumerable<KernelSet<TReal>> SupportedSets<TReal>()
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported)
        {
            yield return new SimdKernels<TReal, Simd512<TReal>, Vector512<TReal>>("Vector512");
        }
        if (Vector256.IsHardwareAccelerated && Avx.IsSupported && Fma.IsSupported)
        {
            yield return new SimdKernels<TReal, Simd256<TReal>, Vector256<TReal>>("Vector256");
        }
        if (Vector128.IsHardwareAccelerated
            && (Fma.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported))
        {
            yield return new SimdKernels<TReal, Simd128<TReal>, Vector128<TReal>>("Vector128");
        }
        if (Vector128.IsHardwareAccelerated)
        {
            yield return new SimdKernels<TReal, Simd128Unfused<TReal>, Vector128<TReal>>("Vector128Unfused");
        }
        yield return new PlainKernels<TReal>();
    }
}
