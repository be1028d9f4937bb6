// The register tile: up to 3 registers by 8 columns of C held in registers while a strip of A and one of B pass by.
// This is where the matrix products of the engine spend their time.
//
//   c0j c1j c2j   the three registers of column j of the tile

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Bptt.Kernels;

/// <summary>What a tile is to compute: C = A B + D for a strip of A that is up to three registers high. All distances
/// are in numbers.</summary>
internal unsafe struct TileJob<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Columns of A, rows of B.</summary>
    public int Depth;

    /// <summary>The strip of A: its rows lie side by side.</summary>
    public TReal* A;

    /// <summary>From one column of A to the next.</summary>
    public nint AStride;

    public TReal* B;

    /// <summary>From one row of B to the next.</summary>
    public nint BRowStride;

    /// <summary>From one column of B to the next, within a tile.</summary>
    public nint BColumnStride;

    /// <summary>From one tile of B to the next.</summary>
    public nint BTileStride;

    /// <summary>The addend, which may be C itself; null for zero.</summary>
    public TReal* D;

    public nint DStride;

    public TReal* C;

    public nint CStride;

    /// <summary>Rows in the last register where it is a
    /// <see cref="TileKernel{TReal, TSimd, TVector}">tail</see>.</summary>
    public int TailRows;
}

