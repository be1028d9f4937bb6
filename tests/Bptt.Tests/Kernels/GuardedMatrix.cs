// Matrices inside larger arrays, with a guard in every place that does not belong to them, so that a kernel that reads
// or writes there is found out.

using System.Runtime.InteropServices;
using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

/// <summary>A matrix somewhere inside a larger array, with guards before it, after it and between its
/// columns.</summary>
internal sealed class GuardedMatrix
{
    /// <summary>A signalling NaN. It spoils every result that it flows into, and any arithmetic on it, even an addition
    /// of zero whose result goes back to its place, makes it a quiet one, of other bits.</summary>
    public static readonly double Guard = BitConverter.Int64BitsToDouble(GuardBits);

    private const long GuardBits = 0x7FF4_0000_0BAD_CAFE;

    /// <summary>Guards after the last column: more than a register holds.</summary>
    private const int After = 16;

    private readonly double[] _array;
    private readonly double[,]? _entries;
    private readonly int _first;
    private readonly bool _isTransposed;

    /// <param name="rows">Rows, as read.</param>
    /// <param name="columns">Columns, as read.</param>
    /// <param name="entries">Its upper left part is the matrix; guards where null.</param>
    /// <param name="first">Guards before the first entry.</param>
    /// <param name="leadingDimension">Distance from one stored column to the next.</param>
    /// <param name="isTransposed">Whether stored columns are read as rows.</param>
    public GuardedMatrix(int rows, int columns, double[,]? entries, int first, int leadingDimension, bool isTransposed)
    {
        Rows = rows;
        Columns = columns;
        LeadingDimension = leadingDimension;
        _entries = entries;
        _first = first;
        _isTransposed = isTransposed;
        _array = new double[first + leadingDimension * StoredColumns + After];
        Array.Fill(_array, Guard);
        for (int j = 0; entries is not null && j < columns; j++)
        {
            for (int i = 0; i < rows; i++)
            {
                _array[Index(i, j)] = entries[i, j];
            }
        }
    }

    public int Rows { get; }

    public int Columns { get; }

    public int LeadingDimension { get; }

    public MatrixView View => _isTransposed
        ? new MatrixView(Stored, Columns, Rows, LeadingDimension).T
        : new MatrixView(Stored, Rows, Columns, LeadingDimension);

    public MatrixSpan Span => _isTransposed
        ? throw new InvalidOperationException("A matrix to write is never transposed.")
        : new MatrixSpan(Stored, Rows, Columns, LeadingDimension);

    public double this[int i, int j] => _array[Index(i, j)];

    private int StoredRows => _isTransposed ? Columns : Rows;

    private int StoredColumns => _isTransposed ? Rows : Columns;

    /// <summary>From the first entry to the last, and no further.</summary>
    private Span<double> Stored =>
        _array.AsSpan(_first, StoredColumns == 0 ? 0 : LeadingDimension * (StoredColumns - 1) + StoredRows);

    /// <summary>Puts guards in the place of the entries.</summary>
    public void Destroy() => Array.Fill(_array, Guard);

    public void AssertUnchanged(string where)
    {
        AssertUnchangedOutside(where);
        for (int j = 0; j < Columns; j++)
        {
            for (int i = 0; i < Rows; i++)
            {
                double before = _entries is null ? Guard : _entries[i, j];
                if (BitConverter.DoubleToInt64Bits(this[i, j]) != BitConverter.DoubleToInt64Bits(before))
                {
                    Assert.Fail($"{where}: entry ({i}, {j}) of an operand was changed from {before} to {this[i, j]}.");
                }
            }
        }
    }

    public void AssertUnchangedOutside(string where)
    {
        int end = _first;
        AssertGuards(0, end, where);
        for (int j = 0; j < StoredColumns; j++)
        {
            int start = _first + j * LeadingDimension;
            AssertGuards(end, start, where);
            end = start + StoredRows;
        }
        AssertGuards(end, _array.Length, where);
    }

    /// <summary>Whether a number is the guard itself, bit for bit.</summary>
    public static bool IsGuard(double value) => BitConverter.DoubleToInt64Bits(value) == GuardBits;

    private void AssertGuards(int start, int end, string where)
    {
        int found = Bits(_array)[start..end].IndexOfAnyExcept(GuardBits);
        if (found >= 0)
        {
            string place =
                $"{start + found - _first} doubles after its first entry (leading dimension {LeadingDimension})";
            Assert.Fail($"{where}: outside the matrix, {place}, {_array[start + found]} was written.");
        }
    }

    private int Index(int i, int j) => _first + (_isTransposed ? j + i * LeadingDimension : i + j * LeadingDimension);

    private static ReadOnlySpan<long> Bits(double[] values) => MemoryMarshal.Cast<double, long>(values);
}

/// <summary>Puts matrices at places in memory and with leading dimensions that follow from a seed.</summary>
internal sealed class GuardedMemory(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>The upper left part of <paramref name="entries"/>; nothing but guards where null.</summary>
    /// <param name="rows">Rows, as read.</param>
    /// <param name="columns">Columns, as read.</param>
    /// <param name="entries">At least as large.</param>
    /// <param name="isTransposed">Whether stored columns are read as rows.</param>
    /// <param name="leadingDimension">0 for a random one.</param>
    public GuardedMatrix Place(
        int rows, int columns, double[,]? entries, bool isTransposed = false, int leadingDimension = 0)
    {
        int gap = _random.Next(3) == 0 ? 0 : _random.Next(1, 11);
        return new GuardedMatrix(
            rows,
            columns,
            entries,
            _random.Next(16),
            leadingDimension > 0 ? leadingDimension : (isTransposed ? columns : rows) + gap,
            isTransposed);
    }

    /// <summary>Packs a matrix into storage that is too large, checks that nothing else was written and nothing in it
    /// left undefined, and destroys the original.</summary>
    public PackedMatrix Pack(KernelSet set, GuardedMatrix a, PackedFor uses, string where)
    {
        int first = _random.Next(16);
        int length = (int)set.PackedLength(a.Rows, a.Columns, uses);
        double[] array = new double[first + length + 2 * first + 16];
        Array.Fill(array, GuardedMatrix.Guard);

        PackedMatrix packed = set.Pack(a.View, uses, new ArraySegment<double>(array, first, array.Length - 2 * first));

        for (int i = 0; i < array.Length; i++)
        {
            if (GuardedMatrix.IsGuard(array[i]) == (i >= first && i < first + length))
            {
                Assert.Fail($"{where}: place {i - first} of storage for {length} packed numbers holds {array[i]}.");
            }
        }
        a.AssertUnchanged(where);
        a.Destroy();
        return packed;
    }
}
