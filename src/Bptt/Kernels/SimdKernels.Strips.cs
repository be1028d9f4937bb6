// Strips of the vector kernels: how a matrix is cut into strips of a few registers' height, copied into the order in
// which they are read, and taken over the columns of a product tile by tile.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bptt.Kernels;

internal sealed unsafe partial class SimdKernels<TReal, TSimd, TVector>
{
    /// <summary>Registers that hold a number of rows, the last perhaps not filled.</summary>
    private static int Registers(int rows) => (rows + TSimd.Width - 1) / TSimd.Width;

    /// <summary>The height of the next strip: 3 as long as no single register remains at the end.</summary>
    private static int StripRegisters(int remaining) => remaining is 3 or >= 5 ? 3 : Math.Min(2, remaining);

    /// <summary>The height of the next strip for a single column: the largest power of two up to 8.</summary>
    private static int OneColumnStripRegisters(int remaining) =>
        1 << Math.Min(3, BitOperations.Log2((uint)remaining));

    /// <summary>Rows in the last register of a strip, 0 where it is filled.</summary>
    private static int TailRows(int rows, int firstRow, int height) =>
        firstRow + height * TSimd.Width <= rows ? 0 : rows % TSimd.Width;

    /// <summary>All strips of a matrix, one behind the other.</summary>
    /// <param name="a">The matrix.</param>
    /// <param name="values">Its storage.</param>
    /// <param name="to">Receives the strips.</param>
    /// <param name="nextHeight">The height of the next strip, from the registers that remain.</param>
    /// <returns>Where the last strip ends.</returns>
    private static TReal* PackStrips(MatrixView<TReal> a, TReal* values, TReal* to, delegate*<int, int> nextHeight)
    {
        for (int r = 0; r < Registers(a.Rows);)
        {
            int height = nextHeight(Registers(a.Rows) - r);
            PackStrip(a, values, r * TSimd.Width, height * TSimd.Width, 0, a.Columns, to);
            to += height * TSimd.Width * a.Columns;
            r += height;
        }
        return to;
    }

    /// <summary>Columns <paramref name="firstColumn"/> … of a strip, column after column; zeros beyond the last
    /// row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackStrip(
        MatrixView<TReal> a, TReal* values, int firstRow, int height, int firstColumn, int columns, TReal* to)
    {
        int rows = Math.Min(height, a.Rows - firstRow);
        nint rowStride = a.RowStride;
        nint columnStride = a.ColumnStride;
        TReal* from = values + firstRow * rowStride + firstColumn * columnStride;
        if (rows < height)
        {
            new Span<TReal>(to, height * columns).Clear();
        }
        if (!a.IsTransposed)
        {
            int filled = rows - rows % TSimd.Width;
            for (int p = 0; p < columns; p++)
            {
                for (int i = 0; i < filled; i += TSimd.Width)
                {
                    TSimd.Store(TSimd.Load(from + i), to + i);
                }
                for (int i = filled; i < rows; i++)
                {
                    to[i] = from[i];
                }
                from += columnStride;
                to += height;
            }
            return;
        }
        // A cache line of each row at a time: rows lie so far apart that few of them stay in the first-level cache.
        int remaining = columns;
        for (; remaining >= 8; remaining -= 8)
        {
            TReal* to4 = to + 4 * (nint)height;
            TReal* row = from;
            for (int i = 0; i < rows; i++)
            {
                to[i] = row[0];
                to[i + height] = row[1];
                to[i + 2 * (nint)height] = row[2];
                to[i + 3 * (nint)height] = row[3];
                to4[i] = row[4];
                to4[i + height] = row[5];
                to4[i + 2 * (nint)height] = row[6];
                to4[i + 3 * (nint)height] = row[7];
                row += rowStride;
            }
            from += 8;
            to += 8 * (nint)height;
        }
        for (; remaining > 0; remaining--)
        {
            for (int i = 0; i < rows; i++)
            {
                to[i] = from[i * rowStride];
            }
            from++;
            to += height;
        }
    }

    /// <summary>A strip over all columns: full tiles, then one for what remains.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunStrip(int height, ref TileJob<TReal> job, int columns, bool flush)
    {
        switch (height)
        {
            case 3:
                RunStrip<N3>(ref job, columns, flush);
                break;
            case 2:
                RunStrip<N2>(ref job, columns, flush);
                break;
            default:
                RunStrip<N1>(ref job, columns, flush);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunStrip<TRows>(ref TileJob<TReal> job, int columns, bool flush)
        where TRows : struct, IConstant
    {
        int tiles = columns / TSimd.TileColumns;
        if (tiles > 0)
        {
            if (TSimd.TileColumns == 8)
            {
                RunTiles<TRows, N8>(ref job, tiles, flush);
            }
            else if (TSimd.TileColumns == 4)
            {
                RunTiles<TRows, N4>(ref job, tiles, flush);
            }
            else
            {
                RunTiles<TRows, N3>(ref job, tiles, flush);
            }
            nint done = tiles * TSimd.TileColumns;
            job.B += tiles * job.BTileStride;
            job.C += done * job.CStride;
            job.D = job.D == null ? null : job.D + done * job.DStride;
        }
        switch (columns % TSimd.TileColumns)
        {
            case 1:
                RunTiles<TRows, N1>(ref job, 1, flush);
                break;
            case 2:
                RunTiles<TRows, N2>(ref job, 1, flush);
                break;
            case 3:
                RunTiles<TRows, N3>(ref job, 1, flush);
                break;
            case 4:
                RunTiles<TRows, N4>(ref job, 1, flush);
                break;
            case 5:
                RunTiles<TRows, N5>(ref job, 1, flush);
                break;
            case 6:
                RunTiles<TRows, N6>(ref job, 1, flush);
                break;
            case 7:
                RunTiles<TRows, N7>(ref job, 1, flush);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTiles<TRows, TColumns>(ref TileJob<TReal> job, int tiles, bool flush)
        where TRows : struct, IConstant
        where TColumns : struct, IConstant
    {
        if (job.TailRows > 0)
        {
            if (flush)
            {
                TileKernel<TReal, TSimd, TVector>.Run<TRows, TColumns, N1, N1>(in job, tiles);
            }
            else
            {
                TileKernel<TReal, TSimd, TVector>.Run<TRows, TColumns, N1, N0>(in job, tiles);
            }
        }
        else if (flush)
        {
            TileKernel<TReal, TSimd, TVector>.Run<TRows, TColumns, N0, N1>(in job, tiles);
        }
        else
        {
            TileKernel<TReal, TSimd, TVector>.Run<TRows, TColumns, N0, N0>(in job, tiles);
        }
    }
}
