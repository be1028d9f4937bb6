// The vector instructions that the kernels are written in, one type for each width. A kernel is generic over them, and
// the compiler makes one version of it for each width.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bptt.Kernels;

/// <summary>Operations on <see cref="Width"/> numbers at once.</summary>
/// <typeparam name="TReal">The numbers.</typeparam>
/// <typeparam name="TVector">The register.</typeparam>
internal unsafe interface ISimd<TReal, TVector>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    where TVector : struct
{
    /// <summary>Numbers in a register.</summary>
    static abstract int Width { get; }

    /// <summary>Columns of a register tile: as many as leave no accumulator in memory, with three registers to a
    /// column.</summary>
    static abstract int TileColumns { get; }

    static abstract TVector Load(TReal* from);

    static abstract void Store(TVector vector, TReal* to);

    /// <summary>The mask of the first <paramref name="count"/> places, for the two operations below.</summary>
    static abstract TVector First(int count);

    /// <summary>Reads the places of the mask and no others; zero elsewhere.</summary>
    static abstract TVector Load(TReal* from, TVector mask);

    /// <summary>Writes the places of the mask and no others.</summary>
    static abstract void Store(TVector vector, TReal* to, TVector mask);

    static abstract TVector Broadcast(TReal value);

    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a b + c, rounded once where the two are fused.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>Places below <see cref="KernelSet{TReal}.FlushThreshold"/> in magnitude become zero; NaN
    /// stays.</summary>
    static abstract TVector Flush(TVector vector);
}

/// <summary>512 bits: AVX-512.</summary>
internal readonly unsafe struct Simd512<TReal> : ISimd<TReal, Vector512<TReal>>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public static int Width => Vector512<TReal>.Count;

    public static int TileColumns => 8; // 24 accumulators, 3 + 1 operands: 28 of 32 registers

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TReal> Load(TReal* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<TReal> vector, TReal* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TReal> First(int count) =>
        Vector512.LessThan(Vector512<TReal>.Indices, Vector512.Create(TReal.CreateTruncating(count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TReal> Load(TReal* from, Vector512<TReal> mask) =>
        typeof(TReal) == typeof(float)
            ? Avx512F.MaskLoad((float*)from, mask.AsSingle(), Vector512<float>.Zero).As<float, TReal>()
            : Avx512F.MaskLoad((double*)from, mask.AsDouble(), Vector512<double>.Zero).As<double, TReal>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<TReal> vector, TReal* to, Vector512<TReal> mask)
    {
        if (typeof(TReal) == typeof(float))
        {
            Avx512F.MaskStore((float*)to, mask.AsSingle(), vector.AsSingle());
        }
        else
        {
            Avx512F.MaskStore((double*)to, mask.AsDouble(), vector.AsDouble());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TReal> Broadcast(TReal value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TReal> Add(Vector512<TReal> a, Vector512<TReal> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TReal> MultiplyAdd(Vector512<TReal> a, Vector512<TReal> b, Vector512<TReal> c) =>
        typeof(TReal) == typeof(float)
            ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, TReal>()
            : Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, TReal>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TReal> Flush(Vector512<TReal> vector) => Vector512.ConditionalSelect(
        Vector512.LessThan(Vector512.Abs(vector), Vector512.Create(KernelSet<TReal>.FlushThreshold)),
        Vector512<TReal>.Zero,
        vector);
}

/// <summary>256 bits: AVX2 with fused multiply-add.</summary>
internal readonly unsafe struct Simd256<TReal> : ISimd<TReal, Vector256<TReal>>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public static int Width => Vector256<TReal>.Count;

    public static int TileColumns => 4; // 12 accumulators, 3 + 1 operands: 16 of 16 registers

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<TReal> Load(TReal* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<TReal> vector, TReal* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<TReal> First(int count) =>
        Vector256.LessThan(Vector256<TReal>.Indices, Vector256.Create(TReal.CreateTruncating(count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<TReal> Load(TReal* from, Vector256<TReal> mask) =>
        typeof(TReal) == typeof(float)
            ? Avx.MaskLoad((float*)from, mask.AsSingle()).As<float, TReal>()
            : Avx.MaskLoad((double*)from, mask.AsDouble()).As<double, TReal>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<TReal> vector, TReal* to, Vector256<TReal> mask)
    {
        if (typeof(TReal) == typeof(float))
        {
            Avx.MaskStore((float*)to, mask.AsSingle(), vector.AsSingle());
        }
        else
        {
            Avx.MaskStore((double*)to, mask.AsDouble(), vector.AsDouble());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<TReal> Broadcast(TReal value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<TReal> Add(Vector256<TReal> a, Vector256<TReal> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<TReal> MultiplyAdd(Vector256<TReal> a, Vector256<TReal> b, Vector256<TReal> c) =>
        typeof(TReal) == typeof(float)
            ? Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, TReal>()
            : Vector256.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, TReal>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<TReal> Flush(Vector256<TReal> vector) => Vector256.ConditionalSelect(
        Vector256.LessThan(Vector256.Abs(vector), Vector256.Create(KernelSet<TReal>.FlushThreshold)),
        Vector256<TReal>.Zero,
        vector);
}
