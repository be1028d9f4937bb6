// Flat tensors to and from packed columns. Copies and converts, checks nothing.
//
//   B  sequences      T  steps of the longest      d  features: rows of a column

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Edge;

/// <summary>Columns in the orders in which machine-learning code holds them.</summary>
internal static class TensorCopy
{
    /// <summary>Steps that are copied of one sequence after the other, so that a cache line of either order is finished
    /// while it is at hand.</summary>
    private const int StepsOfTile = 16;

    /// <summary>Rows from which a column is copied as a block.</summary>
    private const int RowsOfBlock = 8;

    /// <summary>Fills columns from a tensor; steps beyond the end of a sequence are not read.</summary>
    /// <param name="values">The tensor.</param>
    /// <param name="steps">T.</param>
    /// <param name="isTimeMajor">(time, batch, feature), or (batch, time, feature).</param>
    /// <param name="columns">Receives the columns.</param>
    public static void ToColumns<TFrom, TTo>(
        ReadOnlySpan<TFrom> values, int steps, bool isTimeMajor, PackedColumns<TTo> columns)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
    {
        var places = new Places(columns.Layout, columns.Rows, steps, isTimeMajor);
        if (places.AreTheSame)
        {
            VectorMath.Convert(values, columns.All.Values);
            return;
        }
        places.Copy(
            ref MemoryMarshal.GetReference(values),
            ref MemoryMarshal.GetReference(columns.All.Values),
            toColumns: true);
    }

    /// <summary>Writes columns to a tensor; those of step 0 are left out.</summary>
    /// <param name="columns">The columns, perhaps of some of the steps alone.</param>
    /// <param name="steps">T.</param>
    /// <param name="isTimeMajor">(time, batch, feature), or (batch, time, feature).</param>
    /// <param name="values">Receives them in the places of their steps.</param>
    public static void FromColumns<TFrom, TTo>(
        PackedColumns<TFrom> columns, int steps, bool isTimeMajor, Span<TTo> values)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
    {
        var places = new Places(columns.Layout, columns.Rows, steps, isTimeMajor);
        if (places.AreTheSame)
        {
            VectorMath.Convert<TFrom, TTo>(columns.All.Values, values);
            return;
        }
        places.Copy(
            ref MemoryMarshal.GetReference(columns.All.Values),
            ref MemoryMarshal.GetReference(values),
            toColumns: false);
    }

    /// <summary>Where the columns stand in a tensor.</summary>
    private readonly struct Places(BatchLayout layout, int rows, int steps, bool isTimeMajor)
    {
        /// <summary>Whether all sequences are as long as the tensor, and stand as they do there.</summary>
        public bool AreTheSame => (isTimeMajor || layout.SequenceCount == 1)
            && layout.FirstStep == 1
            && layout.ColumnCount == (long)steps * layout.SequenceCount;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Copy<TFrom, TTo>(ref TFrom from, ref TTo to, bool toColumns)
            where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
            where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
        {
            foreach (BatchLayout.Segment segment in layout.Segments)
            {
                int end = segment.FirstStep + segment.StepCount;
                for (int first = Math.Max(1, segment.FirstStep); first < end; first += StepsOfTile)
                {
                    int count = Math.Min(StepsOfTile, end - first);
                    for (int slot = 0; slot < segment.Active; slot++)
                    {
                        nint column = segment.FirstColumn + (first - segment.FirstStep) * segment.Active + slot;
                        nint place = PlaceOf(layout.SequenceAt(slot), first);
                        nint nextPlace = isTimeMajor ? layout.SequenceCount : 1;
                        if (toColumns)
                        {
                            CopyEach(
                                ref Unsafe.Add(ref from, place * rows),
                                nextPlace * rows,
                                ref Unsafe.Add(ref to, column * rows),
                                segment.Active * (nint)rows,
                                count);
                        }
                        else
                        {
                            CopyEach(
                                ref Unsafe.Add(ref from, column * rows),
                                segment.Active * (nint)rows,
                                ref Unsafe.Add(ref to, place * rows),
                                nextPlace * rows,
                                count);
                        }
                    }
                }
            }
        }

        private nint PlaceOf(int sequence, int step) => isTimeMajor
            ? (nint)(step - 1) * layout.SequenceCount + sequence
            : (nint)sequence * steps + step - 1;

        /// <summary>Copies some columns, whose first entries are so far from each other.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void CopyEach<TFrom, TTo>(ref TFrom from, nint fromNext, ref TTo to, nint toNext, int count)
            where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
            where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
        {
            for (int step = 0; step < count; step++)
            {
                if (rows >= RowsOfBlock)
                {
                    VectorMath.Convert(
                        MemoryMarshal.CreateReadOnlySpan(ref from, rows), MemoryMarshal.CreateSpan(ref to, rows));
                }
                else
                {
                    for (int i = 0; i < rows; i++)
                    {
                        Unsafe.Add(ref to, i) = TTo.CreateTruncating(Unsafe.Add(ref from, i));
                    }
                }
                from = ref Unsafe.Add(ref from, fromNext);
                to = ref Unsafe.Add(ref to, toNext);
            }
        }
    }
}
