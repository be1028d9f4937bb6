// Batches to and from the memory of machine-learning code: flat tensors, arrays of arrays, packed sequences.
//
//   B  sequences      T  steps of the longest      d  features: rows of a batch

using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bptt.Edge;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt;

/// <summary>The order of the axes of a flat tensor, slowest first.</summary>
public enum TensorOrder
{
    /// <summary>(time, batch, feature): all sequences' step 1, then all step 2, …. The order that a batch has itself,
    /// so that it is taken by one block copy. PyTorch's default for recurrent layers.</summary>
    TimeBatchFeature,

    /// <summary>(batch, time, feature): one sequence after the other. PyTorch's <c>batch_first</c>, Keras,
    /// ML.NET.</summary>
    BatchTimeFeature,
}

public sealed partial class SequenceBatch
{
    /// <summary>Packs a flat tensor, such as the contiguous memory of an ML library. Copied.</summary>
    /// <param name="values">B·T·d numbers in the order given.</param>
    /// <param name="count">B, the number of sequences.</param>
    /// <param name="steps">T.</param>
    /// <param name="features">d.</param>
    /// <param name="order">The order of the axes.</param>
    /// <param name="lengths">T_b of each sequence, where they end before T and the rest is padding, which is not read;
    /// empty where all have T steps.</param>
    /// <returns>B sequences of d rows. Cost O(B·T·d).</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1.</exception>
    /// <exception cref="ArgumentException">There are not B·T·d numbers, or not B lengths from 1 to T.</exception>
    public static SequenceBatch FromTensor(
        ReadOnlySpan<double> values,
        int count,
        int steps,
        int features,
        TensorOrder order = TensorOrder.BatchTimeFeature,
        ReadOnlySpan<int> lengths = default)
    {
        PackedColumns columns = ColumnsOf(values, count, steps, features, order, lengths);
        return new SequenceBatch(columns);
    }

    /// <inheritdoc cref="FromTensor(ReadOnlySpan{double}, int, int, int, TensorOrder, ReadOnlySpan{int})"/>
    public static SequenceBatch FromTensor(
        ReadOnlySpan<float> values,
        int count,
        int steps,
        int features,
        TensorOrder order = TensorOrder.BatchTimeFeature,
        ReadOnlySpan<int> lengths = default)
    {
        PackedColumns<float> columns = ColumnsOf(values, count, steps, features, order, lengths);
        return new SequenceBatch(columns);
    }

