// What a lifted pass costs, roughly, as far as the choice of S needs it. Depends on shapes only: never on a clock and
// never on the number of threads.

using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>Times in nanoseconds of a forward and a backward pass, in the terms of <see cref="CostModel"/>.</summary>
internal static class LiftingCost
{
    /// <summary>The largest part of the time of other ways at which chunks are worth it.</summary>
    private const double Worthwhile = 0.7;

    /// <summary>To begin and end: packing, tails, tasks.</summary>
    private const double Overhead = 24_000;

    /// <summary>Chunks for each row that pay for a power.</summary>
    private const int ChunksForPower = 8;

    private const int LeastSteps = 4;
    private const int MostSteps = 1024;

    /// <summary>S by the least time.</summary>
    /// <param name="sizes">d, h and q.</param>
    /// <param name="steps">The layout of all steps.</param>
    /// <param name="most">The largest S that is allowed.</param>
    /// <param name="timeOfOthers">The time of a forward and a backward pass in the other ways; infinite where chunks
    /// are asked for in any case.</param>
    /// <param name="numbers">Those that the pass is run in.</param>
    /// <returns>1 where chunks are not worth it, or no sequence has one.</returns>
    public static int ChunkLength(
        PassSizes sizes, BatchLayout steps, int most, double timeOfOthers, LiftedNumbers numbers)
    {
        int best = 1;
        double least = Worthwhile * timeOfOthers;
        for (int length = LeastSteps; length <= Math.Min(most, MostSteps); length *= 2)
        {
            double time = Time(sizes, steps, length, timeOfOthers, numbers);
            if (time < least)
            {
                best = length;
                least = time;
            }
        }
        return best;
    }

    /// <summary>How many chunks are run side by side, where the recurrence over chunks is what takes the time, and long
    /// enough for another power of W_hh: the same way once more.</summary>
    public static int ChunksTogether(PassSizes sizes, BatchLayout chunks, int chunkLength) =>
        chunks.LastStep < ChunksForPower * sizes.Hidden
            ? 1
            : CostModel.ChunkLength(sizes.Hidden, chunks.Segments, OtherWork(sizes, chunkLength) / 2, atLeast: 1);

    /// <summary>Of both passes in chunks of so many steps; infinite where no sequence has one.</summary>
    internal static double Time(
        PassSizes sizes, BatchLayout steps, int chunkLength, double timeOfOthers, LiftedNumbers numbers)
    {
        long inChunks = 0;
        double chain = 0.0;
        foreach (BatchLayout.Segment segment in steps.Segments)
        {
            double chunks = (double)segment.StepCount / chunkLength;
            chain += chunks * CostModel.CarryTime(sizes.Hidden, segment.Active);
            inChunks += (long)segment.StepCount / chunkLength * chunkLength * segment.Active;
        }
        if (inChunks == 0)
        {
            return double.PositiveInfinity;
        }
        double tails = steps.Lengths.Sum(length => (double)(length % chunkLength));
        double columns = (steps.ColumnCount - tails) / chunkLength;
        double work = columns * OtherWork(sizes, chunkLength) / CostModel.ProductRate;
        double timeOfTails = double.IsFinite(timeOfOthers) ? timeOfOthers * tails / steps.ColumnCount : 0.0;
        return Overhead + SetUp(sizes, chunkLength, numbers) + timeOfTails + CostModel.Shared(2.0 * chain, work);
    }

    /// <summary>Operations for a chunk that do not wait for the chunk before, in both passes: ∂L/∂A, C X, Oᵀ G, their
    /// gradients, O H and 𝒯.</summary>
    private static double OtherWork(PassSizes sizes, double chunkLength)
    {
        double h = sizes.Hidden;
        double direct = 2.25 * chunkLength * chunkLength * sizes.Inputs * sizes.Outputs;
        return 2.0 * h * h + chunkLength * h * (4.0 * sizes.Inputs + 6.0 * sizes.Outputs) + direct;
    }

    /// <summary>The powers and the doubling, there and back.</summary>
    private static double SetUp(PassSizes sizes, double chunkLength, LiftedNumbers numbers)
    {
        double h = sizes.Hidden;
        double doubling = 6.0 * h * h * chunkLength * (sizes.Inputs + sizes.Outputs);
        double powers = (numbers.ShowLastBits ? 10.0 : 6.0) * h * h * h * Math.Log2(chunkLength);
        return numbers.SetUpTime * (doubling + powers) / CostModel.ProductRate;
    }
}
