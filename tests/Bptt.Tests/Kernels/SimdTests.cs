// The vector instructions one by one, at every width that the machine has.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public unsafe class SimdTests
{
    [Theory]
    [MemberData(nameof(KernelSets.Vectorized), MemberType = typeof(KernelSets))]
    public void Masks_read_and_write_the_first_places_and_no_others(string name) => Run(name, new Masks());

    [Theory]
    [MemberData(nameof(KernelSets.Vectorized), MemberType = typeof(KernelSets))]
    public void Whole_registers_are_read_written_and_filled(string name) => Run(name, new WholeRegisters());

    [Theory]
    [MemberData(nameof(KernelSets.Vectorized), MemberType = typeof(KernelSets))]
    public void Arithmetic_goes_place_by_place_and_rounds_once_where_it_is_fused(string name) =>
        Run(name, new Arithmetic(isFused: name != "Vector128Unfused"));

    private interface ICheck
    {
        void Run<TSimd, TVector>()
            where TSimd : struct, ISimd<double, TVector>
            where TVector : struct;
    }

    private static void Run(string name, ICheck check)
    {
        switch (name)
        {
            case "Vector512":
                check.Run<Simd512<double>, Vector512<double>>();
                break;
            case "Vector256":
                check.Run<Simd256<double>, Vector256<double>>();
                break;
            case "Vector128":
                check.Run<Simd128<double>, Vector128<double>>();
                break;
            case "Vector128Unfused":
                check.Run<Simd128Unfused<double>, Vector128<double>>();
                break;
            default:
                Assert.Fail($"No register is known for the set {name}.");
                break;
        }
    }

    private sealed class Masks : ICheck
    {
        public void Run<TSimd, TVector>()
            where TSimd : struct, ISimd<double, TVector>
            where TVector : struct
        {
            for (int count = 1; count < TSimd.Width; count++)
            {
                double[] from = Filled(TSimd.Width);
                from.AsSpan(count).Fill(GuardedMatrix.Guard);
                double[] to = new double[TSimd.Width];
                fixed (double* source = from, target = to)
                {
                    TSimd.Store(TSimd.Load(source, TSimd.First(count)), target);
                }
                to.Should().Equal(Enumerable.Range(0, TSimd.Width).Select(i => i < count ? i + 1.0 : 0.0));

                from = Filled(TSimd.Width);
                Array.Fill(to, -1.0);
                fixed (double* source = from, target = to)
                {
                    TSimd.Store(TSimd.Load(source), target, TSimd.First(count));
                }
                to.Should().Equal(Enumerable.Range(0, TSimd.Width).Select(i => i < count ? i + 1.0 : -1.0));
            }
        }
    }

    private sealed class WholeRegisters : ICheck
    {
        public void Run<TSimd, TVector>()
            where TSimd : struct, ISimd<double, TVector>
            where TVector : struct
        {
            double[] from = Filled(TSimd.Width);
            double[] to = new double[TSimd.Width];
            Unsafe.SizeOf<TVector>().Should().Be(TSimd.Width * sizeof(double));
            fixed (double* source = from, target = to)
            {
                TSimd.Store(TSimd.Load(source), target);
                to.Should().Equal(from);
                TSimd.Store(TSimd.Broadcast(-2.5), target);
                to.Should().OnlyContain(value => value == -2.5);
            }
        }
    }

    private sealed class Arithmetic(bool isFused) : ICheck
    {
        public void Run<TSimd, TVector>()
            where TSimd : struct, ISimd<double, TVector>
            where TVector : struct
        {
            double[] x = Filled(TSimd.Width);
            double[] to = new double[TSimd.Width];
            double nearOne = 1.0 + Math.ScaleB(1.0, -30);
            fixed (double* source = x, target = to)
            {
                TSimd.Store(TSimd.Add(TSimd.Load(source), TSimd.Broadcast(0.5)), target);
                to.Should().Equal(x.Select(value => value + 0.5));

                TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(source), TSimd.Broadcast(3.0), TSimd.Broadcast(-1.0)), target);
                to.Should().Equal(x.Select(value => 3.0 * value - 1.0));

                // (1 + ε)² − (1 + 2ε) = ε², which two roundings would lose.
                TSimd.Store(
                    TSimd.MultiplyAdd(
                        TSimd.Broadcast(nearOne),
                        TSimd.Broadcast(nearOne),
                        TSimd.Broadcast(-1.0 - Math.ScaleB(1.0, -29))),
                    target);
                to.Should().OnlyContain(value => value == (isFused ? Math.ScaleB(1.0, -60) : 0.0));
            }
        }
    }

    /// <summary>1, 2, 3, …</summary>
    private static double[] Filled(int length) => [.. Enumerable.Range(1, length).Select(i => (double)i)];
}
