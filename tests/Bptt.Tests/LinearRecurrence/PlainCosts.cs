// What a recurrence and a lifted pass cost by the cost models, summed step by step and sequence by sequence from the
// lengths alone: the reference for both models.

using Bptt.LinearRecurrence;

namespace Bptt.Tests.LinearRecurrence;

internal static class PlainCosts
{
    /// <summary>Steps in a row at which the same number of sequences runs.</summary>
    public static (int Steps, int Active)[] Runs(int[] lengths) =>
        [.. Enumerable.Range(1, lengths.Max()).GroupBy(t => lengths.Count(length => length >= t))
            .Select(run => (run.Count(), run.Key))];

    /// <summary>Nanoseconds of a recurrence in chunks of S steps where a run has room for two.</summary>
    public static double Recurrence(int h, int[] lengths, double otherWork, int chunkLength)
    {
        double time = 0.0;
        bool hasChunks = false;
        foreach ((int steps, int active) in Runs(lengths))
        {
            bool isChunked = chunkLength > 1 && steps >= 2 * chunkLength;
            hasChunks |= isChunked;
            if (isChunked && chunkLength > 2 && chunkLength * h * active > CostModel.BlockEntries)
            {
                return double.PositiveInfinity;
            }
            double product = 2.0 * h * h / CostModel.ProductRate;
            for (int t = 0; t < steps; t++)
            {
                double shared = active * otherWork / CostModel.ProductRate;
                if (isChunked)
                {
                    // Products in tiles of eight columns, 2S − 1 for each S steps; half of log₂S powers for each pass.
                    shared += active * (product + CostModel.ProductOverhead / 8) * (2 * chunkLength - 1) / chunkLength;
                    time += Math.Log2(chunkLength) * h * product / 2 / steps;
                }
                time += TwoCores(Carry(h, active) / (isChunked ? chunkLength : 1), shared);
            }
        }
        return hasChunks || chunkLength == 1 ? time : double.PositiveInfinity;
    }

    /// <summary>Nanoseconds of one step of columns that are carried together.</summary>
    public static double Carry(int h, int active)
    {
        double bytes = 8.0 * h * h;
        double rate = bytes > CostModel.SecondLevelBytes ? CostModel.ThirdLevelRate
            : bytes > CostModel.FirstLevelBytes ? CostModel.SecondLevelRate
            : CostModel.FirstLevelRate;
        double operations = 2.0 * h * h;
        return active == 1
            ? CostModel.OneColumnLatency + operations / rate
            : CostModel.ProductOverhead + Math.Max(operations / rate, operations * active / CostModel.ProductRate);
    }

    /// <summary>Nanoseconds of a forward and a backward pass that take S steps at once.</summary>
    /// <param name="sizes">d, h and q.</param>
    /// <param name="lengths">Of the sequences.</param>
    /// <param name="chunkLength">S.</param>
    /// <param name="timeOfOthers">Of the same in another way, which what is left over takes its part of.</param>
    /// <param name="cubes">h³ operations for each power: 10 where last bits show, 6 where not.</param>
    /// <param name="setUp">Time to prepare in double, over that in the numbers of the pass.</param>
    public static double Lifted(
        (int D, int H, int Q) sizes, int[] lengths, int chunkLength, double timeOfOthers, double cubes, double setUp)
    {
        (double d, double h, double q) = sizes;
        double s = chunkLength;
        if (!Runs(lengths).Any(run => run.Steps >= chunkLength))
        {
            return double.PositiveInfinity;
        }
        double chain = Runs(lengths).Sum(run => run.Steps / s * Carry(sizes.H, run.Active));
        double leftOver = lengths.Sum(length => length % chunkLength);
        double chunks = (lengths.Sum() - leftOver) / s;
        double ofTails = double.IsInfinity(timeOfOthers) ? 0.0 : timeOfOthers * leftOver / lengths.Sum();
        double prepare = setUp * ((6.0 * h * h * s * (d + q)) + (cubes * h * h * h * Math.Log2(s)));
        return 24_000 + (prepare / CostModel.ProductRate) + ofTails
            + TwoCores(2.0 * chain, chunks * OtherWork(sizes, s) / CostModel.ProductRate);
    }

    /// <summary>Operations of a chunk that wait for no other.</summary>
    public static double OtherWork((int D, int H, int Q) sizes, double s) => (2.0 * sizes.H * sizes.H)
        + (s * sizes.H * ((4.0 * sizes.D) + (6.0 * sizes.Q))) + (2.25 * s * s * sizes.D * sizes.Q);

    private static double TwoCores(double chain, double other) => Math.Max(chain, (chain + other) / 2);
}
