// The one face of the arithmetic: everything above calls these operations and no others. Knows no RNN.

using System.Numerics;

namespace Bptt.Kernels;

/// <summary>
/// The dense operations of the engine. A set is stateless and safe to use from many threads at once. Callers
/// have checked the shapes; outputs overlap no input unless said otherwise. Results repeat bit for bit, whatever thread
/// computes them; different sets agree to rounding. A NaN or infinity in an operand reaches every entry that it belongs
/// to, also through a product with zero.
/// </summary>
internal abstract class KernelSet
{
    /// <summary>Magnitudes below this become zero inside the recurrences: far above the subnormal range, which
    /// begins at 2.2e-308, so that products of flushed values with ordinary weights stay normal. Subnormal operands
    /// cost over a hundred cycles each on common processors, and a decaying recurrence is full of them.</summary>
    public const double FlushThreshold = 1e-290;

    /// <summary>The name by which the set is chosen.</summary>
    public abstract string Name { get; }

    /// <summary>C = A B, BLAS <c>gemm</c> with β = 0: what <paramref name="c"/> held is never read.</summary>
    public abstract void Multiply(MatrixView a, MatrixView b, MatrixSpan c);

    /// <summary>C += A B, BLAS <c>gemm</c> with β = 1.</summary>
    public abstract void MultiplyAdd(MatrixView a, MatrixView b, MatrixSpan c);

    /// <summary>Doubles of storage that <see cref="Pack"/> needs for a matrix.</summary>
    public abstract long PackedLength(int rows, int columns, PackedFor uses);

    /// <summary>Copies a matrix that will be the left side of many products.</summary>
    /// <param name="a">The matrix.</param>
    /// <param name="uses">The products that it will serve.</param>
    /// <param name="storage">At least <see cref="PackedLength"/> long; belongs to the packed matrix afterwards.</param>
    public abstract PackedMatrix Pack(MatrixView a, PackedFor uses, ArraySegment<double> storage);

    /// <summary>C = A B.</summary>
    public abstract void Multiply(PackedMatrix a, MatrixView b, MatrixSpan c);

    /// <summary>C = A B + D, entries below <see cref="FlushThreshold"/> in magnitude set to zero. C may be D
    /// itself.</summary>
    public abstract void Step(PackedMatrix a, MatrixView b, MatrixView d, MatrixSpan c);

    /// <summary>Several steps in place, one after the other: see <see cref="StepRun"/>. Entries of the results below
    /// <see cref="FlushThreshold"/> in magnitude are set to zero.</summary>
    /// <param name="a">A, packed for the number of columns that is carried.</param>
    /// <param name="states">The columns, without gaps: as many rows as A.</param>
    /// <param name="run">Which columns.</param>
    public abstract void Advance(PackedMatrix a, Span<double> states, StepRun run);

    /// <summary>Sets every entry with magnitude below <see cref="FlushThreshold"/> to zero; NaN stays.</summary>
    public static void FlushTiny(Span<double> values)
    {
        int whole = values.Length - values.Length % Vector<double>.Count;
        var threshold = new Vector<double>(FlushThreshold);
        for (int i = 0; i < whole; i += Vector<double>.Count)
        {
            var entries = new Vector<double>(values[i..]);
            Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(entries), threshold), Vector<double>.Zero, entries)
                .CopyTo(values[i..]);
        }
        foreach (ref double value in values[whole..])
        {
            if (Math.Abs(value) < FlushThreshold)
            {
                value = 0.0;
            }
        }
    }
}
