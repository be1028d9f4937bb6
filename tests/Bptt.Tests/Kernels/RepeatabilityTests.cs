// The same operation gives the same bits wherever its operands lie in memory and whichever thread runs it.

using System.Runtime.InteropServices;
using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class RepeatabilityTests
{
    private const PackedFor Both = PackedFor.Columns | PackedFor.OneColumn;

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Results_do_not_depend_on_the_place_in_memory(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        var operations = new Operations(set, seed: 1600);
        double[] expected = operations.Run(offset: 0);
        for (int offset = 1; offset < 9; offset++)
        {
            AssertSameBits(operations.Run(offset), expected, $"{name}, all operands {offset} doubles further on");
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Results_do_not_depend_on_the_thread_nor_on_what_other_threads_do(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        Operations[] operations = [new(set, seed: 1700), new(set, seed: 1701), new(set, seed: 1702)];
        double[][] expected = Array.ConvertAll(operations, o => o.Run(offset: 0));
        var threads = new Thread[operations.Length];
        string?[] failures = new string?[operations.Length];
        using var start = new Barrier(threads.Length);
        for (int t = 0; t < threads.Length; t++)
        {
            int own = t;
            threads[t] = new Thread(() =>
            {
                start.SignalAndWait();
                for (int i = 0; i < 20; i++)
                {
                    double[] actual = operations[own].Run(offset: i % 8);
                    if (FirstDifference(actual, expected[own]) is int place and >= 0)
                    {
                        failures[own] ??= $"{name}, thread {own}, run {i}: place {place} differs.";
                    }
                }
            });
            threads[t].Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        failures.Should().OnlyContain(failure => failure == null);
    }

    private static void AssertSameBits(double[] actual, double[] expected, string where)
    {
        int place = FirstDifference(actual, expected);
        if (place >= 0)
        {
            Assert.Fail($"{where}: place {place} of the results is {actual[place]:R} in place of {expected[place]:R}.");
        }
    }

    private static int FirstDifference(double[] actual, double[] expected)
    {
        ReadOnlySpan<long> x = MemoryMarshal.Cast<double, long>(actual);
        ReadOnlySpan<long> y = MemoryMarshal.Cast<double, long>(expected);
        int same = x.CommonPrefixLength(y);
        return same == x.Length && same == y.Length ? -1 : same;
    }

    /// <summary>Every operation on the same random operands of a size with remainders in all directions.</summary>
    private sealed class Operations
    {
        private readonly KernelSet _set;
        private readonly int _h;
        private readonly int _columns;
        private readonly int _steps;
        private readonly double[] _a;
        private readonly double[] _b;
        private readonly double[] _d;

        public Operations(KernelSet set, int seed)
        {
            var random = new Random(seed);
            TileSize tile = KernelSets.TileOf(set);
            _set = set;
            _h = 2 * tile.Rows + 1 + random.Next(tile.Rows);
            _columns = tile.Columns + 1 + random.Next(tile.Columns);
            _steps = 3;
            _a = Numbers(_h * _h, random, 1.7 / Math.Sqrt(_h));
            _b = Numbers(_h * _columns, random, 1.0);
            _d = Numbers(_h * _columns * (_steps + 1), random, 1.0);
        }

        /// <summary>The results of all operations, one after the other.</summary>
        public double[] Run(int offset)
        {
            var a = new MatrixView(Place(_a, offset), _h, _h, _h);
            var b = new MatrixView(Place(_b, offset), _h, _columns, _h);
            var storage = new ArraySegment<double>(
                new double[offset + _set.PackedLength(_h, _h, Both)], offset, (int)_set.PackedLength(_h, _h, Both));
            PackedMatrix packed = _set.Pack(a, Both, storage);
            List<double> results = [];

            foreach (bool transpose in new[] { false, true })
            {
                MatrixSpan c = C(offset);
                _set.Multiply(transpose ? a.T : a, b, c);
                results.AddRange(c.Values);

                c = C(offset);
                _set.MultiplyAdd(transpose ? a.T : a, b, c);
                results.AddRange(c.Values);
            }
            MatrixSpan product = C(offset);
            _set.Multiply(packed, b, product);
            results.AddRange(product.Values);

            MatrixSpan sum = C(offset);
            _set.Step(packed, b, sum, sum);
            results.AddRange(sum.Values);

            Span<double> states = Place(_d, offset);
            _set.Advance(packed, states, new StepRun(First: 0, _columns, Spacing: 1, StepDistance: _columns, _steps));
            results.AddRange(states);

            states = Place(_d, offset);
            _set.Advance(packed, states, new StepRun(First: _steps, Count: 1, Spacing: 1, StepDistance: -1, _steps));
            results.AddRange(states);
            return [.. results];
        }

        private MatrixSpan C(int offset) => new(Place(_d, offset)[..(_h * _columns)], _h, _columns, _h);

        private static Span<double> Place(double[] values, int offset)
        {
            double[] array = new double[offset + values.Length];
            values.CopyTo(array, offset);
            return array.AsSpan(offset);
        }

        private static double[] Numbers(int count, Random random, double scale)
        {
            double[] numbers = new double[count];
            for (int i = 0; i < count; i++)
            {
                numbers[i] = scale * ProductProblem.Uniform(random);
            }
            return numbers;
        }
    }
}
