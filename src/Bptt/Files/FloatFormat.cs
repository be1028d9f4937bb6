// The kinds of numbers that tensors are kept in. Only names; TensorBytes reads and writes them.

using System.Diagnostics.CodeAnalysis;

namespace Bptt.Files;

/// <summary>How a file keeps the numbers of a <see cref="StoredTensor"/>.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "The kinds differ by their numbers of bits.")]
public enum FloatFormat
{
    /// <summary>64 bits, 53 of them significant; F64 in safetensors, &lt;f8 in NumPy.</summary>
    Float64,

    /// <summary>32 bits, 24 of them significant; F32, &lt;f4.</summary>
    Float32,

    /// <summary>16 bits, 11 of them significant; F16, &lt;f2.</summary>
    Float16,

    /// <summary>16 bits, 8 of them significant; BF16, not in NumPy.</summary>
    BFloat16,
}
