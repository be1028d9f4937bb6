// Flat tensors to and from packed columns. Copies and converts, checks nothing.
//
//   B  sequences      T  steps of the longest      d  features: rows of a column

using System.Numerics;
using System.Runtime.CompilerServices;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Edge;

/// <summary>Columns in the orders in which machine-learning code holds them.</summary>
internal static class TensorCopy
{
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
        BatchLayout layout = columns.Layout;
        int d = columns.Rows;
        if (isTimeMajor && IsPacked(layout, steps))
        {
            VectorMath.Convert(values, columns.All.Values); // the order of the packed columns
            return;
        }
        for (int b = 0; b < layout.SequenceCount; b++)
        {
            int length = layout.Lengths[b];
            for (int t = 0; t < length; t++)
            {
                int at = d * (isTimeMajor ? t * layout.SequenceCount + b : b * steps + t);
                Copy(values.Slice(at, d), columns.Column(b, t + 1));
            }
        }
    }

    /// <summary>Writes columns of steps 1 … T to a tensor.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="steps">T.</param>
    /// <param name="isTimeMajor">(time, batch, feature), or (batch, time, feature).</param>
    /// <param name="padding">What stands beyond the end of a sequence.</param>
    /// <param name="values">Receives the tensor.</param>
    public static void FromColumns<TFrom, TTo>(
        PackedColumns<TFrom> columns, int steps, bool isTimeMajor, TTo padding, Span<TTo> values)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
    {
        BatchLayout layout = columns.Layout;
        int d = columns.Rows;
        if (isTimeMajor && IsPacked(layout, steps))
        {
            VectorMath.Convert<TFrom, TTo>(columns.All.Values, values);
            return;
        }
        for (int b = 0; b < layout.SequenceCount; b++)
        {
            for (int t = 0; t < steps; t++)
            {
                Span<TTo> target = values.Slice(
                    d * (isTimeMajor ? t * layout.SequenceCount + b : b * steps + t), d);
                if (t < layout.Lengths[b])
                {
                    Copy<TFrom, TTo>(columns.Column(b, t + 1), target);
                }
                else
                {
                    target.Fill(padding);
                }
            }
        }
    }

    /// <summary>Whether all sequences are as long as the tensor, and stand in their own order.</summary>
    private static bool IsPacked(BatchLayout layout, int steps) =>
        layout.FirstStep == 1 && layout.ColumnCount == (long)steps * layout.SequenceCount;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<TFrom, TTo>(ReadOnlySpan<TFrom> from, Span<TTo> to)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
    {
        for (int i = 0; i < from.Length; i++)
        {
            to[i] = TTo.CreateTruncating(from[i]);
        }
    }
}