/// <summary>
/// C = A B + D, BLAS <c>gemm</c>, for a strip of A: the inner kernel of Goto and van de Geijn, "Anatomy of
/// high-performance matrix multiplication" (2008). For each column of A it takes 1 … 3 loads and as many broadcasts as
/// the tile has columns, and adds their product in fused multiply-adds where there are any.
/// </summary>
internal static unsafe class TileKernel<TReal, TSimd, TVector>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    where TSimd : struct, ISimd<TReal, TVector>
    where TVector : struct
{
    /// <summary>Runs over <paramref name="tiles"/> tiles side by side.</summary>
    /// <typeparam name="TRows">Registers to a column, 1 … 3.</typeparam>
    /// <typeparam name="TColumns">Columns of a tile, 1 … 8.</typeparam>
    /// <typeparam name="TTail">1 where the last register is only partly filled, 0 where not.</typeparam>
    /// <typeparam name="TFlush">1 where tiny results become zero, 0 where not.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows, TColumns, TTail, TFlush>(in TileJob<TReal> job, int tiles)
        where TRows : struct, IConstant
        where TColumns : struct, IConstant
        where TTail : struct, IConstant
        where TFlush : struct, IConstant
    {
        nint aStride = job.AStride;
        nint bRow = job.BRowStride;
        nint bColumn = job.BColumnStride;
        nint bThreeColumns = 3 * bColumn;
        nint nextTile = job.BTileStride;
        TVector tail = TTail.Value == 1 ? TSimd.First(job.TailRows) : default;
        TReal* b = job.B;
        TReal* c = job.C;
        TReal* d = job.D;
        for (; tiles > 0; tiles--)
        {
            TVector c00 = default, c10 = default, c20 = default;
            TVector c01 = default, c11 = default, c21 = default;
            TVector c02 = default, c12 = default, c22 = default;
            TVector c03 = default, c13 = default, c23 = default;
            TVector c04 = default, c14 = default, c24 = default;
            TVector c05 = default, c15 = default, c25 = default;
            TVector c06 = default, c16 = default, c26 = default;
            TVector c07 = default, c17 = default, c27 = default;
            if (d != null)
            {
                Load<TRows, TTail>(d, tail, ref c00, ref c10, ref c20);
                if (TColumns.Value > 1)
                {
                    Load<TRows, TTail>(d + 1 * job.DStride, tail, ref c01, ref c11, ref c21);
                }
                if (TColumns.Value > 2)
                {
                    Load<TRows, TTail>(d + 2 * job.DStride, tail, ref c02, ref c12, ref c22);
                }
                if (TColumns.Value > 3)
                {
                    Load<TRows, TTail>(d + 3 * job.DStride, tail, ref c03, ref c13, ref c23);
                }
                if (TColumns.Value > 4)
                {
                    Load<TRows, TTail>(d + 4 * job.DStride, tail, ref c04, ref c14, ref c24);
                }
                if (TColumns.Value > 5)
                {
                    Load<TRows, TTail>(d + 5 * job.DStride, tail, ref c05, ref c15, ref c25);
                }
                if (TColumns.Value > 6)
                {
                    Load<TRows, TTail>(d + 6 * job.DStride, tail, ref c06, ref c16, ref c26);
                }
                if (TColumns.Value > 7)
                {
                    Load<TRows, TTail>(d + 7 * job.DStride, tail, ref c07, ref c17, ref c27);
                }
                d += TColumns.Value * job.DStride;
                Prefetch<TRows, TColumns>(d, job.DStride);
            }

            TReal* a = job.A;
            TReal* b0 = b;
            TReal* b4 = b + 4 * bColumn;
            for (int p = job.Depth; p > 0; p--)
            {
                TVector a0 = default, a1 = default, a2 = default;
                Load<TRows, TTail>(a, tail, ref a0, ref a1, ref a2);
                AddProduct<TRows>(a0, a1, a2, b0[0], ref c00, ref c10, ref c20);
                if (TColumns.Value > 1)
                {
                    AddProduct<TRows>(a0, a1, a2, b0[bColumn], ref c01, ref c11, ref c21);
                }
                if (TColumns.Value > 2)
                {
                    AddProduct<TRows>(a0, a1, a2, b0[2 * bColumn], ref c02, ref c12, ref c22);
                }
                if (TColumns.Value > 3)
                {
                    AddProduct<TRows>(a0, a1, a2, b0[bThreeColumns], ref c03, ref c13, ref c23);
                }
                if (TColumns.Value > 4)
                {
                    AddProduct<TRows>(a0, a1, a2, b4[0], ref c04, ref c14, ref c24);
                }
                if (TColumns.Value > 5)
                {
                    AddProduct<TRows>(a0, a1, a2, b4[bColumn], ref c05, ref c15, ref c25);
                }
                if (TColumns.Value > 6)
                {
                    AddProduct<TRows>(a0, a1, a2, b4[2 * bColumn], ref c06, ref c16, ref c26);
                }
                if (TColumns.Value > 7)
                {
                    AddProduct<TRows>(a0, a1, a2, b4[bThreeColumns], ref c07, ref c17, ref c27);
                }
                Prefetch(b0 + nextTile);
                a += aStride;
                b0 += bRow;
                b4 += bRow;
            }

            Store<TRows, TTail, TFlush>(c00, c10, c20, c, tail);
            if (TColumns.Value > 1)
            {
                Store<TRows, TTail, TFlush>(c01, c11, c21, c + 1 * job.CStride, tail);
            }
            if (TColumns.Value > 2)
            {
                Store<TRows, TTail, TFlush>(c02, c12, c22, c + 2 * job.CStride, tail);
            }
            if (TColumns.Value > 3)
            {
                Store<TRows, TTail, TFlush>(c03, c13, c23, c + 3 * job.CStride, tail);
            }
            if (TColumns.Value > 4)
            {
                Store<TRows, TTail, TFlush>(c04, c14, c24, c + 4 * job.CStride, tail);
            }
            if (TColumns.Value > 5)
            {
                Store<TRows, TTail, TFlush>(c05, c15, c25, c + 5 * job.CStride, tail);
            }
            if (TColumns.Value > 6)
            {
                Store<TRows, TTail, TFlush>(c06, c16, c26, c + 6 * job.CStride, tail);
            }
            if (TColumns.Value > 7)
            {
                Store<TRows, TTail, TFlush>(c07, c17, c27, c + 7 * job.CStride, tail);
            }
            b += nextTile;
            c += TColumns.Value * job.CStride;
        }
    }

    /// <summary>Asks for a line of memory that will be read soon. The lines of a tile lie far apart where B is
    /// transposed and in C, and no processor guesses them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(TReal* from)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(from);
        }
    }

    /// <summary>Asks for the lines of a whole tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<TRows, TColumns>(TReal* from, nint stride)
        where TRows : struct, IConstant
        where TColumns : struct, IConstant
    {
        for (int j = 0; j < TColumns.Value; j++)
        {
            Prefetch(from);
            if (TRows.Value > 1)
            {
                Prefetch(from + TSimd.Width);
            }
            if (TRows.Value > 2)
            {
                Prefetch(from + 2 * TSimd.Width);
            }
            from += stride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProduct<TRows>(
        TVector a0, TVector a1, TVector a2, TReal b, ref TVector c0, ref TVector c1, ref TVector c2)
        where TRows : struct, IConstant
    {
        TVector x = TSimd.Broadcast(b);
        c0 = TSimd.MultiplyAdd(a0, x, c0);
        if (TRows.Value > 1)
        {
            c1 = TSimd.MultiplyAdd(a1, x, c1);
        }
        if (TRows.Value > 2)
        {
            c2 = TSimd.MultiplyAdd(a2, x, c2);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<TRows, TTail>(
        TReal* from, TVector tail, ref TVector v0, ref TVector v1, ref TVector v2)
        where TRows : struct, IConstant
        where TTail : struct, IConstant
    {
        v0 = TTail.Value == 1 && TRows.Value == 1 ? TSimd.Load(from, tail) : TSimd.Load(from);
        if (TRows.Value > 1)
        {
            v1 = TTail.Value == 1 && TRows.Value == 2
                ? TSimd.Load(from + TSimd.Width, tail)
                : TSimd.Load(from + TSimd.Width);
        }
        if (TRows.Value > 2)
        {
            v2 = TTail.Value == 1 ? TSimd.Load(from + 2 * TSimd.Width, tail) : TSimd.Load(from + 2 * TSimd.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TRows, TTail, TFlush>(TVector v0, TVector v1, TVector v2, TReal* to, TVector tail)
        where TRows : struct, IConstant
        where TTail : struct, IConstant
        where TFlush : struct, IConstant
    {
        StoreOne<TFlush>(v0, to, TTail.Value == 1 && TRows.Value == 1, tail);
        if (TRows.Value > 1)
        {
            StoreOne<TFlush>(v1, to + TSimd.Width, TTail.Value == 1 && TRows.Value == 2, tail);
        }
        if (TRows.Value > 2)
        {
            StoreOne<TFlush>(v2, to + 2 * TSimd.Width, TTail.Value == 1, tail);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreOne<TFlush>(TVector vector, TReal* to, bool isTail, TVector tail)
        where TFlush : struct, IConstant
    {
        if (TFlush.Value == 1)
        {
            vector = TSimd.Flush(vector);
        }
        if (isTail)
        {
            TSimd.Store(vector, to, tail);
        }
        else
        {
            TSimd.Store(vector, to);
        }
    }
}
