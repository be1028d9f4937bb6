// Which units of a matrix depend on which: an order in which it is block triangular, and what can be reached from
// where. Looks at which entries are zero, not at their sizes.

namespace Bptt.LinearAlgebra;

internal static class BlockOrder
{
    /// <summary>
    /// An order of rows and columns in which the matrix is block upper triangular, the blocks as small as possible: the
    /// strongly connected components of the graph of its nonzero entries (Tarjan 1972), the dependent ones first. Then
    /// the eigenvalues of a triangular or nilpotent matrix come out exactly, however its units are numbered. Cost
    /// O(h²).
    /// </summary>
    public static int[] UpperTriangular(ScaledMatrix matrix)
    {
        int size = matrix.Rows;
        int[] found = new int[size];     // when a unit was met first, from 1
        int[] lowest = new int[size];    // the earliest unit of its component that is known
        int[] next = new int[size];      // how far its row has been searched
        bool[] isOpen = new bool[size];  // belongs to no finished component yet
        var path = new Stack<int>();
        var open = new Stack<int>();
        var order = new List<int>(size); // dependent components last
        int count = 0;
        for (int root = 0; root < size; root++)
        {
            if (found[root] == 0)
            {
                Enter(root);
            }
            while (path.TryPeek(out int unit))
            {
                if (next[unit] < size)
                {
                    int other = next[unit]++;
                    if (matrix.Values[other * size + unit] == 0.0)
                    {
                        continue;
                    }
                    if (found[other] == 0)
                    {
                        Enter(other);
                    }
                    else if (isOpen[other])
                    {
                        lowest[unit] = Math.Min(lowest[unit], found[other]);
                    }
                    continue;
                }
                path.Pop();
                if (path.TryPeek(out int parent))
                {
                    lowest[parent] = Math.Min(lowest[parent], lowest[unit]);
                }
                if (lowest[unit] == found[unit])
                {
                    int member;
                    do
                    {
                        member = open.Pop();
                        isOpen[member] = false;
                        order.Add(member);
                    }
                    while (member != unit);
                }
            }
        }
        order.Reverse();
        return [.. order];

        void Enter(int unit)
        {
            found[unit] = lowest[unit] = ++count;
            isOpen[unit] = true;
            path.Push(unit);
            open.Push(unit);
        }
    }

    /// <summary>The rows that any Aᵏ B can have a nonzero entry in, ascending: those of B, and what A carries on from
    /// there. Cost O(h² + hm).</summary>
    public static int[] Reached(ScaledMatrix a, ScaledMatrix b)
    {
        int size = a.Rows;
        bool[] isReached = new bool[size];
        var open = new Queue<int>();
        for (int i = 0; i < b.Values.Length; i++)
        {
            if (b.Values[i] != 0.0)
            {
                Reach(i % size);
            }
        }
        while (open.TryDequeue(out int from))
        {
            ReadOnlySpan<double> column = a.Values.Slice(from * size, size);
            for (int to = 0; to < size; to++)
            {
                if (column[to] != 0.0)
                {
                    Reach(to);
                }
            }
        }
        return [.. Enumerable.Range(0, size).Where(i => isReached[i])];

        void Reach(int unit)
        {
            if (!isReached[unit])
            {
                isReached[unit] = true;
                open.Enqueue(unit);
            }
        }
    }
}
