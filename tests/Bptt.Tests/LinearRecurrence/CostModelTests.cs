// Which way is taken follows from the cost model, which is a sum over steps: chunks where they take the least time.

using Bptt.LinearRecurrence;

namespace Bptt.Tests.LinearRecurrence;

public class CostModelTests
{
    private static readonly int[] Lengths = [2, 4, 8, 16, 32, 64];

    /// <summary>Rows on both sides of what fits the caches, and of the fewest that are run in chunks.</summary>
    public static TheoryData<int> Rows() => [1, 2, 31, 32, 33, 71, 72, 128, 313, 314, 512, 1100];

    public static int[][] Batches { get; } =
    [
        [1], [3], [4], [127], [128], [129], [2000], [9000], [5, 5, 5], [4, 4], [7, 8, 9, 300], [300, 300, 20, 4, 1],
        [.. Enumerable.Repeat(400, 16)], [.. Enumerable.Repeat(64, 8), 1000],
    ];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Times_are_those_summed_step_by_step_and_the_least_of_them_decides(int h)
    {
        foreach (int[] lengths in Batches)
        {
            foreach (double otherWork in new[] { 0.0, 3.0 * h * h, 40.0 * h * h })
            {
                var layout = new BatchLayout(lengths);
                double[] times = [.. Lengths.Prepend(1).Select(s => Time(s))];
                for (int i = 0; i < times.Length; i++)
                {
                    double expected = PlainCosts.Recurrence(h, lengths, otherWork, i == 0 ? 1 : Lengths[i - 1]);
                    Same(times[i], expected).Should().BeTrue(
                        "h = {0}, lengths {1}: {2} as against {3}", h, string.Join(' ', lengths), times[i], expected);
                }

                // A gain of 35 % at least, and no small model, unless chunks are asked for.
                double least = times[1..].Min();
                int best = double.IsFinite(least) ? Lengths[Array.IndexOf(times, least, 1) - 1] : 1;
                CostModel.ChunkLength(h, layout.Segments, otherWork, atLeast: 2).Should().Be(best);
                CostModel.ChunkLength(h, layout.Segments, otherWork, atLeast: 1)
                    .Should().Be(h >= CostModel.MinRows && least < 0.65 * times[0] ? best : 1);

                double Time(int s) => CostModel.Time(h, layout.Segments, otherWork, s);
            }
        }
    }

    private static bool Same(double actual, double expected) =>
        actual == expected || Math.Abs(actual - expected) <= 1e-9 * expected;
}
