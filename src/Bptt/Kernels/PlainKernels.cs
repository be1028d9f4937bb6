// The readable reference: each kernel is the loop that defines it. It stays for good, and every faster kernel is
// tested against it.

using System.Diagnostics;

namespace Bptt.Kernels;

/// <inheritdoc/>
internal sealed class PlainKernels : KernelSet
{
    /// <inheritdoc/>
    public override string Name => "Plain";

    /// <inheritdoc/>
    public override void Multiply(MatrixView a, MatrixView b, MatrixSpan c)
    {
        for (int j = 0; j < c.Columns; j++)
        {
            c.Column(j).Clear();
        }
        MultiplyAdd(a, b, c);
    }

    /// <inheritdoc/>
    public override void MultiplyAdd(MatrixView a, MatrixView b, MatrixSpan c)
    {
        Debug.Assert(a.Columns == b.Rows && a.Rows == c.Rows && b.Columns == c.Columns, "Shapes do not fit.");
        ReadOnlySpan<double> av = a.Values;
        ReadOnlySpan<double> bv = b.Values;
        for (int j = 0; j < c.Columns; j++)
        {
            Span<double> column = c.Column(j);
            for (int i = 0; i < column.Length; i++)
            {
                double sum = 0.0;
                for (int p = 0; p < a.Columns; p++)
                {
                    sum += av[i * a.RowStride + p * a.ColumnStride] * bv[p * b.RowStride + j * b.ColumnStride];
                }
                column[i] += sum;
            }
        }
    }

    /// <inheritdoc/>
    public override long PackedLength(int rows, int columns, PackedFor uses) => (long)rows * columns;

    /// <summary>A column-major copy.</summary>
    public override PackedMatrix Pack(MatrixView a, PackedFor uses, ArraySegment<double> storage)
    {
        for (int p = 0; p < a.Columns; p++)
        {
            for (int i = 0; i < a.Rows; i++)
            {
                storage[i + p * a.Rows] = a.Values[i * a.RowStride + p * a.ColumnStride];
            }
        }
        return new PackedMatrix(a.Rows, a.Columns, uses, storage, 0);
    }

    /// <inheritdoc/>
    public override void Multiply(PackedMatrix a, MatrixView b, MatrixSpan c) => Multiply(View(a), b, c);

    /// <inheritdoc/>
    public override void Step(PackedMatrix a, MatrixView b, MatrixView d, MatrixSpan c)
    {
        for (int j = 0; j < c.Columns; j++)
        {
            d.Values.Slice(j * d.LeadingDimension, c.Rows).CopyTo(c.Column(j));
        }
        MultiplyAdd(View(a), b, c);
        for (int j = 0; j < c.Columns; j++)
        {
            FlushTiny(c.Column(j));
        }
    }

    /// <inheritdoc/>
    public override void Advance(PackedMatrix a, Span<double> states, StepRun run)
    {
        int h = a.Rows;
        for (int step = 1; step <= run.Steps; step++)
        {
            for (int i = 0; i < run.Count; i++)
            {
                int to = run.First + i * run.Spacing + step * run.StepDistance;
                var target = new MatrixSpan(states.Slice(to * h, h), h, 1, h);
                Step(a, new MatrixView(states.Slice((to - run.StepDistance) * h, h), h, 1, h), target, target);
            }
        }
    }

    private static MatrixView View(PackedMatrix a) => new(a.Values, a.Rows, a.Columns, a.Rows);
}
