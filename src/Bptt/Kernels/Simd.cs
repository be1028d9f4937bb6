// The vector instructions that the kernels are written in, one type for each width. A kernel is generic over them, and
// the compiler makes one version of it for each width.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bptt.Kernels;

/// <summary>Operations on <see cref="Width"/> doubles at once.</summary>
/// <typeparam name="TVector">The register.</typeparam>
internal unsafe interface ISimd<TVector>
    where TVector : struct
{
    /// <summary>Doubles in a register.</summary>
    static abstract int Width { get; }

    /// <summary>Columns of a register tile: as many as leave no accumulator in memory, with three registers to a
    /// column.</summary>
    static abstract int TileColumns { get; }

    static abstract TVector Load(double* from);

    static abstract void Store(TVector vector, double* to);

    /// <summary>The mask of the first <paramref name="count"/> places, for the two operations below.</summary>
    static abstract TVector First(int count);

    /// <summary>Reads the places of the mask and no others; zero elsewhere.</summary>
    static abstract TVector Load(double* from, TVector mask);

    /// <summary>Writes the places of the mask and no others.</summary>
    static abstract void Store(TVector vector, double* to, TVector mask);

    static abstract TVector Broadcast(double value);

    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a b + c.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>Places below <see cref="KernelSet.FlushThreshold"/> in magnitude become zero; NaN stays.</summary>
    static abstract TVector Flush(TVector vector);
}

/// <summary>512 bits: AVX-512.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<double>>
{
    public static int Width => 8;

    public static int TileColumns => 8; // 24 accumulators, 3 + 1 operands: 28 of 32 registers

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Load(double* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<double> vector, double* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> First(int count) =>
        Vector512.LessThan(Vector512.Create(0L, 1, 2, 3, 4, 5, 6, 7), Vector512.Create((long)count)).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Load(double* from, Vector512<double> mask) =>
        Avx512F.MaskLoad(from, mask, Vector512<double>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<double> vector, double* to, Vector512<double> mask) =>
        Avx512F.MaskStore(to, mask, vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Broadcast(double value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Add(Vector512<double> a, Vector512<double> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> MultiplyAdd(Vector512<double> a, Vector512<double> b, Vector512<double> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Flush(Vector512<double> vector) => Vector512.ConditionalSelect(
        Vector512.LessThan(Vector512.Abs(vector), Vector512.Create(KernelSet.FlushThreshold)),
        Vector512<double>.Zero,
        vector);
}

/// <summary>256 bits: AVX2 with fused multiply-add.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<double>>
{
    public static int Width => 4;

    public static int TileColumns => 4; // 12 accumulators, 3 + 1 operands: 16 of 16 registers

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Load(double* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<double> vector, double* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> First(int count) =>
        Vector256.LessThan(Vector256.Create(0L, 1, 2, 3), Vector256.Create((long)count)).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Load(double* from, Vector256<double> mask) => Avx.MaskLoad(from, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<double> vector, double* to, Vector256<double> mask) =>
        Avx.MaskStore(to, mask, vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Broadcast(double value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Add(Vector256<double> a, Vector256<double> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> MultiplyAdd(Vector256<double> a, Vector256<double> b, Vector256<double> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Flush(Vector256<double> vector) => Vector256.ConditionalSelect(
        Vector256.LessThan(Vector256.Abs(vector), Vector256.Create(KernelSet.FlushThreshold)),
        Vector256<double>.Zero,
        vector);
}

/// <summary>128 bits, with fused multiply-add: any processor of the last ten years, ARM64 too.</summary>
internal readonly unsafe struct Simd128 : ISimd<Vector128<double>>
{
    public static int Width => 2;

    public static int TileColumns => 4; // 12 accumulators, 3 + 1 operands: 16 of 16 registers

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Load(double* from) => Vector128.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<double> vector, double* to) => vector.Store(to);

    /// <summary>Unused: a part of two places is always the first one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> First(int count) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Load(double* from, Vector128<double> mask) => Vector128.CreateScalar(*from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<double> vector, double* to, Vector128<double> mask) => *to = vector.ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Broadcast(double value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Add(Vector128<double> a, Vector128<double> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> MultiplyAdd(Vector128<double> a, Vector128<double> b, Vector128<double> c) =>
        Vector128.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Flush(Vector128<double> vector) => Vector128.ConditionalSelect(
        Vector128.LessThan(Vector128.Abs(vector), Vector128.Create(KernelSet.FlushThreshold)),
        Vector128<double>.Zero,
        vector);
}
