// The one face of the arithmetic: everything above calls these operations and no others. Knows no RNN.

namespace Bptt.Kernels;

/// <summary>
/// The dense operations of the engine. A set is stateless and safe to use from many threads at once. Callers
/// have checked the shapes; outputs overlap no input.
/// </summary>
internal abstract class KernelSet
{
    /// <summary>The set that passes use unless told otherwise.</summary>
    public static KernelSet Default { get; } = new PlainKernels();

    /// <summary>
    /// C = A B, BLAS <c>gemm</c> with β = 0: what <paramref name="c"/> held is never read. A NaN or infinity in A or B
    /// reaches every entry of C that it belongs to, also through a product with zero. Repeatable bit for bit.
    /// </summary>
    public abstract void Multiply(MatrixView a, MatrixView b, MatrixSpan c);

    /// <summary>C += A B, BLAS <c>gemm</c> with β = 1; otherwise as <see cref="Multiply"/>.</summary>
    public abstract void MultiplyAdd(MatrixView a, MatrixView b, MatrixSpan c);

    /// <summary>
    /// Sets every entry with magnitude below <see cref="FlushThreshold"/> to zero; NaN stays. Subnormal operands
    /// cost over a hundred cycles each on common processors, and a decaying recurrence is full of them.
    /// </summary>
    public abstract void FlushTiny(MatrixSpan matrix);

    /// <summary>Magnitudes below this become zero inside the recurrences: far above the subnormal range, which
    /// begins at 2.2e-308, so that products of flushed values with ordinary weights stay normal.</summary>
    public const double FlushThreshold = 1e-290;
}
