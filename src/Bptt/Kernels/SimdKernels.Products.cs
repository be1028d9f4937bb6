// Products of two matrices as they lie, for the vector kernels: the weight gradients D Xᵀ, D H₋₁ᵀ and G Hᵀ above all.
// Where memory would be read in leaps, both sides are copied first, a block at a time, into the order in which the
// tiles read them: the blocked product of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
// (2008). The sums are the same with and without copies, to the last bit.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Bptt.Kernels;

internal sealed unsafe partial class SimdKernels<TReal, TSimd, TVector>
{
    /// <summary>Columns of A, rows of B, that are taken at a time: a strip of them stays in the first-level
    /// cache.</summary>
    private const int UnpackedDepth = 256;

    /// <summary>Bytes of a block of A or of B: a quarter of a second-level cache of one megabyte.</summary>
    private const int BlockBytes = 256 * 1024;

    /// <summary>Columns of A, rows of B, that are copied side by side: memory is read along each of them, and written
    /// some cache lines at a time.</summary>
    private const int CopiedAbreast = 8;

    [ThreadStatic]
    private static TReal[]? _left;

    [ThreadStatic]
    private static TReal[]? _right;

    private enum Accumulate
    {
        No,
        Yes,
    }

    /// <summary>Rows of a strip.</summary>
    private static int StripRows => 3 * TSimd.Width;

    /// <summary>The most rows of a block of A: whole strips.</summary>
    private static int MaxBlockRows => BlockBytes / (sizeof(TReal) * UnpackedDepth * StripRows) * StripRows;

    /// <summary>The most columns of a block of B: whole tiles.</summary>
    private static int MaxBlockColumns =>
        BlockBytes / (sizeof(TReal) * UnpackedDepth * TSimd.TileColumns) * TSimd.TileColumns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product(MatrixView<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c, Accumulate accumulate)
    {
        Debug.Assert(a.Columns == b.Rows && a.Rows == c.Rows && b.Columns == c.Columns, "Shapes do not fit.");
        bool copyLeft = CopyLeftPays(a, b);
        bool copyRight = CopyRightPays(a, b);
        int blockRows = copyLeft ? EvenBlock(a.Rows, MaxBlockRows, StripRows) : Math.Max(1, a.Rows);
        int blockColumns =
            copyRight ? EvenBlock(b.Columns, MaxBlockColumns, TSimd.TileColumns) : Math.Max(1, b.Columns);
        fixed (TReal* pa = a.Values)
        fixed (TReal* pb = b.Values)
        fixed (TReal* pc = c.Values)
        fixed (TReal* left = copyLeft ? Scratch(ref _left, MaxBlockRows * UnpackedDepth) : default)
        fixed (TReal* right = copyRight ? Scratch(ref _right, MaxBlockColumns * UnpackedDepth) : default)
        {
            var job = new TileJob<TReal>
            {
                AStride = a.LeadingDimension,
                BRowStride = copyRight ? TSimd.TileColumns : b.RowStride,
                BColumnStride = copyRight ? 1 : b.ColumnStride,
                CStride = c.LeadingDimension,
                DStride = c.LeadingDimension,
            };
            int done = 0;
            do
            {
                job.Depth = Math.Min(UnpackedDepth, a.Columns - done);
                job.BTileStride = TSimd.TileColumns * (copyRight ? job.Depth : (nint)b.ColumnStride);
                bool adds = accumulate == Accumulate.Yes || done > 0;
                for (int row = 0; row < c.Rows; row += blockRows)
                {
                    int rows = Math.Min(blockRows, c.Rows - row);
                    job.A = pa + row + done * (nint)a.LeadingDimension; // not read where it is copied
                    if (copyLeft)
                    {
                        CopyLeft(a, pa, row, rows, done, job.Depth, left);
                        job.A = left;
                    }
                    for (int column = 0; column < c.Columns; column += blockColumns)
                    {
                        int columns = Math.Min(blockColumns, c.Columns - column);
                        job.B = pb + done * (nint)b.RowStride + column * (nint)b.ColumnStride;
                        if (copyRight)
                        {
                            CopyRight(job.B, b.RowStride, job.Depth, columns, right);
                            job.B = right;
                        }
                        job.C = pc + row + column * (nint)c.LeadingDimension;
                        job.D = adds ? job.C : null;
                        RunStrips(job, copyLeft, rows, columns);
                    }
                }
                done += job.Depth;
            }
            while (done < a.Columns);
        }
    }

    /// <summary>A transposed A has to be copied. Another one, from some kilobytes between its columns on, falls on so
    /// few sets of the first-level cache that a copy pays where many columns of C use it.</summary>
    private static bool CopyLeftPays(MatrixView<TReal> a, MatrixView<TReal> b) =>
        a.IsTransposed || (a.LeadingDimension * sizeof(TReal) >= 2048 && b.Columns >= 64);

    /// <summary>Each row of a transposed B lies in cache lines of its own, which every strip fetches anew for every
    /// tile. A copy costs about as much as one strip does.</summary>
    private static bool CopyRightPays(MatrixView<TReal> a, MatrixView<TReal> b) =>
        b.IsTransposed && b.LeadingDimension * sizeof(TReal) >= 512 && b.Columns >= 64 && a.Rows > StripRows;

