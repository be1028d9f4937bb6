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

    private WindowPlan(int[] borders, long heldColumns, long windowColumns)
    {
        _borders = borders;
        HeldColumns = heldColumns;
        WindowColumns = windowColumns;
    }

    public int Count => _borders.Length - 1;

    /// <summary>Columns of states and of state gradients that are held at once, the carries of one window
    /// included.</summary>
    public long HeldColumns { get; }

    /// <summary>The most columns of states of one window, with those of the step before.</summary>
    public long WindowColumns { get; }

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
    public static WindowPlan Single(BatchLayout steps) => Cut(steps, 1, chunkLength: 1);

    /// <summary>Windows of about so many columns that end at multiples of S.</summary>
    public static WindowPlan AtMultiples(BatchLayout steps, int chunkLength, int width) => Cut(
        steps, 1 + steps.ColumnCount / Math.Max(1, width), chunkLength: 1, multiple: chunkLength);

    /// <summary>One window if it holds at most so many columns; else windows that do. They are as wide as that allows,
    /// but no wider than <paramref name="preferredWidth"/> columns: every state is computed twice in any case, and a
    /// window that stays in the cache between the two passes over it is faster. Null where no number of windows will
    /// do.</summary>
    /// <param name="steps">The layout of steps 1 … T.</param>
    /// <param name="limit">What may be held.</param>
    /// <param name="preferredWidth">In columns.</param>
    /// <param name="chunkLength">S, where the recurrence is run in chunks; 1 where not.</param>
    public static WindowPlan? Within(BatchLayout steps, WindowLimit limit, int preferredWidth, int chunkLength)
    {
        WindowPlan single = Cut(steps, 1, chunkLength);
        if (limit.Allows(single))
        {
            return single;
        }
        WindowPlan least = Smallest(steps, chunkLength);
        if (!limit.Allows(least))
        {
            return null;
        }
        // What is held shrinks with the number of windows up to that of the smallest plan.
        int low = Math.Min(least.Count, 1 + steps.ColumnCount / Math.Max(1, preferredWidth));
        int high = least.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (limit.Allows(Cut(steps, middle, chunkLength)))
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        WindowPlan found = Cut(steps, low, chunkLength);
        return limit.Allows(found) ? found : least;
    }

    /// <summary>The plan that holds least, or nearly so: with N columns and a steps' columns kept at each of K borders
    /// it holds about 2 N/K + 2 a K. Cost O(√T).</summary>
    public static WindowPlan Smallest(BatchLayout steps, int chunkLength)
    {
        double estimate = Math.Sqrt(steps.LastStep);
        WindowPlan best = Cut(steps, 1, chunkLength);
        for (double factor = 0.5; factor < 2.0; factor *= 1.1)
        {
            WindowPlan plan = Cut(steps, (int)Math.Clamp(factor * estimate, 1, steps.LastStep), chunkLength);
            if (plan.HeldColumns < best.HeldColumns)
            {
                best = plan;
            }
        }
        return best;
    }

    /// <summary>About so many windows, of nearly equal numbers of columns.</summary>
    private static WindowPlan Cut(BatchLayout steps, int windows, int chunkLength, int multiple = 1)
    {
        var borders = new List<int> { 0 };
        for (int w = 1; w < windows; w++)
        {
            int step = steps.StepOfColumn((int)((long)steps.ColumnCount * w / windows)) / multiple * multiple;
            if (step > borders[^1] && step < steps.LastStep)
            {
                borders.Add(step);
            }
        }
        borders.Add(steps.LastStep);

        long held = 0;
        long widest = 0;
        long atBorders = 0;
        for (int w = 0; w + 1 < borders.Count; w++)
        {
            int before = borders[w];
            int last = borders[w + 1];
            long columns = ColumnsUpTo(steps, last) - ColumnsUpTo(steps, before);
            // The states of the step before come first, the gradients of the step after last (and of step 0).
            int stateBefore = steps.ActiveAt(Math.Max(1, before));
            int gradientAfter = w == 0 ? steps.SequenceCount + steps.ActiveAt(last + 1) : steps.ActiveAt(last + 1);
            held = Math.Max(held, 2 * columns + stateBefore + gradientAfter + CarryColumns(columns, chunkLength));
            widest = Math.Max(widest, columns + Math.Max(stateBefore, gradientAfter));
            atBorders += borders.Count > 2 ? stateBefore + steps.ActiveAt(last + 1) : 0;
        }
        return new WindowPlan([.. borders], held + atBorders, widest);
    }

    /// <summary>At most so many carries: two chunks of a block have three.</summary>
    public static long CarryColumns(long columns, int chunkLength) =>
        chunkLength == 1 ? 0 : 3 * columns / (2 * chunkLength);

    private static long ColumnsUpTo(BatchLayout steps, int step) =>
        step == 0 ? 0 : steps.BlockOf(step).FirstColumn + steps.BlockOf(step).Active;
}

/// <summary>What a plan may hold.</summary>
/// <param name="HeldColumns">In all.</param>
/// <param name="WindowColumns">In one array.</param>
internal readonly record struct WindowLimit(long HeldColumns, long WindowColumns)
{
    public bool Allows(WindowPlan plan) => plan.HeldColumns <= HeldColumns && plan.WindowColumns <= WindowColumns;
}
