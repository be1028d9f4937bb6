// The product of a matrix and one vector, for steps that carry a single sequence. It is bound by how fast A can be
// read: every entry is used once.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bptt.Kernels;

/// <summary>
/// c ← A b + c for a strip of A, BLAS <c>gemv</c>. The strip is stored column by column without gaps and is
/// 8, 4, 2 or 1 registers high; a lower strip takes 1, 2, 4 or 8 of its columns at a time, so that eight accumulators
/// are always under way and no sum waits for the one before.
/// </summary>
internal static unsafe class VectorKernel<TReal, TSimd, TVector>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    where TSimd : struct, ISimd<TReal, TVector>
    where TVector : struct
{
    /// <typeparam name="TRows">Registers of the strip: 8, 4, 2 or 1.</typeparam>
    /// <param name="depth">Columns of A, entries of b.</param>
    /// <param name="a">The strip.</param>
    /// <param name="b">b.</param>
    /// <param name="c">The part of c that belongs to the strip.</param>
    /// <param name="tailRows">Rows in the last register; 0 where all of them are filled.</param>
    /// <remarks>Results below <see cref="KernelSet{TReal}.FlushThreshold"/> in magnitude become zero.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(int depth, TReal* a, TReal* b, TReal* c, int tailRows)
        where TRows : struct, IConstant
    {
        TVector tail = TSimd.First(tailRows);
        TVector c0 = Load<TRows>(c, 0, tailRows, tail);
        TVector c1 = Load<TRows>(c, 1, tailRows, tail);
        TVector c2 = Load<TRows>(c, 2, tailRows, tail);
        TVector c3 = Load<TRows>(c, 3, tailRows, tail);
        TVector c4 = Load<TRows>(c, 4, tailRows, tail);
        TVector c5 = Load<TRows>(c, 5, tailRows, tail);
        TVector c6 = Load<TRows>(c, 6, tailRows, tail);
        TVector c7 = Load<TRows>(c, 7, tailRows, tail);

        // c_i stands for register i % rows of the strip and every (8 / rows)th of its columns.
        int columns = 8 / TRows.Value;
        int p = depth;
        for (; p >= columns; p -= columns)
        {
            c0 = TSimd.MultiplyAdd(TSimd.Load(a), TSimd.Broadcast(b[0 / TRows.Value]), c0);
            c1 = TSimd.MultiplyAdd(TSimd.Load(a + TSimd.Width), TSimd.Broadcast(b[1 / TRows.Value]), c1);
            c2 = TSimd.MultiplyAdd(TSimd.Load(a + 2 * TSimd.Width), TSimd.Broadcast(b[2 / TRows.Value]), c2);
            c3 = TSimd.MultiplyAdd(TSimd.Load(a + 3 * TSimd.Width), TSimd.Broadcast(b[3 / TRows.Value]), c3);
            c4 = TSimd.MultiplyAdd(TSimd.Load(a + 4 * TSimd.Width), TSimd.Broadcast(b[4 / TRows.Value]), c4);
            c5 = TSimd.MultiplyAdd(TSimd.Load(a + 5 * TSimd.Width), TSimd.Broadcast(b[5 / TRows.Value]), c5);
            c6 = TSimd.MultiplyAdd(TSimd.Load(a + 6 * TSimd.Width), TSimd.Broadcast(b[6 / TRows.Value]), c6);
            c7 = TSimd.MultiplyAdd(TSimd.Load(a + 7 * TSimd.Width), TSimd.Broadcast(b[7 / TRows.Value]), c7);
            a += 8 * TSimd.Width;
            b += columns;
        }
        for (; p > 0; p--)
        {
            TVector x = TSimd.Broadcast(*b);
            c0 = TSimd.MultiplyAdd(TSimd.Load(a), x, c0);
            if (TRows.Value > 1)
            {
                c1 = TSimd.MultiplyAdd(TSimd.Load(a + TSimd.Width), x, c1);
            }
            if (TRows.Value > 2)
            {
                c2 = TSimd.MultiplyAdd(TSimd.Load(a + 2 * TSimd.Width), x, c2);
            }
            if (TRows.Value > 3)
            {
                c3 = TSimd.MultiplyAdd(TSimd.Load(a + 3 * TSimd.Width), x, c3);
            }
            a += TRows.Value * TSimd.Width;
            b++;
        }

        if (TRows.Value == 1)
        {
            c0 = TSimd.Add(TSimd.Add(c0, c4), TSimd.Add(c2, c6));
            c1 = TSimd.Add(TSimd.Add(c1, c5), TSimd.Add(c3, c7));
            c0 = TSimd.Add(c0, c1);
        }
        if (TRows.Value == 2)
        {
            c0 = TSimd.Add(TSimd.Add(c0, c4), TSimd.Add(c2, c6));
            c1 = TSimd.Add(TSimd.Add(c1, c5), TSimd.Add(c3, c7));
        }
        if (TRows.Value == 4)
        {
            c0 = TSimd.Add(c0, c4);
            c1 = TSimd.Add(c1, c5);
            c2 = TSimd.Add(c2, c6);
            c3 = TSimd.Add(c3, c7);
        }

        Store<TRows>(c0, c, 0, tailRows, tail);
        if (TRows.Value > 1)
        {
            Store<TRows>(c1, c, 1, tailRows, tail);
        }
        if (TRows.Value > 2)
        {
            Store<TRows>(c2, c, 2, tailRows, tail);
        }
        if (TRows.Value > 3)
        {
            Store<TRows>(c3, c, 3, tailRows, tail);
        }
        if (TRows.Value > 4)
        {
            Store<TRows>(c4, c, 4, tailRows, tail);
        }
        if (TRows.Value > 5)
        {
            Store<TRows>(c5, c, 5, tailRows, tail);
        }
        if (TRows.Value > 6)
        {
            Store<TRows>(c6, c, 6, tailRows, tail);
        }
        if (TRows.Value > 7)
        {
            Store<TRows>(c7, c, 7, tailRows, tail);
        }
    }

    /// <summary>Register <paramref name="index"/> of c; zero for the accumulators of further columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load<TRows>(TReal* c, int index, int tailRows, TVector tail)
        where TRows : struct, IConstant
    {
        if (index >= TRows.Value)
        {
            return default;
        }
        return index == TRows.Value - 1 && tailRows > 0
            ? TSimd.Load(c + index * TSimd.Width, tail)
            : TSimd.Load(c + index * TSimd.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TRows>(TVector vector, TReal* c, int index, int tailRows, TVector tail)
        where TRows : struct, IConstant
    {
        vector = TSimd.Flush(vector);
        if (index == TRows.Value - 1 && tailRows > 0)
        {
            TSimd.Store(vector, c + index * TSimd.Width, tail);
        }
        else
        {
            TSimd.Store(vector, c + index * TSimd.Width);
        }
    }
}
