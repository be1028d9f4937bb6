// What recurrence steps cost, roughly, as far as the choice of a plan needs it. Depends on shapes only: never on a
// clock and never on the number of threads, so that a plan, and with it every result, is the same in every run.

namespace Bptt.LinearRecurrence;

/// <summary>
/// Times in nanoseconds of one core with 512-bit registers. The constants were measured with the `calibrate` command of
/// the benchmarks; what counts is their ratio, which differs little between processors.
/// </summary>
internal static class CostModel
{
    /// <summary>Operations in a nanosecond of a product of two matrices.</summary>
    public const double ProductRate = 100;

    /// <summary>The same of a matrix and one vector, by where the matrix fits.</summary>
    public const double FirstLevelRate = 82;

    public const double SecondLevelRate = 47;

    public const double ThirdLevelRate = 22;

    /// <summary>Bytes of a matrix that stays in the first-level cache, or the second, beside what else is
    /// used.</summary>
    public const double FirstLevelBytes = 40 << 10;

    public const double SecondLevelBytes = 768 << 10;

    /// <summary>The most numbers of the columns of one chunk: sixteen chunks side by side must not leave the
    /// second-level cache.</summary>
    public const double BlockEntries = 8192;

    /// <summary>The fewest rows that are run in chunks unless that is asked for.</summary>
    public const int MinRows = 32;

    /// <summary>Before a step can begin, the last sums of the step before must be added up and stored.</summary>
    public const double OneColumnLatency = 15;

    /// <summary>To begin a product of a few columns.</summary>
    public const double ProductOverhead = 40;

    /// <summary>Cores that share the work when a plan is judged.</summary>
    private const double Cores = 2;

    private static readonly int[] ChunkLengths = [2, 4, 8, 16, 32, 64];

    /// <summary>S for a recurrence over the steps of a layout: 1 for step by step throughout.</summary>
    /// <param name="h">Rows.</param>
    /// <param name="segments">The steps.</param>
    /// <param name="otherWork">Operations at each step of each column that do not wait for the recurrence.</param>
    /// <param name="atLeast">The smallest S allowed; where no segment has room for two chunks of it, 1 all the
    /// same.</param>
    public static int ChunkLength(
        int h, ReadOnlySpan<BatchLayout.Segment> segments, double otherWork, int atLeast)
    {
        // The rounding of a power adds up from chunk to chunk, to about T√h units in the last place, where that of
        // steps partly cancels; on one thread it is more work, and on 256-bit registers it gains less: a gain must be
        // worth it, and a small model is fast in any case.
        const double worthwhile = 0.65;
        int best = 1;
        double least = atLeast > 1 ? double.PositiveInfinity : worthwhile * Time(h, segments, otherWork, 1);
        if (atLeast == 1 && h < MinRows)
        {
            return 1;
        }
        foreach (int length in ChunkLengths)
        {
            double time = Time(h, segments, otherWork, length);
            if (time < least)
            {
                best = length;
                least = time;
            }
        }
        return best;
    }

    /// <summary>For all steps; infinite where no segment can be chunked so.</summary>
    public static double Time(int h, ReadOnlySpan<BatchLayout.Segment> segments, double otherWork, int chunkLength)
    {
        double time = 0.0;
        bool isPossible = chunkLength == 1;
        foreach (BatchLayout.Segment segment in segments)
        {
            bool isChunked = chunkLength > 1 && 2 * chunkLength <= segment.StepCount;
            if (isChunked && chunkLength > 2 && (double)chunkLength * h * segment.Active > BlockEntries)
            {
                return double.PositiveInfinity;
            }
            isPossible |= isChunked;
            time += segment.StepCount
                * TimeOfStep(h, segment.Active, segment.StepCount, otherWork, isChunked ? chunkLength : 1);
        }
        return isPossible ? time : double.PositiveInfinity;
    }

    /// <summary>For one step: the chain of steps that wait for each other on one core, all other work shared.</summary>
    private static double TimeOfStep(int h, int active, int steps, double otherWork, int chunkLength)
    {
        double square = 2.0 * h * h;
        double chain = CarryTime(h, active) / chunkLength;
        double work = otherWork * active / ProductRate;
        double powers = 0.0;
        if (chunkLength > 1)
        {
            // The ends of the chunks, then every step: 2 − 1/S products in place of one, in tiles of eight columns. The
            // powers serve both passes, and everything waits for them.
            work += (2 - 1.0 / chunkLength) * active * (square / ProductRate + ProductOverhead / 8);
            powers = Math.Log2(chunkLength) * square * h / ProductRate / steps / 2;
        }
        return Shared(chain, work) + powers;
    }

    /// <summary>The time of steps that wait for each other, and of work that is shared with them.</summary>
    public static double Shared(double chain, double work) => Math.Max(chain, (chain + work) / Cores);

    /// <summary>The time of one step of the columns that are carried together.</summary>
    public static double CarryTime(int h, int active)
    {
        double square = 2.0 * h * h;
        double bytes = 8.0 * h * h;
        double rate = bytes <= FirstLevelBytes
            ? FirstLevelRate
            : bytes <= SecondLevelBytes ? SecondLevelRate : ThirdLevelRate;
        return active == 1
            ? OneColumnLatency + square / rate
            : ProductOverhead + Math.Max(square / rate, square * active / ProductRate);
    }
}
