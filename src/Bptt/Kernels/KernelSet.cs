// The one face of the arithmetic: everything above calls these operations and no others. Knows no RNN.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bptt.Kernels;

/// <summary>
/// The dense operations of the engine. A set is stateless and safe to use from many threads at once. Callers
/// have checked the shapes; outputs overlap no input unless said otherwise. Results repeat bit for bit, whatever thread
/// computes them; different sets agree to rounding. A NaN or infinity in an operand reaches every entry that it belongs
/// to, also through a product with zero.
/// </summary>
internal abstract class KernelSet<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Magnitudes below this become zero inside the recurrences: 1e-290, in single precision 1e-30. That is
    /// far above the subnormal range, which begins at 2.2e-308 and 1.2e-38, so that products of flushed values with
    /// ordinary weights stay normal. Subnormal operands cost over a hundred cycles each on common processors, and a
    /// decaying recurrence is full of them.</summary>
    public static TReal FlushThreshold
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TReal.CreateTruncating(typeof(TReal) == typeof(float) ? 1e-30 : 1e-290);
    }

    /// <summary>The name by which the set is chosen.</summary>
    public abstract string Name { get; }

    /// <summary>C = A B, BLAS <c>gemm</c> with β = 0: what <paramref name="c"/> held is never read.</summary>
    public abstract void Multiply(MatrixView<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c);

    /// <summary>C += A B, BLAS <c>gemm</c> with β = 1.</summary>
    public abstract void MultiplyAdd(MatrixView<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c);

    /// <summary>Doubles of storage that <see cref="Pack"/> needs for a matrix.</summary>
    public abstract long PackedLength(int rows, int columns, PackedFor uses);

    /// <summary>Copies a matrix that will be the left side of many products.</summary>
    /// <param name="a">The matrix.</param>
    /// <param name="uses">The products that it will serve.</param>
    /// <param name="storage">At least <see cref="PackedLength"/> long; belongs to the packed matrix afterwards.</param>
    public abstract PackedMatrix<TReal> Pack(MatrixView<TReal> a, PackedFor uses, ArraySegment<TReal> storage);

    /// <summary>C = A B.</summary>
    public abstract void Multiply(PackedMatrix<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c);

    /// <summary>C = A B + D, entries below <see cref="FlushThreshold"/> in magnitude set to zero. C may be D
    /// itself.</summary>
    public abstract void Step(PackedMatrix<TReal> a, MatrixView<TReal> b, MatrixView<TReal> d, MatrixSpan<TReal> c);

    /// <summary>Several steps in place, one after the other: see <see cref="StepRun"/>. Entries of the results below
    /// <see cref="FlushThreshold"/> in magnitude are set to zero.</summary>
    /// <param name="a">A, packed for the number of columns that is carried.</param>
    /// <param name="states">The columns, without gaps: as many rows as A.</param>
    /// <param name="run">Which columns.</param>
    public abstract void Advance(PackedMatrix<TReal> a, Span<TReal> states, StepRun run);

    /// <summary>Sets every entry with magnitude below <see cref="FlushThreshold"/> to zero; NaN stays.</summary>
    public static void FlushTiny(Span<TReal> values)
    {
        int whole = values.Length - values.Length % Vector<TReal>.Count;
        var threshold = new Vector<TReal>(FlushThreshold);
        for (int i = 0; i < whole; i += Vector<TReal>.Count)
        {
            var entries = new Vector<TReal>(values[i..]);
            Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(entries), threshold), Vector<TReal>.Zero, entries)
                .CopyTo(values[i..]);
        }
        foreach (ref TReal value in values[whole..])
        {
            if (TReal.Abs(value) < FlushThreshold)
            {
                value = TReal.Zero;
            }
        }
    }
}
