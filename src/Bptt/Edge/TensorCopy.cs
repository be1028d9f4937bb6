// Flat tensors to and from packed columns. Copies and converts, checks nothing.
//
//   B  sequences      T  steps of the longest      d  features: rows of a column

using System.Numerics;
using System.Runtime.CompilerServices;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Edge;

/// <summary>Columns in the orders in which machine-learning code holds them.</summary>
internal static unsafe class TensorCopy
{
    /// <summary>Steps that are copied of one sequence after the other, so that a cache line of either order is finished
    /// while it is at hand.</summary>
    private const int StepsOfTile = 8;

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
        fixed (TFrom* from = values)
        fixed (TTo* to = columns.All.Values)
        {
            places.Copy(from, to, toColumns: true);
        }
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
        fixed (TFrom* from = columns.All.Values)
        fixed (TTo* to = values)
        {
            places.Copy(from, to, toColumns: false);
        }
    }

    /// <summary>Where the columns stand in a tensor.</summary>
    private readonly struct Places(BatchLayout layout, int rows, int steps, bool isTimeMajor)
    {
        /// <summary>Whether all sequences are as long as the tensor, and stand as they do there.</summary>
        public bool AreTheSame => (isTimeMajor || layout.SequenceCount == 1)
            && layout.FirstStep == 1
            && layout.ColumnCount == (long)steps * layout.SequenceCount;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Copy<TFrom, TTo>(TFrom* from, TTo* to, bool toColumns)
            where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
            where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
        {
            nint placeStep = (isTimeMajor ? layout.SequenceCount : 1) * (nint)rows;
            foreach (BatchLayout.Segment segment in layout.Segments)
            {
                nint columnStep = segment.Active * (nint)rows;
                int end = segment.FirstStep + segment.StepCount;
                for (int first = Math.Max(1, segment.FirstStep); first < end; first += StepsOfTile)
                {
                    int count = Math.Min(StepsOfTile, end - first);
                    nint column = segment.FirstColumn * (nint)rows + (first - segment.FirstStep) * columnStep;
                    for (int slot = 0; slot < segment.Active; slot++)
                    {
                        nint place = PlaceOf(layout.SequenceAt(slot), first) * rows;
                        if (toColumns)
                        {
                            CopyEach(from + place, placeStep, to + column, columnStep, count);
                        }
                        else
                        {
                            CopyEach(from + column, columnStep, to + place, placeStep, count);
                        }
                        column += rows;
                    }
                }
            }
        }

        private nint PlaceOf(int sequence, int step) => isTimeMajor
            ? (nint)(step - 1) * layout.SequenceCount + sequence
            : (nint)sequence * steps + step - 1;

        /// <summary>Copies some columns, whose first entries are so far from each other.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void CopyEach<TFrom, TTo>(TFrom* from, nint fromStep, TTo* to, nint toStep, int count)
            where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
            where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
        {
            if (rows == 1)
            {
                for (int step = 0; step < count; step++)
                {
                    to[step * toStep] = Converted<TFrom, TTo>(from[step * fromStep]);
                }
            }
            else if (rows < RowsOfBlock)
            {
                for (int step = 0; step < count; step++)
                {
                    for (int i = 0; i < rows; i++)
                    {
                        to[step * toStep + i] = Converted<TFrom, TTo>(from[step * fromStep + i]);
                    }
                }
            }
            else
            {
                for (int step = 0; step < count; step++)
                {
                    VectorMath.Convert(
                        new ReadOnlySpan<TFrom>(from + step * fromStep, rows),
                        new Span<TTo>(to + step * toStep, rows));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TTo Converted<TFrom, TTo>(TFrom value)
            where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
            where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo> =>
            typeof(TFrom) == typeof(TTo) ? Unsafe.BitCast<TFrom, TTo>(value) : TTo.CreateTruncating(value);
    }
}
