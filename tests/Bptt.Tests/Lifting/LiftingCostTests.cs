// How many steps are taken at once follows from a sum over sequences: the power of two that takes the least time.

using Bptt.Lifting;
using Bptt.LinearRecurrence;
using Bptt.Passes;
using Bptt.Tests.LinearRecurrence;

namespace Bptt.Tests.Lifting;

public class LiftingCostTests
{
    private static readonly int[] Together = [1, 2, 4, 8, 16, 32, 64];

    public static TheoryData<int, int, int> Sizes() => new()
    {
        { 1, 2, 1 }, { 1, 16, 1 }, { 2, 32, 3 }, { 3, 72, 1 }, { 4, 71, 2 }, { 1, 314, 1 }, { 8, 33, 6 },
    };

    private static int[][] Batches { get; } =
    [
        [3], [4], [5], [63], [5000], [12_000], [16, 17, 18], [3, 3, 2, 1], [1000, 1000, 37, 5],
        [.. Enumerable.Repeat(777, 20)],
    ];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Times_are_those_summed_over_sequences_and_the_least_of_them_decides(int d, int h, int q)
    {
        var sizes = PassSizes.Of(new ParameterArray(d, h, q));
        foreach (int[] lengths in Batches)
        {
            var layout = new BatchLayout(lengths);
            double bySteps = 2 * PlainCosts.Recurrence(h, lengths, h * (h + 2.0 * d + 3.0 * q), 1);
            foreach ((LiftedNumbers numbers, double cubes) in
                new[] { (LiftedNumbers.Double, 10.0), (LiftedNumbers.Single, 6.0) })
            {
                foreach (double others in new[] { bySteps, 3.0 * bySteps, double.PositiveInfinity })
                {
                    int[] chunkLengths = [.. Enumerable.Range(2, 9).Select(k => 1 << k)]; // 4 … 1024
                    double[] times = Array.ConvertAll(chunkLengths, s =>
                        PlainCosts.Lifted((d, h, q), lengths, s, others, cubes, numbers.SetUpTime));
                    for (int i = 0; i < times.Length; i++)
                    {
                        double actual = LiftingCost.Time(sizes, layout, chunkLengths[i], others, numbers);
                        (actual == times[i] || Math.Abs(actual - times[i]) <= 1e-9 * times[i]).Should().BeTrue(
                            "S = {0}, lengths {1}: {2}, {3}",
                            chunkLengths[i],
                            string.Join(' ', lengths),
                            actual,
                            times[i]);
                    }
                    foreach (int most in new[] { 1, 3, 4, 7, 8, 1000, int.MaxValue })
                    {
                        double[] allowed = [.. times.Where((_, i) => chunkLengths[i] <= most)];
                        double least = allowed.Append(double.PositiveInfinity).Min();
                        int expected = least < 0.7 * others ? chunkLengths[Array.IndexOf(allowed, least)] : 1;
                        LiftingCost.ChunkLength(sizes, layout, most, others, numbers).Should().Be(
                            expected, "at most {0}, lengths {1}", most, string.Join(' ', lengths));
                    }
                }
            }
        }
    }

    /// <summary>Eight chunks for each row pay for a power of W_hh^S.</summary>
    [Theory]
    [InlineData(40, 319)]
    [InlineData(40, 320)]
    [InlineData(40, 3000)]
    [InlineData(400, 3199)]
    [InlineData(400, 3200)]
    [InlineData(400, 10_000)]
    public void Chunks_stand_side_by_side_where_their_recurrence_takes_the_time(int h, int chunks)
    {
        foreach (int s in new[] { 4, 16, 64 })
        {
            double other = PlainCosts.OtherWork((2, h, 1), s) / 2;
            double[] times = [.. Together.Select(together => PlainCosts.Recurrence(h, [chunks], other, together))];
            double least = times[1..].Min();
            LiftingCost.ChunksTogether(PassSizes.Of(new ParameterArray(2, h, 1)), new BatchLayout([chunks]), s)
                .Should().Be(chunks >= 8 * h && least < 0.65 * times[0] ? Together[Array.IndexOf(times, least)] : 1);
        }
    }
}
