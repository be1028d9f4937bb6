// The fast kernels: how a product is cut into strips and tiles for the two inner kernels. One text for every width of
// register. They are compiled with full optimisation at once: unoptimised, as the runtime compiles other methods at
// first, the loops around the kernels cost more than the kernels, for many passes.
//
//   A is cut into strips of 3, 2 or 1 registers of rows, each run over all columns of B, in tiles of TileColumns
//   columns.
//   For a single column A is cut into strips of 8, 4, 2 or 1 registers. The last register of the last strip may be only
//   partly filled: a packed A is filled up with zeros there, and C is written under a mask.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bptt.Kernels;

/// <inheritdoc/>
internal sealed unsafe partial class SimdKernels<TReal, TSimd, TVector>(string name) : KernelSet<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    where TSimd : struct, ISimd<TReal, TVector>
    where TVector : struct
{
    /// <summary>Columns of A that a strip takes at a time, where the strip is packed for many products: the strip
    /// passes through the first-level cache once for each tile.</summary>
    private const int PackedDepth = 512;

    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override void Multiply(MatrixView<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c) =>
        Product(a, b, c, Accumulate.No);

    /// <inheritdoc/>
    public override void MultiplyAdd(MatrixView<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c) =>
        Product(a, b, c, Accumulate.Yes);

    /// <inheritdoc/>
    public override long PackedLength(int rows, int columns, PackedFor uses) =>
        (long)Registers(rows) * TSimd.Width * columns * BitOperations.PopCount((uint)uses);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override PackedMatrix<TReal> Pack(MatrixView<TReal> a, PackedFor uses, ArraySegment<TReal> storage)
    {
        int length = Registers(a.Rows) * TSimd.Width * a.Columns;
        fixed (TReal* to = storage.AsSpan())
        fixed (TReal* from = a.Values)
        {
            TReal* next = to;
            if (uses.HasFlag(PackedFor.Columns))
            {
                next = PackStrips(a, from, next, &StripRegisters);
            }
            if (uses.HasFlag(PackedFor.OneColumn))
            {
                PackStrips(a, from, next, &OneColumnStripRegisters);
            }
        }
        return new PackedMatrix<TReal>(a.Rows, a.Columns, uses, storage, uses.HasFlag(PackedFor.Columns) ? length : 0);
    }

    /// <inheritdoc/>
    public override void Multiply(PackedMatrix<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c)
    {
        Debug.Assert(a.Columns == b.Rows && a.Rows == c.Rows && b.Columns == c.Columns, "Shapes do not fit.");
        fixed (TReal* pa = a.Values.AsSpan())
        fixed (TReal* pb = b.Values)
        fixed (TReal* pc = c.Values)
        {
            var job = new TileJob<TReal>
            {
                B = pb,
                BRowStride = b.RowStride,
                BColumnStride = b.ColumnStride,
                BTileStride = TSimd.TileColumns * (nint)b.ColumnStride,
                C = pc,
                CStride = c.LeadingDimension,
            };
            PackedProduct(a, pa, job, c.Columns, flush: false);
        }
    }

    /// <inheritdoc/>
    public override void Step(PackedMatrix<TReal> a, MatrixView<TReal> b, MatrixView<TReal> d, MatrixSpan<TReal> c)
    {
        Debug.Assert(a.Columns == b.Rows && a.Rows == c.Rows && b.Columns == c.Columns, "Shapes do not fit.");
        Debug.Assert(d.Rows == c.Rows && d.Columns == c.Columns && !d.IsTransposed, "The addend does not fit.");
        fixed (TReal* pa = a.Values.AsSpan())
        fixed (TReal* pb = b.Values)
        fixed (TReal* pc = c.Values)
        fixed (TReal* pd = d.Values)
        {
            var job = new TileJob<TReal>
            {
                B = pb,
                BRowStride = b.RowStride,
                BColumnStride = b.ColumnStride,
                BTileStride = TSimd.TileColumns * (nint)b.ColumnStride,
                C = pc,
                CStride = c.LeadingDimension,
                D = pd,
                DStride = d.LeadingDimension,
            };
            PackedProduct(a, pa, job, c.Columns, flush: true);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Advance(PackedMatrix<TReal> a, Span<TReal> states, StepRun run)
    {
        nint h = a.Rows;
        Debug.Assert(a.Rows == a.Columns, "A step needs a square matrix.");
        Debug.Assert(
            a.Uses.HasFlag(run.Count == 1 ? PackedFor.OneColumn : PackedFor.Columns), "Packed for other products.");
        Debug.Assert(
            Math.Max(run.First, run.First + run.Steps * run.StepDistance) + (run.Count - 1) * run.Spacing
                < states.Length / h,
            "Columns lie outside.");
        fixed (TReal* pa = a.Values.AsSpan())
        fixed (TReal* ps = states)
        {
            TReal* from = ps + run.First * h;
            for (int step = 0; step < run.Steps; step++)
            {
                TReal* to = from + run.StepDistance * h;
                if (run.Count == 1)
                {
                    OneColumnStep(a, pa + a.OneColumnOffset, from, to);
                }
                else
                {
                    var job = new TileJob<TReal>
                    {
                        B = from,
                        BRowStride = 1,
                        BColumnStride = run.Spacing * h,
                        BTileStride = TSimd.TileColumns * run.Spacing * h,
                        C = to,
                        CStride = run.Spacing * h,
                        D = to,
                        DStride = run.Spacing * h,
                    };
                    PackedProduct(a, pa, job, run.Count, flush: true);
                }
                from = to;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneColumnStep(PackedMatrix<TReal> a, TReal* strip, TReal* b, TReal* c)
    {
        for (int r = 0; r < Registers(a.Rows);)
        {
            int height = OneColumnStripRegisters(Registers(a.Rows) - r);
            int tailRows = TailRows(a.Rows, r * TSimd.Width, height);
            TReal* to = c + r * TSimd.Width;
            switch (height)
            {
                case 8:
                    VectorKernel<TReal, TSimd, TVector>.Run<N8>(a.Columns, strip, b, to, tailRows);
                    break;
                case 4:
                    VectorKernel<TReal, TSimd, TVector>.Run<N4>(a.Columns, strip, b, to, tailRows);
                    break;
                case 2:
                    VectorKernel<TReal, TSimd, TVector>.Run<N2>(a.Columns, strip, b, to, tailRows);
                    break;
                default:
                    VectorKernel<TReal, TSimd, TVector>.Run<N1>(a.Columns, strip, b, to, tailRows);
                    break;
            }
            strip += (nint)height * TSimd.Width * a.Columns;
            r += height;
        }
    }

    /// <summary>C = A B + D for a packed A; the job holds B, C and D.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackedProduct(PackedMatrix<TReal> a, TReal* strips, TileJob<TReal> job, int columns, bool flush)
    {
        TReal* b = job.B;
        TReal* c = job.C;
        TReal* d = job.D;
        int done = 0;
        do
        {
            job.Depth = Math.Min(PackedDepth, a.Columns - done);
            bool isLast = done + job.Depth == a.Columns;
            for (int r = 0; r < Registers(a.Rows);)
            {
                int height = StripRegisters(Registers(a.Rows) - r);
                nint row = r * TSimd.Width;
                job.A = strips + row * a.Columns + (nint)done * height * TSimd.Width;
                job.AStride = height * TSimd.Width;
                job.B = b + done * job.BRowStride;
                job.C = c + row;
                job.D = d == null ? null : d + row;
                job.TailRows = TailRows(a.Rows, r * TSimd.Width, height);
                RunStrip(height, ref job, columns, flush && isLast);
                r += height;
            }
            done += job.Depth;
            d = c; // what the first part of the depth has left
            job.DStride = job.CStride;
        }
        while (done < a.Columns);
    }
}
