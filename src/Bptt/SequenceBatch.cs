// Sequences of any lengths, packed for the passes. Holds data, computes nothing.
//
//   B  sequences      T_b  steps of sequence b

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// B sequences of columns, of any lengths: inputs, targets or output gradients. It never changes and is reused freely,
/// also from many threads.
/// </summary>
/// <remarks>
/// Stored time-major without padding: all sequences' step 1, then all step 2, …, longest sequence first inside a step.
/// Sequences keep their given numbers at every public edge. A reset of the state inside a stream is a new sequence.
/// A batch made of floats holds floats: a pass in single precision reads them as they are, and what needs doubles
/// converts them once, when it first does.
/// </remarks>
public sealed partial class SequenceBatch
{
    private readonly Lazy<PackedColumns> _columns;

    private SequenceBatch(PackedColumns columns)
    {
        _columns = new Lazy<PackedColumns>(columns);
        Layout = columns.Layout;
        RowCount = columns.Rows;
        IsFinite = VectorMath.FirstNonFinite(columns.All.Values) < 0;
    }

    private SequenceBatch(PackedColumns<float> columns)
    {
        _columns = new Lazy<PackedColumns>(() =>
        {
            PackedColumns converted = PassContext.FreshColumns(columns.Rows, columns.Layout);
            VectorMath.Convert<float, double>(columns.All.Values, converted.All.Values);
            return converted;
        });
        Singles = columns;
        Layout = columns.Layout;
        RowCount = columns.Rows;
        IsFinite = VectorMath.FirstNonFinite<float>(columns.All.Values) < 0;
    }

    /// <summary>B, the number of sequences.</summary>
    public int Count => Layout.SequenceCount;

    /// <summary>The number of rows of every sequence: d for inputs, q for targets and output gradients.</summary>
    public int RowCount { get; }

    /// <summary>T_b for each sequence, in the order given.</summary>
    public IReadOnlyList<int> Lengths => Layout.Lengths;

    /// <summary>ΣT_b, the steps of all sequences together.</summary>
    public int TotalLength => Layout.ColumnCount;

    internal BatchLayout Layout { get; }

    internal PackedColumns Columns => _columns.Value;

    /// <summary>The numbers of a batch that holds floats; null for one that holds doubles.</summary>
    internal PackedColumns<float>? Singles { get; }

    /// <summary>Whether every number is finite. Targets of masked steps need not be.</summary>
    internal bool IsFinite { get; }

    /// <summary>Packs one matrix per sequence, each column a step. The numbers are copied once, at cost
    /// O(rows·ΣT_b).</summary>
    /// <param name="sequences">At least one matrix; all have the same number of rows and at least one column each.
    /// NaN and infinities are accepted here, since the targets of masked steps may hold them; where they are not
    /// allowed, the pass that uses the batch refuses them.</param>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    /// <exception cref="ArgumentException">The list is empty, a matrix is null or empty, row counts differ, or all
    /// sequences together exceed what an array can hold.</exception>
    public static SequenceBatch Pack(IReadOnlyList<Matrix<double>> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        if (sequences.Count == 0)
        {
            throw Guard.Error(nameof(sequences), "expected at least one matrix, got an empty list.");
        }

        int[] lengths = new int[sequences.Count];
        for (int b = 0; b < lengths.Length; b++)
        {
            Matrix<double> sequence = sequences[b] ?? throw Guard.Error(
                nameof(sequences), $"expected a matrix for each sequence, got null for sequence {b}.");
            if (sequence.RowCount == 0 || sequence.ColumnCount == 0 || sequence.RowCount != sequences[0].RowCount)
            {
                string rows = b == 0 ? "at least one row" : $"{sequences[0].RowCount} rows, as sequence 0 has,";
                throw Guard.Error(
                    nameof(sequences),
                    $"expected {rows} and at least one column for sequence {b}, "
                        + $"got {sequence.RowCount}×{sequence.ColumnCount}.");
            }
            lengths[b] = sequence.ColumnCount;
        }

        BatchLayout layout = PassContext.Layout(lengths, nameof(sequences));
        PackedColumns columns = PassContext.FreshColumns(sequences[0].RowCount, layout);
        for (int b = 0; b < lengths.Length; b++)
        {
            columns.CopySequenceFrom(b, sequences[b].ColumnMajor());
        }
        return new SequenceBatch(columns);
    }

