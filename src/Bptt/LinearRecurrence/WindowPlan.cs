// How time is cut into windows when memory is bounded: which states are kept, and which are computed again. Data only.

namespace Bptt.LinearRecurrence;

/// <summary>
/// The windows of a pass: of the states, and of the state gradients, only one window is held at a time, and at
/// each border between two windows the states of one step. Checkpointing with equal spacing: Griewank and Walther,
/// "Evaluating Derivatives" (2008), chapter 12; Chen et al., "Training deep nets with sublinear memory cost" (2016).
/// Each state is computed at most twice during a forward and a backward pass, and the memory is least with √T windows.
/// </summary>
internal sealed class WindowPlan
{
    private readonly int[] _borders; // window w: steps _borders[w] + 1 … _borders[w + 1]

    private WindowPlan(int[] borders, long heldColumns)
    {
        _borders = borders;
        HeldColumns = heldColumns;
    }

    public int Count => _borders.Length - 1;

    /// <summary>Columns of states and of state gradients that are held at once, carries of chunks included.</summary>
    public long HeldColumns { get; }

    /// <summary>The step before the first one of a window: 0 or a border.</summary>
    public int StepBefore(int window) => _borders[window];

    public int FirstStep(int window) => _borders[window] + 1;

    public int LastStep(int window) => _borders[window + 1];

    /// <summary>The window of a step; step 0 belongs to the first one.</summary>
    public int WindowOf(int step)
    {
        int place = Array.BinarySearch(_borders, step); // window w ends with step _borders[w + 1]
        return Math.Max(0, (place >= 0 ? place : ~place) - 1);
    }

    /// <summary>One window: everything is kept.</summary>
    public static WindowPlan Single(BatchLayout steps) => Cut(steps, 1);

    /// <summary>One window if it holds at most so many columns; else windows that do. They are as wide as that allows, but
    /// no wider than <paramref name="preferredWidth"/> columns: every state is computed twice in any case, and a window
    /// that stays in the cache between the two passes over it is faster. Null where no number of windows will do.</summary>
    public static WindowPlan? Within(BatchLayout steps, long columns, int preferredWidth)
    {
        WindowPlan single = Single(steps);
        if (single.HeldColumns <= columns)
        {
            return single;
        }
        WindowPlan least = Smallest(steps);
        if (least.HeldColumns > columns)
        {
            return null;
        }
        // What is held shrinks with the number of windows up to that of the smallest plan.
        int low = Math.Min(least.Count, 1 + steps.ColumnCount / Math.Max(1, preferredWidth));
        int high = least.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Cut(steps, middle).HeldColumns <= columns)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        WindowPlan found = Cut(steps, low);
        return found.HeldColumns <= columns ? found : least;
    }

    /// <summary>The plan that holds least, or nearly so: with N columns and a steps' columns kept at each of K borders it
    /// holds about 2.5 N/K + 2 a K. Cost O(√T).</summary>
    public static WindowPlan Smallest(BatchLayout steps)
    {
        double estimate = Math.Sqrt(1.25 * steps.LastStep);
        WindowPlan best = Cut(steps, 1);
        for (double factor = 0.5; factor < 2.0; factor *= 1.1)
        {
            WindowPlan plan = Cut(steps, (int)Math.Clamp(factor * estimate, 1, steps.LastStep));
            if (plan.HeldColumns < best.HeldColumns)
            {
                best = plan;
            }
        }
        return best;
    }

    /// <summary>About so many windows, of nearly equal numbers of columns.</summary>
    private static WindowPlan Cut(BatchLayout steps, int windows)
    {
        var borders = new List<int> { 0 };
        for (int w = 1; w < windows; w++)
        {
            int step = steps.StepOfColumn((int)((long)steps.ColumnCount * w / windows));
            if (step > borders[^1] && step < steps.LastStep)
            {
                borders.Add(step);
            }
        }
        borders.Add(steps.LastStep);

        long largest = 0;
        long atBorders = 0;
        for (int w = 0; w + 1 < borders.Count; w++)
        {
            int before = borders[w];
            int last = borders[w + 1];
            long columns = ColumnsUpTo(steps, last) - ColumnsUpTo(steps, before);
            // The states of the step before come first, the gradients of the step after last; with the carries of
            // chunks, at most half as many columns as a window has.
            int stateBefore = steps.ActiveAt(Math.Max(1, before));
            int gradientAfter = steps.ActiveAt(last + 1);
            largest = Math.Max(largest, 2 * columns + columns / 2 + stateBefore + gradientAfter + steps.SequenceCount);
            atBorders += borders.Count > 2 ? stateBefore + gradientAfter : 0;
        }
        return new WindowPlan([.. borders], largest + atBorders);
    }

    private static long ColumnsUpTo(BatchLayout steps, int step) =>
        step == 0 ? 0 : steps.BlockOf(step).FirstColumn + steps.BlockOf(step).Active;
}
