// How many bytes a plan says it holds: columns of its windows, of the ends of chunks and of their carries, counted here
// one by one.

using Bptt.LinearRecurrence;

namespace Bptt.Tests;

public class MemoryPlanTests
{
    [Fact]
    public void Bytes_are_those_of_the_columns_that_are_held()
    {
        var random = new Random(2024);
        int withCarries = 0;
        for (int round = 0; round < 300; round++)
        {
            int[] lengths = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 80))];
            var steps = new BatchLayout(lengths);
            int h = random.Next(1, 9);
            int chunkLength = 1 << random.Next(0, 4);
            Precision precision = random.Next(2) == 0 ? Precision.Double : Precision.Single;
            int bytesOfColumn = h * (precision == Precision.Double ? 8 : 4);
            var least = WindowPlan.Smallest(steps, chunkLength);
            long smallest = MemoryPlan.SmallestBudget(h, chunkLength, steps, precision);
            smallest.Should().Be(bytesOfColumn * least.HeldColumns);
            FluentActions.Invoking(() => new MemoryPlan(smallest - 1, h, chunkLength, steps, precision))
                .Should().Throw<ArgumentException>().WithMessage($"*at least {smallest} bytes*");

            long budget = random.NextInt64(smallest, 4 * smallest);
            var plan = new MemoryPlan(budget, h, chunkLength, steps, precision);
            plan.Budget.Should().Be(budget);
            plan.HeldBytes.Should().BeLessThanOrEqualTo(budget, "round {0}", round);
            // The carries of all chunks are kept where they fit beside windows of their own.
            long carries = chunkLength == 1 ? 0 : 3L * lengths.Sum() / (2 * chunkLength);
            WindowPlan? beside = chunkLength == 1 ? null : WindowPlan.Within(
                steps, new WindowLimit((budget / bytesOfColumn) - carries, long.MaxValue), int.MaxValue, chunkLength);
            plan.KeepsCarries.Should().Be(beside?.Count > 1, "round {0}", round);
            withCarries += plan.KeepsCarries ? 1 : 0;
            plan.HeldBytes.Should().Be(
                bytesOfColumn * (plan.Windows.HeldColumns + (plan.KeepsCarries ? carries : 0)), "round {0}", round);
            plan.WindowCount.Should().Be(plan.Windows.Count);
            plan.LongestWindow.Should().Be(Enumerable.Range(0, plan.WindowCount).Max(
                w => plan.Windows.LastStep(w) - plan.Windows.FirstStep(w) + 1));
            plan.Recomputes.Should().Be(plan.WindowCount > 1);
            (plan.ForReading() == plan.Windows).Should().Be(plan.WindowCount > 1);

            plan.IsFor(budget, h, chunkLength, steps, precision).Should().BeTrue();
            plan.IsFor(budget + 1, h, chunkLength, steps, precision).Should().BeFalse();
            plan.IsFor(budget, h + 1, chunkLength, steps, precision).Should().BeFalse();
            plan.IsFor(budget, h, chunkLength + 1, steps, precision).Should().BeFalse();
            plan.IsFor(budget, h, chunkLength, new BatchLayout([.. lengths, 1]), precision).Should().BeFalse();
            plan.IsFor(budget, h, chunkLength, steps, 1 - precision).Should().BeFalse();
        }
        withCarries.Should().BeGreaterThan(20);
    }

    /// <summary>The states at the ends of chunks, those at the beginnings and as many gradients, beside one
    /// window.</summary>
    [Fact]
    public void A_lifted_pass_holds_the_ends_of_its_chunks_and_one_window()
    {
        var random = new Random(2025);
        int none = 0;
        int several = 0;
        for (int round = 0; round < 200; round++)
        {
            int[] lengths = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(1, 200))];
            var steps = new BatchLayout(lengths);
            int h = random.Next(1, 9);
            int chunkLength = 1 << random.Next(1, 5);
            long budget = random.NextInt64(MemoryPlan.SmallestBudget(h, 1, steps), 3L * 8 * h * (lengths.Sum() + 20));
            var whole = new MemoryPlan(budget, h, 1, steps);
            MemoryPlan? lifted = whole.ForLifted(chunkLength);
            int ends = lengths.Length + (lengths.Sum() / chunkLength);
            // Windows of half the width each time, and none below a chunk: the first that fits.
            WindowPlan? expected = null;
            for (int width = (2 << 20) / (8 * h); expected is null && width >= 1; width /= 2)
            {
                var tried = WindowPlan.AtMultiples(steps, chunkLength, width);
                expected = 8L * h * (tried.HeldColumns + (2 * ends)) <= budget ? tried : null;
                if (width <= chunkLength)
                {
                    break;
                }
            }
            (lifted is null).Should().Be(expected is null, "round {0}", round);
            none += lifted is null ? 1 : 0;
            if (lifted is not null)
            {
                lifted.WindowCount.Should().Be(expected!.Count);
                lifted.HeldBytes.Should().Be(8L * h * (expected.HeldColumns + (2 * ends)));
                lifted.Recomputes.Should().BeFalse();
                lifted.Budget.Should().Be(budget);
                several += lifted.WindowCount > 1 ? 1 : 0;
            }
        }
        none.Should().BeGreaterThan(10);
        several.Should().BeGreaterThan(10);
        new MemoryPlan(null, 3, 1, new BatchLayout([100])).ForLifted(4)!.WindowCount.Should().Be(1);
    }

    /// <summary>Two megabytes of states or gradients, whatever the budget allows beyond that.</summary>
    [Fact]
    public void Windows_are_no_wider_than_the_cache_is_worth()
    {
        const int h = 1024; // 256 columns
        var steps = new BatchLayout([2000]);
        long nearlyAll = (8 * h * WindowPlan.Single(steps).HeldColumns) - 1;
        new MemoryPlan(nearlyAll, h, 1, steps).WindowCount.Should().Be(1 + (2000 / 256));
        new MemoryPlan(nearlyAll + 1, h, 1, steps).WindowCount.Should().Be(1);
        new MemoryPlan(null, h, 1, steps).ForReading().Count.Should().Be(1 + (2000 / 256));
    }
}