    /// <summary>One sequence as a fresh matrix, each column a step. Cost O(rows·T_b).</summary>
    /// <param name="sequence">From 0 to <see cref="Count"/> − 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public Matrix<double> Sequence(int sequence)
    {
        Guard.Sequence(sequence, Count, nameof(sequence));
        return Columns.ToMatrix(sequence);
    }

    /// <summary>Some of the sequences, in the order given.</summary>
    /// <param name="sequences">At least one, each from 0 to <see cref="Count"/> − 1.</param>
    /// <returns>A batch of its own. Cost O(rows·ΣT_b) of those taken.</returns>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public SequenceBatch Select(IReadOnlyList<int> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        if (sequences.Count == 0)
        {
            throw Guard.Error(nameof(sequences), "expected at least one sequence, got an empty list.");
        }
        var parts = new SequencePart[sequences.Count];
        for (int i = 0; i < parts.Length; i++)
        {
            Guard.Sequence(sequences[i], Count, nameof(sequences));
            parts[i] = new SequencePart(sequences[i], 1, Lengths[sequences[i]]);
        }
        return Part(parts);
    }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() => $"SequenceBatch (B = {Count}, {RowCount} rows, {TotalLength} steps)";

    /// <summary>Some steps of some sequences, as sequences of their own whose steps count from 1.</summary>
    internal SequenceBatch Part(SequencePart[] parts) => Singles is null
        ? new SequenceBatch(Part(Columns, parts))
        : new SequenceBatch(Part(Singles, parts));

    private static PackedColumns<TReal> Part<TReal>(PackedColumns<TReal> all, SequencePart[] parts)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        BatchLayout layout = PassContext.Layout(Array.ConvertAll(parts, p => p.Length), nameof(parts));
        PackedColumns<TReal> columns = PassContext<TReal>.FreshColumns(all.Rows, layout);
        for (int b = 0; b < parts.Length; b++)
        {
            for (int t = 1; t <= parts[b].Length; t++)
            {
                all.Column(parts[b].Sequence, parts[b].FirstStep + t - 1).CopyTo(columns.Column(b, t));
            }
        }
        return columns;
    }

    /// <summary>An independent batch with the columns of a pass.</summary>
    internal static SequenceBatch CopyOf(PackedColumns columns)
    {
        PackedColumns copy = PassContext.FreshColumns(columns.Rows, columns.Layout);
        columns.All.Values.CopyTo(copy.All.Values);
        return Take(copy);
    }

    /// <summary>Takes columns of steps 1 … T that nobody else writes to.</summary>
    internal static SequenceBatch Take(PackedColumns columns) => new(columns);

    /// <summary>Refuses a batch that has not one finite column of q rows for each output of a pass.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="what">The batch, as messages call it.</param>
    /// <param name="name">The parameter.</param>
    /// <param name="except">Sequences and steps that need not be finite; none where null.</param>
    internal void RequireFitsOutputs(
        ForwardRecord forward, string what, string name, Func<int, int, bool>? except = null)
    {
        if (RowCount != forward.Weights.OutputSize)
        {
            string hint = Lengths.All(length => length == forward.Weights.OutputSize) ? Guard.ColumnsAreSteps : "";
            throw Guard.Error(
                name, $"expected {forward.Weights.OutputSize} rows (q), as the outputs have, got {RowCount}{hint}.");
        }
        Guard.SameLengths(forward.Layout.Lengths, Lengths, "the inputs", what, name);
        RequireFinite(name, except);
    }

    /// <summary>Refuses a batch that is not finite throughout, naming the first place.</summary>
    /// <param name="name">The parameter.</param>
    /// <param name="except">Sequences and steps that may hold anything; none where null.</param>
    internal void RequireFinite(string name, Func<int, int, bool>? except = null)
    {
        for (int b = 0; !IsFinite && b < Count; b++)
        {
            for (int t = 1; t <= Lengths[b]; t++)
            {
                ReadOnlySpan<double> column = Columns.Column(b, t);
                int row = VectorMath.FirstNonFinite(column);
                if (row >= 0 && !(except?.Invoke(b, t) ?? false))
                {
                    throw Guard.NotFinite(name, column[row], $"sequence {b}, step {t}, row {row} (from 0)");
                }
            }
        }
    }
}
