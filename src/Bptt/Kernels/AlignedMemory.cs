// Arrays whose numbers begin on a cache line: a register-wide load that crosses two lines costs twice.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bptt.Kernels;

internal static class AlignedMemory
{
    private const int LineBytes = 64;

    /// <summary>Numbers by which an array must be longer than what it is to hold.</summary>
    public static int Slack<TReal>()
        where TReal : unmanaged => LineBytes / Unsafe.SizeOf<TReal>() - 1;

    /// <summary>A new array of undefined numbers. It begins on a cache line for as long as the collector does not move
    /// it, which it never does with a pinned array, and not in practice with a large one.</summary>
    public static ArraySegment<TReal> Allocate<TReal>(int length, bool pinned = false)
        where TReal : unmanaged
    {
        TReal[] array = GC.AllocateUninitializedArray<TReal>(length + Slack<TReal>(), pinned);
        return new ArraySegment<TReal>(array, FirstAligned(array), length);
    }

    /// <summary>The part of an array that begins on a cache line.</summary>
    public static Span<TReal> Align<TReal>(TReal[] array, int length)
        where TReal : unmanaged => array.AsSpan(FirstAligned(array), length);

    private static unsafe int FirstAligned<TReal>(TReal[] array)
        where TReal : unmanaged
    {
        nint address = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        return (int)(-address & (LineBytes - 1)) / Unsafe.SizeOf<TReal>();
    }
}
