// The left side of products with many blocks of columns: packed once a run. Knows no formula.

using Bptt.Kernels;

namespace Bptt.Passes;

/// <summary>A matrix A, as the kernels read it fastest.</summary>
/// <param name="context">Kernels and memory, which is taken at once.</param>
/// <param name="rows">Rows of A.</param>
/// <param name="columns">Columns of A.</param>
internal sealed class PackedFactor(PassContext context, int rows, int columns)
{
    private readonly KernelSet _kernels = context.Kernels;
    private readonly ArraySegment<double> _storage = context.PackedStorage(rows, columns, PackedFor.Columns);
    private PackedMatrix _packed;

    /// <summary>Gives it its entries.</summary>
    public void Pack(MatrixView a) => _packed = _kernels.Pack(a, PackedFor.Columns, _storage);

    /// <summary>C = A B.</summary>
    public void Multiply(MatrixView b, MatrixSpan c) => _kernels.Multiply(_packed, b, c);

    /// <summary>C += A B; tiny entries become zero.</summary>
    public void MultiplyAdd(MatrixView b, MatrixSpan c) => _kernels.Step(_packed, b, c, c);
}
