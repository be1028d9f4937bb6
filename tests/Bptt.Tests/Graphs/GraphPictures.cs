// The unrollings whose pictures are looked at, and what all pictures have in common.

using Bptt.Graphs;

namespace Bptt.Tests.Graphs;

internal static class GraphPictures
{
    /// <summary>Those of <see cref="All"/> that Graphviz lays out in less than a second.</summary>
    public static TheoryData<int, bool, bool, int?> Small
    {
        get
        {
            TheoryData<int, bool, bool, int?> small = new();
            foreach (object?[] picture in All.Where(p => (int)p[0]! <= 12))
            {
                small.Add((int)picture[0]!, (bool)picture[1]!, (bool)picture[2]!, (int?)picture[3]);
            }
            return small;
        }
    }

    /// <summary>Steps, gradients, stored, windows: small and large, each option alone and all together.</summary>
    public static TheoryData<int, bool, bool, int?> All => new()
    {
        { 1, false, false, null },
        { 1, true, true, 1 },
        { 2, false, true, null },
        { 3, false, false, null },
        { 3, true, false, null },
        { 3, true, true, 2 },
        { 10, false, true, null },
        { 10, true, false, 1 },
        { 12, true, true, 5 },
        { 100, true, true, 7 },
    };

    public static ComputationGraph Of(int steps, bool gradients, bool stored, int? window) => ComputationGraph.Unroll(
        steps,
        new ComputationGraphOptions
        {
            ShowGradients = gradients,
            ShowStored = stored,
            Truncation = window is int k ? Truncation.Windows(k) : null,
        });
}
