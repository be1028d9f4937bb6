// How the peers lay out sequences of any lengths: time-major, longest sequence first inside a step, no padding.
// Independent of the library's own layout, so that an error there could not hide here.
//
//   B_t  sequences still running at step t      N = ΣT_b

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks;

/// <summary>Where each step of each sequence lies. Columns are counted from 0; step t's are the B_t columns from
/// <c>Offsets[t − 1]</c> on, and the sequences still running at t are the first B_t of those at t − 1.</summary>
internal sealed class PackedLayout
{
    private readonly int[] _order;

    public PackedLayout(IReadOnlyList<int> lengths)
    {
        _order = [.. Enumerable.Range(0, lengths.Count).OrderByDescending(b => lengths[b])];
        StepCount = lengths.Max();
        Widths = new int[StepCount];
        Offsets = new int[StepCount];
        for (int t = 1; t <= StepCount; t++)
        {
            Widths[t - 1] = lengths.Count(length => length >= t);
            Offsets[t - 1] = ColumnCount;
            ColumnCount += Widths[t - 1];
        }
    }

    /// <summary>T of the longest sequence.</summary>
    public int StepCount { get; }

    /// <summary>B.</summary>
    public int SequenceCount => _order.Length;

    /// <summary>N.</summary>
    public int ColumnCount { get; }

    /// <summary>B_t at t − 1.</summary>
    public int[] Widths { get; }

    /// <summary>The first column of step t, at t − 1.</summary>
    public int[] Offsets { get; }

    /// <summary>Whether all sequences are equally long.</summary>
    public bool IsUniform => Widths[^1] == SequenceCount;

    /// <summary>The sequences packed: column-major, rows×N.</summary>
    public double[] Pack(IReadOnlyList<Matrix<double>> sequences)
    {
        int rows = sequences[0].RowCount;
        double[] packed = new double[rows * ColumnCount];
        for (int t = 1; t <= StepCount; t++)
        {
            for (int j = 0; j < Widths[t - 1]; j++)
            {
                double[] source = sequences[_order[j]].AsColumnMajorArray();
                Array.Copy(source, (t - 1) * rows, packed, (Offsets[t - 1] + j) * rows, rows);
            }
        }
        return packed;
    }

    /// <summary>For each column, in which column of [h_0 | h_1 … h_T], B + N wide, the state of the step before
    /// lies.</summary>
    public long[] Predecessors()
    {
        long[] predecessors = new long[ColumnCount];
        for (int t = 1; t <= StepCount; t++)
        {
            int before = t == 1 ? 0 : SequenceCount + Offsets[t - 2];
            for (int j = 0; j < Widths[t - 1]; j++)
            {
                predecessors[Offsets[t - 1] + j] = before + j;
            }
        }
        return predecessors;
    }
}
