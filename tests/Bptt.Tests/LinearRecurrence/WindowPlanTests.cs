// How time is cut into windows: every step in one window, what is held as counted column by column.

using Bptt.LinearRecurrence;

namespace Bptt.Tests.LinearRecurrence;

public class WindowPlanTests
{
    [Fact]
    public void Every_step_is_in_the_window_that_says_so_and_what_is_held_is_what_columns_take()
    {
        var random = new Random(17);
        for (int round = 0; round < 200; round++)
        {
            int[] lengths = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 60))];
            var steps = new BatchLayout(lengths);
            int chunkLength = 1 << random.Next(0, 4);
            var plan = WindowPlan.Smallest(steps, chunkLength);
            Check(plan, steps, lengths, chunkLength);
            plan.HeldColumns.Should().BeLessThanOrEqualTo(Held(Whole(steps), lengths, chunkLength).Held);

            int width = random.Next(1, steps.ColumnCount + 1);
            var multiples = WindowPlan.AtMultiples(steps, chunkLength, width);
            Check(multiples, steps, lengths, chunkLength: 1);
            for (int w = 0; w + 1 < multiples.Count; w++)
            {
                (multiples.LastStep(w) % chunkLength).Should().Be(0);
            }

            var limit = new WindowLimit(
                random.NextInt64(plan.HeldColumns, (3 * plan.HeldColumns) + 1), long.MaxValue);
            var within = WindowPlan.Within(steps, limit, width, chunkLength);
            within.Should().NotBeNull();
            Check(within!, steps, lengths, chunkLength);
            within!.HeldColumns.Should().BeLessThanOrEqualTo(limit.HeldColumns);
            if (within.Count > 1 && 1 + (steps.ColumnCount / width) <= plan.Count)
            {
                within.WindowColumns.Should().BeLessThanOrEqualTo(width + (4 * lengths.Length), "as wide as preferred");
            }
            WindowPlan.Within(steps, new WindowLimit(0, long.MaxValue), width, chunkLength).Should().BeNull();
            WindowPlan.Within(steps, new WindowLimit(long.MaxValue, 0), width, chunkLength).Should().BeNull();
            WindowPlan.Within(steps, new WindowLimit(long.MaxValue, long.MaxValue), width, chunkLength)!
                .Count.Should().Be(1, "all is allowed");
        }
        WindowPlan.Single(new BatchLayout([7, 3])).Count.Should().Be(1);
    }

    /// <summary>No more windows than the preferred width and the limit ask for.</summary>
    [Theory]
    [InlineData(100, 2)]
    [InlineData(99, 2)]
    [InlineData(50, 3)]
    [InlineData(34, 3)]
    [InlineData(33, 4)]
    [InlineData(0, 10)] // the smallest plan: 2 · 10 + 2 · 10 columns beside it
    public void Windows_are_as_wide_as_preferred(int width, int windows)
    {
        var steps = new BatchLayout([100]);
        var single = WindowPlan.Single(steps);
        var nearlyAll = new WindowLimit(single.HeldColumns - 1, long.MaxValue);
        WindowPlan plan = WindowPlan.Within(steps, nearlyAll, width, chunkLength: 1)!;
        plan.Count.Should().BeInRange(Math.Min(windows, WindowPlan.Smallest(steps, 1).Count), windows);
        WindowPlan.Within(steps, new WindowLimit(single.HeldColumns, long.MaxValue), width, 1)!.Count.Should().Be(1);
    }

    private static List<(int Before, int Last)> Whole(BatchLayout steps) => [(0, steps.LastStep)];

    private static void Check(WindowPlan plan, BatchLayout steps, int[] lengths, int chunkLength)
    {
        List<(int Before, int Last)> windows = [];
        int next = 1;
        for (int w = 0; w < plan.Count; w++)
        {
            plan.FirstStep(w).Should().Be(next);
            plan.StepBefore(w).Should().Be(next - 1);
            for (; next <= plan.LastStep(w); next++)
            {
                plan.WindowOf(next).Should().Be(w, "step {0}", next);
            }
            windows.Add((plan.StepBefore(w), plan.LastStep(w)));
        }
        next.Should().Be(steps.LastStep + 1);
        plan.WindowOf(0).Should().Be(0);
        (plan.HeldColumns, plan.WindowColumns).Should().Be(Held(windows, lengths, chunkLength));
    }

    /// <summary>States and state gradients of one window with those of the steps beside it, h_0 and ∂L/∂h_0 of every
    /// sequence, and both at every border; carries as bounded.</summary>
    private static (long Held, long Widest) Held(List<(int Before, int Last)> windows, int[] lengths, int chunkLength)
    {
        long held = 0;
        long widest = 0;
        long borders = 0;
        foreach ((int before, int last) in windows)
        {
            long columns = Enumerable.Range(before + 1, last - before).Sum(Active);
            long stateBefore = before == 0 ? lengths.Length : Active(before);
            long gradientAfter = Active(last + 1) + (before == 0 ? lengths.Length : 0);
            held = Math.Max(
                held,
                (2 * columns) + stateBefore + gradientAfter
                    + (chunkLength == 1 ? 0 : 3 * columns / (2 * chunkLength)));
            widest = Math.Max(widest, columns + Math.Max(stateBefore, gradientAfter));
            borders += windows.Count > 1 ? stateBefore + Active(last + 1) : 0;
        }
        return (held + borders, widest);

        int Active(int step) => lengths.Count(length => length >= step);
    }
}
