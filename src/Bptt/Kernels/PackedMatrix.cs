// A matrix that a kernel set has laid out to be the left side of many products.

using System.Numerics;

namespace Bptt.Kernels;

/// <summary>Which products a packed matrix serves.</summary>
[Flags]
internal enum PackedFor
{
    /// <summary>Products with several columns at once.</summary>
    Columns = 1,

    /// <summary>Steps that carry a single column.</summary>
    OneColumn = 2,
}

/// <summary>A copy of a matrix in an order that only the kernel set that made it knows.</summary>
internal readonly struct PackedMatrix<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public PackedMatrix(int rows, int columns, PackedFor uses, ArraySegment<TReal> values, int oneColumnOffset)
    {
        Rows = rows;
        Columns = columns;
        Uses = uses;
        Values = values;
        OneColumnOffset = oneColumnOffset;
    }

    public int Rows { get; }

    public int Columns { get; }

    public PackedFor Uses { get; }

    /// <summary>The storage: the form for several columns, and from <see cref="OneColumnOffset"/> on that for
    /// one.</summary>
    public ArraySegment<TReal> Values { get; }

    public int OneColumnOffset { get; }
}
