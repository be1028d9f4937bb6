// The readable reference: each kernel is the loop that defines it. It stays for good, and every faster kernel is
// tested against it.

using System.Diagnostics;

namespace Bptt.Kernels;

/// <inheritdoc/>
internal sealed class PlainKernels : KernelSet
{
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
    public override void FlushTiny(MatrixSpan matrix)
    {
        for (int j = 0; j < matrix.Columns; j++)
        {
            foreach (ref double value in matrix.Column(j))
            {
                if (Math.Abs(value) < FlushThreshold)
                {
                    value = 0.0;
                }
            }
        }
    }
}