    /// <summary>Packs an array with three axes. Copied.</summary>
    /// <param name="values">In the order given.</param>
    /// <param name="order">The order of the axes.</param>
    /// <exception cref="ArgumentNullException">The array is null.</exception>
    /// <exception cref="ArgumentException">An axis is empty.</exception>
    public static SequenceBatch FromTensor(double[,,] values, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(values);
        (int first, int second, int features) = (values.GetLength(0), values.GetLength(1), values.GetLength(2));
        ReadOnlySpan<double> flat = MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<byte, double>(ref MemoryMarshal.GetArrayDataReference(values)), values.Length);
        return order == TensorOrder.TimeBatchFeature
            ? FromTensor(flat, second, first, features, order)
            : FromTensor(flat, first, second, features, order);
    }

    /// <inheritdoc cref="FromTensor(double[,,], TensorOrder)"/>
    public static SequenceBatch FromTensor(float[,,] values, TensorOrder order = TensorOrder.BatchTimeFeature)
    {
        ArgumentNullException.ThrowIfNull(values);
        (int first, int second, int features) = (values.GetLength(0), values.GetLength(1), values.GetLength(2));
        ReadOnlySpan<float> flat = MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<byte, float>(ref MemoryMarshal.GetArrayDataReference(values)), values.Length);
        return order == TensorOrder.TimeBatchFeature
            ? FromTensor(flat, second, first, features, order)
            : FromTensor(flat, first, second, features, order);
    }

    /// <summary>Packs sequences given step by step. Copied.</summary>
    /// <param name="sequences">For each sequence an array of steps, each an array of d features.</param>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    /// <exception cref="ArgumentException">The list, a sequence or a step is null or empty, or steps differ in
    /// length.</exception>
    public static SequenceBatch FromSteps(IReadOnlyList<double[][]> sequences) =>
        new(Jagged(sequences));

    /// <inheritdoc cref="FromSteps(IReadOnlyList{double[][]})"/>
    public static SequenceBatch FromSteps(IReadOnlyList<float[][]> sequences) =>
        new(Jagged(sequences));

    /// <summary>Packs ragged sequences that are packed already, as PyTorch's <c>PackedSequence</c> holds them: all
    /// sequences' step 1, then step 2 of those that have one, …. One block copy.</summary>
    /// <param name="values">ΣT_b·d numbers.</param>
    /// <param name="batchSizes">For each step how many sequences have it; never more than before.</param>
    /// <param name="features">d.</param>
    /// <returns>The sequences in the order in which they are packed: longest first.</returns>
    /// <exception cref="ArgumentOutOfRangeException">d is below 1.</exception>
    /// <exception cref="ArgumentException">The batch sizes are empty, below 1 or grow, or there are not as many
    /// numbers.</exception>
    public static SequenceBatch FromPacked(ReadOnlySpan<double> values, ReadOnlySpan<int> batchSizes, int features)
    {
        PackedColumns columns = PackedFor(values, batchSizes, features);
        return new SequenceBatch(columns);
    }

    /// <inheritdoc cref="FromPacked(ReadOnlySpan{double}, ReadOnlySpan{int}, int)"/>
    public static SequenceBatch FromPacked(ReadOnlySpan<float> values, ReadOnlySpan<int> batchSizes, int features)
    {
        PackedColumns<float> columns = PackedFor(values, batchSizes, features);
        return new SequenceBatch(columns);
    }

    /// <summary>The numbers of a flat tensor of the batch: B·T·d, T of the longest sequence.</summary>
    /// <exception cref="OverflowException">They are more than an index can count.</exception>
    public int TensorLength => checked(Count * Layout.LastStep * RowCount);

    /// <summary>Writes the batch to a flat tensor.</summary>
    /// <param name="target">Receives <see cref="TensorLength"/> numbers.</param>
    /// <param name="order">The order of the axes.</param>
    /// <param name="padding">What stands beyond the end of a sequence.</param>
    /// <exception cref="ArgumentException">The target has another length.</exception>
    public void CopyTo(
        Span<double> target, TensorOrder order = TensorOrder.BatchTimeFeature, double padding = 0.0)
    {
        CheckTarget(target.Length, order);
        Write(target, order, padding);
    }

    /// <inheritdoc cref="CopyTo(Span{double}, TensorOrder, double)"/>
    public void CopyTo(Span<float> target, TensorOrder order = TensorOrder.BatchTimeFeature, float padding = 0.0f)
    {
        CheckTarget(target.Length, order);
        Write(target, order, padding);
    }

    private void Write<TReal>(Span<TReal> target, TensorOrder order, TReal padding)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        if (TotalLength < (long)Count * Layout.LastStep)
        {
            target.Fill(padding);
        }
        bool isTimeMajor = order == TensorOrder.TimeBatchFeature;
        if (Singles is null)
        {
            TensorCopy.FromColumns(Columns, Layout.LastStep, isTimeMajor, target);
        }
        else
        {
            TensorCopy.FromColumns(Singles, Layout.LastStep, isTimeMajor, target);
        }
    }

    private void CheckTarget(int length, TensorOrder order)
    {
        Guard.Defined(order, nameof(order));
        if (length != TensorLength)
        {
            throw Guard.Error(
                "target",
                $"expected {TensorLength} numbers for B = {Count}, T = {Layout.LastStep}, "
                    + $"d = {RowCount}, got {length}.");
        }
    }

    private static PackedColumns<TReal> ColumnsOf<TReal>(
        ReadOnlySpan<TReal> values,
        int count,
        int steps,
        int features,
        TensorOrder order,
        ReadOnlySpan<int> lengths)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        Guard.AtLeastOne(count, nameof(count));
        Guard.AtLeastOne(steps, nameof(steps));
        Guard.AtLeastOne(features, nameof(features));
        Guard.Defined(order, nameof(order));
        long expected = (long)count * steps * features;
        if (values.Length != expected)
        {
            throw Guard.Error(
                nameof(values),
                $"expected {expected} numbers for B = {count}, T = {steps}, d = {features}, got {values.Length}.");
        }
        int[] all = new int[count];
        Array.Fill(all, steps);
        if (!lengths.IsEmpty)
        {
            if (lengths.Length != count)
            {
                throw Guard.Error(
                    nameof(lengths), $"expected a length for each of {count} sequences, got {lengths.Length}.");
            }
            for (int b = 0; b < count; b++)
            {
                all[b] = lengths[b] >= 1 && lengths[b] <= steps ? lengths[b] : throw Guard.Error(
                    nameof(lengths), $"expected from 1 to {steps} steps for sequence {b}, got {lengths[b]}.");
            }
        }
        PackedColumns<TReal> columns = PassContext<TReal>.FreshColumns(
            features, PassContext.Layout(all, nameof(lengths)));
        TensorCopy.ToColumns(values, steps, order == TensorOrder.TimeBatchFeature, columns);
        return columns;
    }

    private static PackedColumns<TReal> PackedFor<TReal>(
        ReadOnlySpan<TReal> values, ReadOnlySpan<int> batchSizes, int features)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        Guard.AtLeastOne(features, nameof(features));
        if (batchSizes.IsEmpty || batchSizes[0] < 1)
        {
            throw Guard.Error(nameof(batchSizes), "expected at least one sequence at the first step, got none.");
        }
        int[] lengths = new int[batchSizes[0]];
        for (int t = 0; t < batchSizes.Length; t++)
        {
            if (batchSizes[t] < 1 || (t > 0 && batchSizes[t] > batchSizes[t - 1]))
            {
                string most = t == 0 ? "" : $" to {batchSizes[t - 1]}, as at the step before";
                throw Guard.Error(
                    nameof(batchSizes), $"expected from 1{most} at index {t}, got {batchSizes[t]}.");
            }
            for (int b = 0; b < batchSizes[t]; b++)
            {
                lengths[b]++;
            }
        }
        BatchLayout layout = PassContext.Layout(lengths, nameof(batchSizes));
        long expected = (long)layout.ColumnCount * features;
        if (values.Length != expected)
        {
            throw Guard.Error(
                nameof(values),
                $"expected {expected} numbers for {layout.ColumnCount} steps of d = {features}, got {values.Length}.");
        }
        PackedColumns<TReal> columns = PassContext<TReal>.FreshColumns(features, layout);
        values.CopyTo(columns.All.Values);
        return columns;
    }

    private static PackedColumns<TReal> Jagged<TReal>(IReadOnlyList<TReal[][]> sequences)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ArgumentNullException.ThrowIfNull(sequences);
        if (sequences.Count == 0)
        {
            throw Guard.Error(nameof(sequences), "expected at least one sequence, got an empty list.");
        }
        int features = sequences[0] is [{ } first, ..] ? first.Length : 0;
        int[] lengths = new int[sequences.Count];
        for (int b = 0; b < lengths.Length; b++)
        {
            lengths[b] = sequences[b]?.Length ?? 0;
            for (int t = 0; t < lengths[b]; t++)
            {
                if (sequences[b][t]?.Length != features)
                {
                    throw Guard.Error(
                        nameof(sequences),
                        $"expected {features} features at step {t + 1} of sequence {b}, as the first step has, "
                            + $"got {sequences[b][t]?.Length.ToString(CultureInfo.InvariantCulture) ?? "null"}.");
                }
            }
            if (lengths[b] == 0 || features == 0)
            {
                throw Guard.Error(
                    nameof(sequences), $"expected steps of at least one feature in sequence {b}, got none.");
            }
        }
        PackedColumns<TReal> columns = PassContext<TReal>.FreshColumns(
            features, PassContext.Layout(lengths, nameof(sequences)));
        for (int b = 0; b < lengths.Length; b++)
        {
            for (int t = 0; t < lengths[b]; t++)
            {
                sequences[b][t].CopyTo(columns.Column(b, t + 1));
            }
        }
        return columns;
    }
}
