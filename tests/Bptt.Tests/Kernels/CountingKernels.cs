// The arithmetic of another set, with a count of the products that are steps of many columns.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

internal sealed class CountingKernels(KernelSet inner) : KernelSet<double>
{
    /// <summary>Columns of all C = A B + D.</summary>
    public long StepColumns { get; private set; }

    public override string Name => inner.Name;

    public override void Multiply(MatrixView a, MatrixView b, MatrixSpan c) => inner.Multiply(a, b, c);

    public override void MultiplyAdd(MatrixView a, MatrixView b, MatrixSpan c) => inner.MultiplyAdd(a, b, c);

    public override long PackedLength(int rows, int columns, PackedFor uses) => inner.PackedLength(rows, columns, uses);

    public override PackedMatrix Pack(MatrixView a, PackedFor uses, ArraySegment<double> storage) =>
        inner.Pack(a, uses, storage);

    public override void Multiply(PackedMatrix a, MatrixView b, MatrixSpan c) => inner.Multiply(a, b, c);

    public override void Step(PackedMatrix a, MatrixView b, MatrixView d, MatrixSpan c)
    {
        StepColumns += b.Columns;
        inner.Step(a, b, d, c);
    }

    public override void Advance(PackedMatrix a, Span<double> states, StepRun run) => inner.Advance(a, states, run);
}
