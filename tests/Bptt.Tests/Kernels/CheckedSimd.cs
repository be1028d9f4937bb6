// Registers that look up every place they are read from or written to. The fast kernels are generic over their
// registers, so this one shows what they do to memory, wherever the arrays happen to lie: a read past the end of an
// operand changes no result, and is seen here.

using System.Runtime.CompilerServices;
using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

[InlineArray(4)]
internal struct Lanes
{
    private double _first;
}

/// <summary>4 doubles to a register, with a tile as wide as any set has. Masks hold 1 in the places that count. Nothing
/// is inlined: the kernels would take long to compile.</summary>
internal readonly unsafe struct CheckedSimd : ISimd<double, Lanes>
{
    public static int Width => 4;

    public static int TileColumns => 8;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Lanes Load(double* from) => Load(from, First(Width));

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store(Lanes vector, double* to) => Store(vector, to, First(Width));

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Lanes First(int count) => Each(i => i < count ? 1.0 : 0.0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Lanes Load(double* from, Lanes mask)
    {
        var lanes = default(Lanes);
        for (int i = 0; i < Width; i++)
        {
            if (mask[i] == 1.0)
            {
                CheckedMemory.Current.AssertReadable(from + i);
                lanes[i] = from[i];
            }
        }
        return lanes;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store(Lanes vector, double* to, Lanes mask)
    {
        for (int i = 0; i < Width; i++)
        {
            if (mask[i] == 1.0)
            {
                CheckedMemory.Current.AssertWritable(to + i);
                to[i] = vector[i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Lanes Broadcast(double value) => Each(_ => value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Lanes Add(Lanes a, Lanes b) => Each(i => a[i] + b[i]);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Lanes MultiplyAdd(Lanes a, Lanes b, Lanes c) => Each(i => Math.FusedMultiplyAdd(a[i], b[i], c[i]));

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Lanes Flush(Lanes vector) =>
        Each(i => Math.Abs(vector[i]) < KernelSet.FlushThreshold ? 0.0 : vector[i]);

    private static Lanes Each(Func<int, double> value)
    {
        var lanes = default(Lanes);
        for (int i = 0; i < Width; i++)
        {
            lanes[i] = value(i);
        }
        return lanes;
    }
}

[Flags]
internal enum Access
{
    Read = 1,
    Write = 2,
}

/// <summary>The matrices that the operation of this thread may read and write.</summary>
internal sealed unsafe class CheckedMemory
{
    [ThreadStatic]
    private static CheckedMemory? _current;

    private readonly List<Region> _regions = [];
    private readonly Random _random;
    private readonly string _where;

    /// <summary>Takes the place of what this thread used before.</summary>
    public CheckedMemory(int seed, string where)
    {
        _random = new Random(seed);
        _where = where;
        _current = this;
    }

    public static CheckedMemory Current => _current ?? throw new InvalidOperationException("No memory is laid out.");

    /// <summary>Room for a matrix that does not move, with gaps between its columns.</summary>
    public MatrixSpan Place(int rows, int columns, Access access) =>
        Place(rows, columns, rows + _random.Next(3), access);

    public MatrixSpan Place(int rows, int columns, int leadingDimension, Access access)
    {
        double[] array = Flat(leadingDimension * columns);
        Allow(array, rows, columns, leadingDimension, access);
        return new MatrixSpan(array, rows, columns, leadingDimension);
    }

    /// <summary>Random numbers that do not move, and that nothing may be done to yet.</summary>
    public double[] Flat(int length)
    {
        double[] array = GC.AllocateArray<double>(length, pinned: true);
        foreach (ref double value in array.AsSpan())
        {
            value = ProductProblem.Uniform(_random);
        }
        return array;
    }

    public void Allow(Span<double> pinned, int rows, int columns, int leadingDimension, Access access)
    {
        fixed (double* start = pinned)
        {
            _regions.Add(new Region(start, rows, columns, leadingDimension, access));
        }
    }

    public void AssertReadable(double* place) => AssertAllowed(place, Access.Read);

    public void AssertWritable(double* place) => AssertAllowed(place, Access.Write);

    private void AssertAllowed(double* place, Access access)
    {
        foreach (Region region in _regions)
        {
            if (region.Access.HasFlag(access) && region.Contains(place))
            {
                return;
            }
        }
        throw new InvalidOperationException($"{_where}: {access} outside what the operation may use.");
    }

    private sealed class Region(double* start, int rows, int columns, int leadingDimension, Access access)
    {
        public Access Access => access;

        public bool Contains(double* place)
        {
            long index = place - start;
            return place >= start && index / leadingDimension < columns && index % leadingDimension < rows;
        }
    }
}
