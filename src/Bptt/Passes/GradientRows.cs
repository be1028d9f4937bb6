// Some rows of a sum over time, as one task adds to them. Knows no formula.

using Bptt.Kernels;

namespace Bptt.Passes;

/// <summary>Rows of C = Σ A_i B_iᵀ, whose terms come one after the other. The first term is written, so that nothing
/// need be cleared.</summary>
/// <param name="kernels">The arithmetic.</param>
/// <param name="first">The first row.</param>
/// <param name="count">How many rows.</param>
/// <param name="isEmpty">Whether no term has come yet.</param>
internal struct GradientRows(KernelSet kernels, int first, int count, bool isEmpty)
{
    private bool _isEmpty = isEmpty;

    /// <summary>C += A Bᵀ, in these rows.</summary>
    public void Add(MatrixSpan a, MatrixSpan b, MatrixSpan c)
    {
        if (_isEmpty)
        {
            kernels.Multiply(a.RowRange(first, count), b.T, c.RowRange(first, count));
        }
        else
        {
            kernels.MultiplyAdd(a.RowRange(first, count), b.T, c.RowRange(first, count));
        }
        _isEmpty = false;
    }
}
