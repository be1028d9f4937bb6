// Sees to it that passes within a memory budget, one after the other, do not pile up what each of them has taken: the
// collector of the runtime knows of no budget and lets several times as much lie.

namespace Bptt.Kernels;

/// <summary>What the passes of this process have taken within memory budgets since all that was unused was last
/// collected here.</summary>
internal static class BudgetedMemory
{
    /// <summary>A full collection goes through everything that the process holds. It is worth it when there may be as
    /// much to free as this part of that.</summary>
    private const double WorthCollecting = 0.25;

    private const long LeastWorthCollecting = 32L << 20;

    private static readonly Lock Gate = new();
    private static long _taken;

    /// <summary>A pass is about to take so many bytes. What earlier ones have left is collected first, where that may
    /// be much.</summary>
    public static void Take(long bytes)
    {
        lock (Gate)
        {
            GCMemoryInfo heap = GC.GetGCMemoryInfo();
            long held = heap.HeapSizeBytes - heap.FragmentedBytes; // gaps cost a collection nothing
            if (_taken > Math.Max(LeastWorthCollecting, WorthCollecting * held))
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
                _taken = 0;
            }
            _taken += bytes;
        }
    }
}
