// How steps are cut into blocks: every step once and in order, as large as is aimed at, in chunks wherever two find
// room, with carries that lie side by side.

using Bptt.LinearRecurrence;

namespace Bptt.Tests.LinearRecurrence;

public class RecurrencePlanTests
{
    [Fact]
    public void Blocks_hold_every_step_once_and_as_many_columns_as_is_aimed_at()
    {
        var random = new Random(77);
        int chunked = 0;
        int grouped = 0;
        for (int round = 0; round < 500; round++)
        {
            int[] lengths = [.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => random.Next(1, 60))];
            var steps = new BatchLayout(lengths);
            int h = random.Next(1, 20);
            int chunkLength = random.Next(2) == 0 ? 1 : 1 << random.Next(1, 4);
            PlanTuning tuning = PlanTuning.Default with
            {
                BlockEntries = random.Next(1, 400),
                MinBlockColumns = random.Next(1, 10),
                MaxBlockColumns = random.Next(10, 60),
                WantedBlocks = random.Next(1, 20),
                MinChunks = random.Next(1, 6),
                MinGroupWidth = random.Next(1, 9),
                GroupWork = random.Next(1, 5000),
            };
            var plan = RecurrencePlan.For(steps, h, chunkLength, tuning);
            string where = $"round {round}: h = {h}, S = {chunkLength}, {string.Join(' ', lengths)}, {tuning}";

            int wanted = Math.Min(
                Math.Clamp(tuning.BlockEntries / h, tuning.MinBlockColumns, tuning.MaxBlockColumns),
                Math.Max(tuning.MinBlockColumns, lengths.Sum() / tuning.WantedBlocks));
            int step = 1;
            int column = 0;
            int carries = 0;
            foreach (TimeBlock block in plan.Blocks)
            {
                (block.FirstStep, block.FirstColumn).Should().Be((step, column), where);
                block.StepCount.Should().BePositive(where);
                int active = Active(step);
                int alike =
                    Enumerable.Range(step, steps.LastStep - step + 1).TakeWhile(t => Active(t) == active).Count();
                int columns = Enumerable.Range(step, block.StepCount).Sum(Active);
                block.ColumnCount.Should().Be(columns, where);
                if (chunkLength > 1 && alike >= 2 * chunkLength)
                {
                    block.ChunkLength.Should().Be(chunkLength, where);
                    int chunks = Math.Max(tuning.MinChunks, wanted / (chunkLength * active));
                    block.ChunkCount.Should().Be(Math.Min(chunks, alike / chunkLength), where);
                    block.StepCount.Should().Be(block.ChunkCount * chunkLength, where);
                    block.FirstCarry.Should().Be(carries, where);
                    carries += (block.ChunkCount + 1) * active;
                    chunked++;
                }
                else
                {
                    block.IsChunked.Should().BeFalse(where);
                    int taken = 0;
                    int sum = 0;
                    while (step + taken <= steps.LastStep
                        && (taken == 0 || sum + Active(step + taken) <= wanted
                            || (sum < wanted && Active(step + taken) != Active(step + taken - 1)))
                        && (chunkLength == 1 || Active(step + taken) == active))
                    {
                        sum += Active(step + taken);
                        taken++;
                    }
                    block.StepCount.Should().Be(taken, where);
                }
                step += block.StepCount;
                column += columns;
            }
            step.Should().Be(steps.LastStep + 1, where);
            plan.CarryColumns.Should().Be(carries, where);
            plan.ChunkLength.Should().Be(carries > 0 ? chunkLength : 1, where);

            // Groups of a multiple of the least width, as many as there is work for.
            int first = lengths.Length;
            int groups = chunkLength > 1 ? 1 : (int)Math.Max(1.0, Math.Min(
                2.0 * h * h * wanted / tuning.GroupWork, Math.Max(1, first / tuning.MinGroupWidth)));
            int width = (int)Math.Ceiling(Math.Ceiling((double)first / groups) / tuning.MinGroupWidth)
                * tuning.MinGroupWidth;
            plan.GroupWidth.Should().Be(groups == 1 ? first : width, where);
            grouped += groups > 1 ? 1 : 0;
            foreach (TimeBlock block in plan.Blocks)
            {
                plan.GroupsOf(block, steps).Should().Be(
                    block.IsChunked ? 1 : (int)Math.Ceiling((double)Active(block.FirstStep) / plan.GroupWidth), where);
            }

            int Active(int t) => lengths.Count(length => length >= t);
        }
        chunked.Should().BeGreaterThan(100);
        grouped.Should().BeGreaterThan(50);
    }
}
