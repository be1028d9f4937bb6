// The vector instructions of 128 bits: with fused multiply-add, and without it.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bptt.Kernels;

/// <summary>128 bits, with fused multiply-add: any processor of the last ten years, ARM64 too.</summary>
internal readonly unsafe struct Simd128<TReal> : ISimd<TReal, Vector128<TReal>>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public static int Width => Vector128<TReal>.Count;

    public static int TileColumns => 4; // 12 accumulators, 3 + 1 operands: 16 of 16 registers

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Load(TReal* from) => Vector128.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<TReal> vector, TReal* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> First(int count) =>
        Vector128.LessThan(Vector128<TReal>.Indices, Vector128.Create(TReal.CreateTruncating(count)));

    /// <summary>Place by place: not every processor has a load with a mask.</summary>
    public static Vector128<TReal> Load(TReal* from, Vector128<TReal> mask)
    {
        Vector128<TReal> vector = default;
        int count = BitOperations.PopCount(mask.ExtractMostSignificantBits());
        for (int i = 0; i < count; i++)
        {
            vector = vector.WithElement(i, from[i]);
        }
        return vector;
    }

    /// <summary>Place by place.</summary>
    public static void Store(Vector128<TReal> vector, TReal* to, Vector128<TReal> mask)
    {
        int count = BitOperations.PopCount(mask.ExtractMostSignificantBits());
        for (int i = 0; i < count; i++)
        {
            to[i] = vector[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Broadcast(TReal value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Add(Vector128<TReal> a, Vector128<TReal> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> MultiplyAdd(Vector128<TReal> a, Vector128<TReal> b, Vector128<TReal> c) =>
        typeof(TReal) == typeof(float)
            ? Vector128.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, TReal>()
            : Vector128.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, TReal>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Flush(Vector128<TReal> vector) => Vector128.ConditionalSelect(
        Vector128.LessThan(Vector128.Abs(vector), Vector128.Create(KernelSet<TReal>.FlushThreshold)),
        Vector128<TReal>.Zero,
        vector);
}

/// <summary>128 bits without fused multiply-add: what every x64 processor has, and all that Native AOT compiles for
/// unless it is told of more. A product is rounded before it is added.</summary>
internal readonly unsafe struct Simd128Unfused<TReal> : ISimd<TReal, Vector128<TReal>>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public static int Width => Simd128<TReal>.Width;

    public static int TileColumns => 3; // 9 accumulators, 3 + 1 operands, 1 product: 14 of 16 registers

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Load(TReal* from) => Simd128<TReal>.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<TReal> vector, TReal* to) => Simd128<TReal>.Store(vector, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> First(int count) => Simd128<TReal>.First(count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Load(TReal* from, Vector128<TReal> mask) => Simd128<TReal>.Load(from, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<TReal> vector, TReal* to, Vector128<TReal> mask) =>
        Simd128<TReal>.Store(vector, to, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Broadcast(TReal value) => Simd128<TReal>.Broadcast(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Add(Vector128<TReal> a, Vector128<TReal> b) => Simd128<TReal>.Add(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> MultiplyAdd(Vector128<TReal> a, Vector128<TReal> b, Vector128<TReal> c) =>
        (a * b) + c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TReal> Flush(Vector128<TReal> vector) => Simd128<TReal>.Flush(vector);
}
