// Columns from one precision to the other.

using System.Numerics;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.SinglePrecision;

internal static class Conversion
{
    private const int EntriesOfPart = 1 << 15;

    /// <summary>All numbers of columns of one layout, on all threads.</summary>
    public static void All<TFrom, TTo>(PassContext<float> context, PackedColumns<TFrom> from, PackedColumns<TTo> to)
        where TFrom : unmanaged, IBinaryFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IBinaryFloatingPointIeee754<TTo>
    {
        int length = from.All.Values.Length;
        context.Each(
            (length + EntriesOfPart - 1) / EntriesOfPart,
            part =>
            {
                int first = part * EntriesOfPart;
                int count = Math.Min(EntriesOfPart, length - first);
                VectorMath.Convert<TFrom, TTo>(from.All.Values.Slice(first, count), to.All.Values.Slice(first, count));
            },
            length);
    }

    /// <summary>A vector in single precision; empty for an empty one.</summary>
    public static float[] ToSingle(ReadOnlySpan<double> values)
    {
        float[] converted = new float[values.Length];
        VectorMath.Convert<double, float>(values, converted);
        return converted;
    }
}
