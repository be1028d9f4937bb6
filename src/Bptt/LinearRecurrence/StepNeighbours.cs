// Which columns of a step lie beside those of the step before or after it, in runs that are as long as possible. Knows
// layouts only, no values.

namespace Bptt.LinearRecurrence;

/// <summary>For products that take each step's columns with those of a neighbouring step: Σ a_t b_{t−1}ᵀ, or u_t + A s_{t+1}.
/// Where sequences end between two steps the earlier block is wider, and only its first columns have a neighbour.</summary>
internal static class StepNeighbours
{
    /// <summary>Successive columns.</summary>
    /// <param name="Column">The first one, in the layout of the steps.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Neighbour">The first of their neighbours, in the layout of those.</param>
    public readonly record struct Run(int Column, int Count, int Neighbour);

    /// <summary>Steps t with steps t − 1: every column of t has a neighbour.</summary>
    /// <param name="layout">The layout of all steps.</param>
    /// <param name="neighbours">That of the neighbours, which holds the step before the first one.</param>
    /// <param name="firstStep">The first step, at least 1.</param>
    /// <param name="lastStep">The last one.</param>
    public static IEnumerable<Run> Before(BatchLayout layout, BatchLayout neighbours, int firstStep, int lastStep)
    {
        for (int step = firstStep; step <= lastStep;)
        {
            BatchLayout.Segment segment = layout.Segments[layout.SegmentOf(step)];
            int last = Math.Min(lastStep, segment.FirstStep + segment.StepCount - 1);
            int column = segment.FirstColumn + (step - segment.FirstStep) * segment.Active;
            BatchLayout.Block before = neighbours.BlockOf(step - 1);
            if (before.Active != segment.Active)
            {
                // These do not lie beside the columns that the rest of the segment has before it.
                yield return new Run(column, segment.Active, before.FirstColumn);
                column += segment.Active;
                step++;
                before = neighbours.BlockOf(step - 1);
            }
            if (step <= last)
            {
                yield return new Run(column, (last - step + 1) * segment.Active, before.FirstColumn);
            }
            step = last + 1;
        }
    }

    /// <summary>Steps t with steps t + 1: the columns of sequences that end with t are left out.</summary>
    /// <param name="layout">The layout of all steps.</param>
    /// <param name="neighbours">That of the neighbours, which holds the step after the last one, if there is one.</param>
    /// <param name="firstStep">The first step, at least 1.</param>
    /// <param name="lastStep">The last one.</param>
    public static IEnumerable<Run> After(BatchLayout layout, BatchLayout neighbours, int firstStep, int lastStep)
    {
        for (int step = firstStep; step <= lastStep;)
        {
            BatchLayout.Segment segment = layout.Segments[layout.SegmentOf(step)];
            int end = segment.FirstStep + segment.StepCount - 1; // after it sequences have ended
            int together = Math.Min(lastStep, end - 1) - step + 1;
            int column = segment.FirstColumn + (step - segment.FirstStep) * segment.Active;
            if (together > 0)
            {
                yield return new Run(
                    column, together * segment.Active, neighbours.BlockOf(step + 1).FirstColumn);
            }
            if (end <= lastStep && end < layout.LastStep)
            {
                yield return new Run(
                    segment.FirstColumn + (end - segment.FirstStep) * segment.Active,
                    layout.ActiveAt(end + 1),
                    neighbours.BlockOf(end + 1).FirstColumn);
            }
            step = Math.Min(lastStep, end) + 1;
        }
    }
}
