// The readable reference: each kernel is the loop that defines it. It stays for good, and every faster kernel is
// tested against it.

using System.Diagnostics;
using System.Numerics;

namespace Bptt.Kernels;

/// <inheritdoc/>
internal sealed class PlainKernels<TReal> : KernelSet<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <inheritdoc/>
    public override string Name => "Plain";

    /// <inheritdoc/>
    public override void Multiply(MatrixView<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c)
    {
        for (int j = 0; j < c.Columns; j++)
        {
            c.Column(j).Clear();
        }
        MultiplyAdd(a, b, c);
    }

    /// <inheritdoc/>
    public override void MultiplyAdd(MatrixView<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c)
    {
        Debug.Assert(a.Columns == b.Rows && a.Rows == c.Rows && b.Columns == c.Columns, "Shapes do not fit.");
        ReadOnlySpan<TReal> av = a.Values;
        ReadOnlySpan<TReal> bv = b.Values;
        for (int j = 0; j < c.Columns; j++)
        {
            Span<TReal> column = c.Column(j);
            for (int i = 0; i < column.Length; i++)
            {
                TReal sum = TReal.Zero;
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
    public override PackedMatrix<TReal> Pack(MatrixView<TReal> a, PackedFor uses, ArraySegment<TReal> storage)
    {
        for (int p = 0; p < a.Columns; p++)
        {
            for (int i = 0; i < a.Rows; i++)
            {
                storage[i + p * a.Rows] = a.Values[i * a.RowStride + p * a.ColumnStride];
            }
        }
        return new PackedMatrix<TReal>(a.Rows, a.Columns, uses, storage, 0);
    }

    /// <inheritdoc/>
    public override void Multiply(PackedMatrix<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c) =>
        Multiply(View(a), b, c);

    /// <inheritdoc/>
    public override void Step(PackedMatrix<TReal> a, MatrixView<TReal> b, MatrixView<TReal> d, MatrixSpan<TReal> c)
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
    public override void Advance(PackedMatrix<TReal> a, Span<TReal> states, StepRun run)
    {
        int h = a.Rows;
        for (int step = 1; step <= run.Steps; step++)
        {
            for (int i = 0; i < run.Count; i++)
            {
                int to = run.First + i * run.Spacing + step * run.StepDistance;
                var target = new MatrixSpan<TReal>(states.Slice(to * h, h), h, 1, h);
                Step(a, new MatrixView<TReal>(states.Slice((to - run.StepDistance) * h, h), h, 1, h), target, target);
            }
        }
    }

    private static MatrixView<TReal> View(PackedMatrix<TReal> a) => new(a.Values, a.Rows, a.Columns, a.Rows);
}
