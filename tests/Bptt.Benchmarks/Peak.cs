// The most floating point operations per second that the processor gives this process: fused multiply-adds on registers
// only, on all cores at once. No memory is touched; it is the ceiling, not a goal.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bptt.Benchmarks;

internal static class Peak
{
    private const int Repetitions = 8;
    private const double SecondsPerRepetition = 0.025;

    /// <summary>Keeps the result of the arithmetic alive.</summary>
    private static double _sink;

    /// <summary>The widest vectors that the processor and the runtime have together, in bits.</summary>
    public static int VectorBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>Measures the peak in double precision, of all cores that this process may use together: the best of
    /// some short repetitions. In single precision a vector holds twice as many numbers.</summary>
    /// <returns>Floating point operations per second; a fused multiply-add counts two.</returns>
    public static double Measure()
    {
        long rounds = 1 << 16;
        double best = 0.0;
        for (int i = 0; i < Repetitions; i++)
        {
            (double flops, double seconds) = OnAllCores(rounds);
            best = Math.Max(best, flops / seconds);
            rounds = Math.Max(1 << 10, (long)(rounds * SecondsPerRepetition / seconds));
        }
        return best;
    }

    private static (double Flops, double Seconds) OnAllCores(long rounds)
    {
        int cores = Environment.ProcessorCount;
        double[] flops = new double[cores];
        long[] starts = new long[cores];
        long[] ends = new long[cores];
        using var barrier = new Barrier(cores);
        Thread[] threads =
        [
            .. Enumerable.Range(0, cores).Select(i => new Thread(() =>
            {
                barrier.SignalAndWait();
                starts[i] = Stopwatch.GetTimestamp();
                flops[i] = OnOneCore(rounds);
                ends[i] = Stopwatch.GetTimestamp();
            })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return (flops.Sum(), Stopwatch.GetElapsedTime(starts.Min(), ends.Max()).TotalSeconds);
    }

    /// <summary>Vectors of 256 bits come with 16 registers, which hold 12 accumulators and the operands; the others
    /// with 32 on processors of this kind.</summary>
    private static double OnOneCore(long rounds) => VectorBits switch
    {
        512 => TwentyFour<Lanes512, Vector512<double>>(rounds) * Vector512<double>.Count,
        256 => Twelve<Lanes256, Vector256<double>>(rounds) * Vector256<double>.Count,
        _ => TwentyFour<Lanes128, Vector128<double>>(rounds) * Vector128<double>.Count,
    };

    /// <summary>Runs 12 independent chains of fused multiply-adds.</summary>
    /// <returns>Operations for each lane.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Twelve<TLanes, TVector>(long rounds)
        where TLanes : ILanes<TVector>
    {
        TVector x = TLanes.Broadcast(0.999999);
        TVector y = TLanes.Broadcast(1e-6);
        TVector a0 = TLanes.Broadcast(0), a1 = TLanes.Broadcast(1), a2 = TLanes.Broadcast(2), a3 = TLanes.Broadcast(3);
        TVector a4 = TLanes.Broadcast(4), a5 = TLanes.Broadcast(5), a6 = TLanes.Broadcast(6), a7 = TLanes.Broadcast(7);
        TVector a8 = TLanes.Broadcast(8), a9 = TLanes.Broadcast(9), a10 = TLanes.Broadcast(10),
            a11 = TLanes.Broadcast(11);
        for (long i = 0; i < rounds; i++)
        {
            a0 = TLanes.MultiplyAdd(a0, x, y);
            a1 = TLanes.MultiplyAdd(a1, x, y);
            a2 = TLanes.MultiplyAdd(a2, x, y);
            a3 = TLanes.MultiplyAdd(a3, x, y);
            a4 = TLanes.MultiplyAdd(a4, x, y);
            a5 = TLanes.MultiplyAdd(a5, x, y);
            a6 = TLanes.MultiplyAdd(a6, x, y);
            a7 = TLanes.MultiplyAdd(a7, x, y);
            a8 = TLanes.MultiplyAdd(a8, x, y);
            a9 = TLanes.MultiplyAdd(a9, x, y);
            a10 = TLanes.MultiplyAdd(a10, x, y);
            a11 = TLanes.MultiplyAdd(a11, x, y);
        }
        Keep(TLanes.Sum(a0) + TLanes.Sum(a1) + TLanes.Sum(a2) + TLanes.Sum(a3) + TLanes.Sum(a4) + TLanes.Sum(a5)
            + TLanes.Sum(a6) + TLanes.Sum(a7) + TLanes.Sum(a8) + TLanes.Sum(a9) + TLanes.Sum(a10) + TLanes.Sum(a11));
        return 2.0 * 12.0 * rounds;
    }

    /// <summary>Runs 24 independent chains of fused multiply-adds.</summary>
    /// <returns>Operations for each lane.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double TwentyFour<TLanes, TVector>(long rounds)
        where TLanes : ILanes<TVector>
    {
        TVector x = TLanes.Broadcast(0.999999);
        TVector y = TLanes.Broadcast(1e-6);
        TVector a0 = TLanes.Broadcast(0), a1 = TLanes.Broadcast(1), a2 = TLanes.Broadcast(2), a3 = TLanes.Broadcast(3);
        TVector a4 = TLanes.Broadcast(4), a5 = TLanes.Broadcast(5), a6 = TLanes.Broadcast(6), a7 = TLanes.Broadcast(7);
        TVector a8 = TLanes.Broadcast(8), a9 = TLanes.Broadcast(9), a10 = TLanes.Broadcast(10),
            a11 = TLanes.Broadcast(11);
        TVector b0 = TLanes.Broadcast(0), b1 = TLanes.Broadcast(1), b2 = TLanes.Broadcast(2), b3 = TLanes.Broadcast(3);
        TVector b4 = TLanes.Broadcast(4), b5 = TLanes.Broadcast(5), b6 = TLanes.Broadcast(6), b7 = TLanes.Broadcast(7);
        TVector b8 = TLanes.Broadcast(8), b9 = TLanes.Broadcast(9), b10 = TLanes.Broadcast(10),
            b11 = TLanes.Broadcast(11);
        for (long i = 0; i < rounds; i++)
        {
            a0 = TLanes.MultiplyAdd(a0, x, y);
            a1 = TLanes.MultiplyAdd(a1, x, y);
            a2 = TLanes.MultiplyAdd(a2, x, y);
            a3 = TLanes.MultiplyAdd(a3, x, y);
            a4 = TLanes.MultiplyAdd(a4, x, y);
            a5 = TLanes.MultiplyAdd(a5, x, y);
            a6 = TLanes.MultiplyAdd(a6, x, y);
            a7 = TLanes.MultiplyAdd(a7, x, y);
            a8 = TLanes.MultiplyAdd(a8, x, y);
            a9 = TLanes.MultiplyAdd(a9, x, y);
            a10 = TLanes.MultiplyAdd(a10, x, y);
            a11 = TLanes.MultiplyAdd(a11, x, y);
            b0 = TLanes.MultiplyAdd(b0, x, y);
            b1 = TLanes.MultiplyAdd(b1, x, y);
            b2 = TLanes.MultiplyAdd(b2, x, y);
            b3 = TLanes.MultiplyAdd(b3, x, y);
            b4 = TLanes.MultiplyAdd(b4, x, y);
            b5 = TLanes.MultiplyAdd(b5, x, y);
            b6 = TLanes.MultiplyAdd(b6, x, y);
            b7 = TLanes.MultiplyAdd(b7, x, y);
            b8 = TLanes.MultiplyAdd(b8, x, y);
            b9 = TLanes.MultiplyAdd(b9, x, y);
            b10 = TLanes.MultiplyAdd(b10, x, y);
            b11 = TLanes.MultiplyAdd(b11, x, y);
        }
        Keep(TLanes.Sum(a0) + TLanes.Sum(a1) + TLanes.Sum(a2) + TLanes.Sum(a3) + TLanes.Sum(a4) + TLanes.Sum(a5)
            + TLanes.Sum(a6) + TLanes.Sum(a7) + TLanes.Sum(a8) + TLanes.Sum(a9) + TLanes.Sum(a10) + TLanes.Sum(a11)
            + TLanes.Sum(b0) + TLanes.Sum(b1) + TLanes.Sum(b2) + TLanes.Sum(b3) + TLanes.Sum(b4) + TLanes.Sum(b5)
            + TLanes.Sum(b6) + TLanes.Sum(b7) + TLanes.Sum(b8) + TLanes.Sum(b9) + TLanes.Sum(b10) + TLanes.Sum(b11));
        return 2.0 * 24.0 * rounds;
    }

    private static void Keep(double value) => Volatile.Write(ref _sink, value);

    /// <summary>One width of vector.</summary>
    private interface ILanes<TVector>
    {
        static abstract TVector Broadcast(double value);

        /// <summary>a·x + y, rounded once where the processor can.</summary>
        static abstract TVector MultiplyAdd(TVector a, TVector x, TVector y);

        static abstract double Sum(TVector vector);
    }

    private readonly struct Lanes512 : ILanes<Vector512<double>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> Broadcast(double value) => Vector512.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> MultiplyAdd(Vector512<double> a, Vector512<double> x, Vector512<double> y) =>
            Vector512.MultiplyAddEstimate(a, x, y);

        public static double Sum(Vector512<double> vector) => Vector512.Sum(vector);
    }

    private readonly struct Lanes256 : ILanes<Vector256<double>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<double> Broadcast(double value) => Vector256.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<double> MultiplyAdd(Vector256<double> a, Vector256<double> x, Vector256<double> y) =>
            Vector256.MultiplyAddEstimate(a, x, y);

        public static double Sum(Vector256<double> vector) => Vector256.Sum(vector);
    }

    private readonly struct Lanes128 : ILanes<Vector128<double>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<double> Broadcast(double value) => Vector128.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<double> MultiplyAdd(Vector128<double> a, Vector128<double> x, Vector128<double> y) =>
            Vector128.MultiplyAddEstimate(a, x, y);

        public static double Sum(Vector128<double> vector) => Vector128.Sum(vector);
    }
}
