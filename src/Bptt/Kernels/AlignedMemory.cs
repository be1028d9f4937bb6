// Arrays whose numbers begin on a cache line: a register-wide load that crosses two lines costs twice.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bptt.Kernels;

internal static class AlignedMemory
{
    /// <summary>Doubles by which an array must be longer than what it is to hold.</summary>
    public const int Slack = 7;

    private const int LineBytes = 64;

    /// <summary>A new array of undefined numbers. It begins on a cache line for as long as the collector does not move
    /// it, which it never does with a pinned array, and not in practice with a large one.</summary>
    public static ArraySegment<double> Allocate(int length, bool pinned = false)
    {
        double[] array = GC.AllocateUninitializedArray<double>(length + Slack, pinned);
        return new ArraySegment<double>(array, FirstAligned(array), length);
    }

    /// <summary>The part of an array that begins on a cache line.</summary>
    public static Span<double> Align(double[] array, int length) => array.AsSpan(FirstAligned(array), length);

    private static unsafe int FirstAligned(double[] array)
    {
        nint address = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        return (int)(-address & (LineBytes - 1)) / sizeof(double);
    }
}
