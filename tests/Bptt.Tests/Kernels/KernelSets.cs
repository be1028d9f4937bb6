// The kernel sets that this machine can run, as test cases, and the sizes at which their tiles and blocks end.

using System.Runtime.Intrinsics;
using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

internal static class KernelSets
{
    /// <summary>Depths (columns of A) below, at and above what an inner loop may take at a time.</summary>
    public static readonly int[] SmallDepths = [0, 1, 2, 3, 7, 8, 9];

    /// <summary>Depths around one, two and three blocks of 256 and of 512 columns of A.</summary>
    public static readonly int[] DepthsAroundBlocks = [255, 256, 257, 511, 512, 513, 769, 1024, 1025];

    public static TheoryData<string> Supported => new(KernelChoice.Supported.Select(set => set.Name));

    /// <summary>Those made of vector instructions.</summary>
    public static TheoryData<string> Vectorized =>
        new(KernelChoice.Supported.Select(set => set.Name).Where(name => name != "Plain"));

    public static TileSize TileOf(KernelSet set) => set.Name switch
    {
        "Vector512" => TileSize.Of<Simd512<double>, Vector512<double>>(),
        "Vector256" => TileSize.Of<Simd256<double>, Vector256<double>>(),
        "Vector128" => TileSize.Of<Simd128<double>, Vector128<double>>(),
        "Vector128Unfused" => TileSize.Of<Simd128Unfused<double>, Vector128<double>>(),
        "Plain" => new TileSize(2, 4), // it has no tiles; any size will do
        _ => throw new ArgumentException($"No tile size is known for the set {set.Name}.", nameof(set)),
    };
}

/// <param name="Width">Rows in a register.</param>
/// <param name="Columns">Columns of a tile.</param>
internal readonly record struct TileSize(int Width, int Columns)
{
    /// <summary>Rows of the highest tile.</summary>
    public int Rows => 3 * Width;

    /// <summary>Rows of the highest strip for a single column.</summary>
    public int OneColumnRows => 8 * Width;

    /// <summary>Numbers of rows that make each height of strip, with and without a tail.</summary>
    public int[] RowsOfEachStrip =>
        [1, Width, Width + 1, 2 * Width, 2 * Width + 1, Rows, Rows + 1, 2 * Rows + Width - 1];

    public static TileSize Of<TSimd, TVector>()
        where TSimd : struct, ISimd<double, TVector>
        where TVector : struct => new(TSimd.Width, TSimd.TileColumns);
}
