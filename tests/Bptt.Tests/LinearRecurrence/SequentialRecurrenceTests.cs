// The recurrence against s_t ← A s_{t∓1} + u_t written out for each sequence alone, in both directions.

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearRecurrence;

public class SequentialRecurrenceTests
{
    [Theory]
    [InlineData(new[] { 1 }, 1)]
    [InlineData(new[] { 6 }, 3)]
    [InlineData(new[] { 3, 1, 5, 5, 2, 1 }, 4)]
    public void It_agrees_with_each_sequence_alone_in_both_directions(int[] lengths, int h)
    {
        var examples = new Examples(seed: h);
        Matrix<double> a = examples.Matrix(h, h);
        foreach (bool withStepZero in new[] { false, true })
        {
            foreach (bool forward in new[] { false, true })
            {
                var steps = new BatchLayout(lengths);
                BatchLayout layout = withStepZero ? steps.WithStepZero() : steps;
                var states = new PackedColumns(h, layout, new double[h * layout.ColumnCount]);
                var expected = new Matrix<double>[lengths.Length];
                for (int b = 0; b < lengths.Length; b++)
                {
                    expected[b] = examples.Matrix(h, lengths[b] + (withStepZero ? 1 : 0));
                    states.CopySequenceFrom(b, expected[b].AsColumnMajorArray());
                    WriteOut(a, expected[b], forward);
                }

                SequentialRecurrence.Run(
                    new MatrixView(a.AsColumnMajorArray(), h, h, h),
                    states,
                    forward ? TimeDirection.Forward : TimeDirection.Backward,
                    KernelChoice.Default);

                for (int b = 0; b < lengths.Length; b++)
                {
                    (states.ToMatrix(b) - expected[b]).FrobeniusNorm()
                        .Should().BeLessThan(1e-14 * (1 + expected[b].FrobeniusNorm()));
                }
            }
        }
    }

    private static void WriteOut(Matrix<double> a, Matrix<double> columns, bool forward)
    {
        int last = columns.ColumnCount - 1;
        for (int i = 1; i <= last; i++)
        {
            int to = forward ? i : last - i;
            int from = forward ? i - 1 : last - i + 1;
            columns.SetColumn(to, columns.Column(to) + a * columns.Column(from));
        }
    }
}