    /// <summary>Rows or columns of a block, so that all are about as large and no thin one is left over.</summary>
    private static int EvenBlock(int count, int most, int multiple)
    {
        int blocks = Math.Max(1, (count + most - 1) / most);
        int even = (count + blocks - 1) / blocks;
        return Math.Max(multiple, (even + multiple - 1) / multiple * multiple);
    }

    /// <summary>A product strip by strip; the job says where the first one lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunStrips(TileJob<TReal> first, bool areCopied, int rows, int columns)
    {
        for (int r = 0; r < Registers(rows);)
        {
            int height = StripRegisters(Registers(rows) - r);
            nint row = r * TSimd.Width;
            TileJob<TReal> job = first;
            job.A += areCopied ? row * job.Depth : row;
            job.AStride = areCopied ? height * TSimd.Width : first.AStride;
            job.C += row;
            job.D = first.D == null ? null : first.D + row;
            job.TailRows = TailRows(rows, r * TSimd.Width, height);
            RunStrip(height, ref job, columns, flush: false);
            r += height;
        }
    }

    /// <summary>Copies a block of A strip by strip, zeros beyond the last row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyLeft(
        MatrixView<TReal> a, TReal* values, int firstRow, int rows, int firstColumn, int columns, TReal* to)
    {
        int r = 0; // registers that are done
        if (!a.IsTransposed)
        {
            int strips = 0;
            while (StripRegisters(Registers(rows) - 3 * strips) == 3 && (strips + 1) * StripRows <= rows)
            {
                strips++;
            }
            CopyWholeStrips(
                values + firstRow + firstColumn * (nint)a.LeadingDimension, a.LeadingDimension, strips, columns, to);
            r = 3 * strips;
        }
        while (r < Registers(rows))
        {
            int height = StripRegisters(Registers(rows) - r);
            int row = r * TSimd.Width;
            PackStrip(a, values, firstRow + row, height * TSimd.Width, firstColumn, columns, to + row * (nint)columns);
            r += height;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyWholeStrips(TReal* from, nint stride, int strips, int columns, TReal* to)
    {
        for (int p = 0; p < columns; p += CopiedAbreast)
        {
            int abreast = Math.Min(CopiedAbreast, columns - p);
            for (int i = 0; i < strips; i++)
            {
                TReal* column = from + p * stride + i * StripRows;
                TReal* next = to + (i * (nint)columns + p) * StripRows;
                for (int j = 0; j < abreast; j++)
                {
                    TileKernel<TReal, TSimd, TVector>.Prefetch(column + CopiedAbreast * stride);
                    TileKernel<TReal, TSimd, TVector>.Prefetch(column + CopiedAbreast * stride + 2 * TSimd.Width);
                    TSimd.Store(TSimd.Load(column), next);
                    TSimd.Store(TSimd.Load(column + TSimd.Width), next + TSimd.Width);
                    TSimd.Store(TSimd.Load(column + 2 * TSimd.Width), next + 2 * TSimd.Width);
                    column += stride;
                    next += StripRows;
                }
            }
        }
    }

    /// <summary>Copies a block of a transposed B tile by tile, and row by row within a tile; the last tile takes as
    /// much room as the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRight(TReal* from, nint rowStride, int rows, int columns, TReal* to)
    {
        nint tile = TSimd.TileColumns * (nint)rows;
        int tiles = columns / TSimd.TileColumns;
        int rest = columns % TSimd.TileColumns;
        for (int p = 0; p < rows; p += CopiedAbreast)
        {
            int abreast = Math.Min(CopiedAbreast, rows - p);
            TReal* next = to + p * TSimd.TileColumns;
            for (int i = 0; i < tiles; i++)
            {
                TReal* row = from + i * TSimd.TileColumns;
                for (int j = 0; j < abreast; j++)
                {
                    TileKernel<TReal, TSimd, TVector>.Prefetch(row + CopiedAbreast * rowStride);
                    CopyTileRow(row, next + j * TSimd.TileColumns);
                    row += rowStride;
                }
                next += tile;
            }
            for (int j = 0; j < abreast; j++)
            {
                for (int i = 0; i < rest; i++)
                {
                    next[j * TSimd.TileColumns + i] = from[j * rowStride + tiles * TSimd.TileColumns + i];
                }
            }
            from += CopiedAbreast * rowStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyTileRow(TReal* from, TReal* to)
    {
        switch (TSimd.TileColumns * sizeof(TReal))
        {
            case 64:
                Vector512.Load(from).Store(to);
                break;
            case 32:
                Vector256.Load(from).Store(to);
                break;
            case 16:
                Vector128.Load(from).Store(to);
                break;
            default:
                for (int j = 0; j < TSimd.TileColumns; j++)
                {
                    to[j] = from[j];
                }
                break;
        }
    }

    private static Span<TReal> Scratch(ref TReal[]? array, int length)
    {
        array ??= GC.AllocateUninitializedArray<TReal>(length + AlignedMemory.Slack<TReal>(), pinned: true);
        return AlignedMemory.Align(array, length);
    }
}
