// Whether a pass takes S steps at once, how many, and why not. Depends on shapes, on W_hh and on the options only.

using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>What the choice has to know of the numbers that a pass is run in. The powers of W_hh are computed in
/// double.</summary>
/// <param name="LargestLogarithm">States that grow as far as this most likely overflow, and then only steps tell
/// where.</param>
/// <param name="SmallestNorm">Below this norm of a power, entries would be set to zero that steps still tell
/// apart.</param>
/// <param name="ShowLastBits">Whether an error in the last bits of a double is seen in them.</param>
/// <param name="SetUpTime">How long it takes to prepare a pass in double, against the time that it would take in these
/// numbers.</param>
internal sealed record LiftedNumbers(
    double LargestLogarithm, double SmallestNorm, bool ShowLastBits, double SetUpTime)
{
    public static LiftedNumbers Double { get; } = new(690.0, 1e-100, ShowLastBits: true, SetUpTime: 1.0);

    public static LiftedNumbers Single { get; } = new(80.0, 1e-12, ShowLastBits: false, SetUpTime: 1.8);
}

/// <summary>What was decided.</summary>
/// <param name="Weights">The lifted model; null where the pass is run in another way.</param>
/// <param name="WhyNot">The reason in that case, as a sentence's end; null where chunks were not asked for.</param>
internal sealed record LiftingChoice(LiftedWeights? Weights, string? WhyNot)
{
    /// <summary>States that grow by more than e to this depend on every bit of W_hh; the rounding of W_hh^S to doubles
    /// then adds up from chunk to chunk, which so many bear without harm.</summary>
    private const double ExplodingLogarithm = 14.0;

    private const int ExplodingChunks = 40;

    /// <summary>Another way was asked for.</summary>
    public static LiftingChoice NotAsked { get; } = new(null, null);

    /// <summary>The reason where a pass that tried chunks had to give them up, too.</summary>
    public string? WhyNotInTheEnd => Weights is null ? WhyNot : "a state or an output overflows";

    /// <summary>Decides, and computes the lifted model where it is taken.</summary>
    /// <param name="context">Kernels and memory.</param>
    /// <param name="model">W_hx, W_hh and W_qh.</param>
    /// <param name="steps">The layout of all steps.</param>
    /// <param name="wanted">S where it is given; null for the best one.</param>
    /// <param name="fits">Whether memory allows chunks of so many steps.</param>
    /// <param name="timeOfOthers">The time of other ways; infinite where chunks are asked for in any case.</param>
    /// <param name="numbers">Those that the pass is run in.</param>
    public static LiftingChoice Make(
        PassContext context,
        ParameterArray model,
        BatchLayout steps,
        int? wanted,
        Func<int, bool> fits,
        double timeOfOthers,
        LiftedNumbers numbers)
    {
        var sizes = PassSizes.Of(model);
        if (steps.LastStep < 2)
        {
            return No("no sequence has two steps");
        }
        if (wanted is null && (sizes.Inputs >= sizes.Hidden || sizes.Outputs >= sizes.Hidden))
        {
            return No("there are as many inputs or outputs as hidden units");
        }
        int best = Best(int.MaxValue);
        if (best == 1)
        {
            return No(double.IsFinite(timeOfOthers)
                ? "for these sizes and lengths it would save less than 30 % of the time"
                : "no sequence is as long as a chunk");
        }
        while (!fits(best))
        {
            best *= 2; // fewer borders
            if (best > steps.LastStep)
            {
                return No("the states at the ends of its chunks do not fit into the memory budget");
            }
        }

        double radius = TransitionGrowth.RadiusOf(context, model.Whh, 2 * best);
        if (!(steps.LastStep * Math.Log(radius) < numbers.LargestLogarithm))
        {
            return No("powers of W_hh overflow before the last step");
        }
        if (steps.LastStep * Math.Log(radius) > ExplodingLogarithm && steps.LastStep / best > ExplodingChunks)
        {
            return No("states explode, and the rounding of a power of W_hh with them");
        }
        bool areExact = NeedsExactPowers();
        var powers = new LiftedPowers(context, model.Whh, int.Log2(best), areExact);
        int level = TransitionGrowth.LargestLevel(context, powers, numbers.SmallestNorm);
        if (1 << level < best)
        {
            best = level == 0 ? 1 : Best(1 << level);
            if (best == 1 || !fits(best))
            {
                return No("powers of W_hh grow or shrink too far for it to be exact");
            }
        }
        if (!areExact && NeedsExactPowers())
        {
            powers = new LiftedPowers(context, model.Whh, int.Log2(best), areExact: true);
        }
        powers.CutTo(int.Log2(best));
        var weights = new LiftedWeights(context, model, powers);
        return weights.Values.AreFinite ? new LiftingChoice(weights, null) : No("a product of the weights overflows");

        bool NeedsExactPowers() => numbers.ShowLastBits && TransitionGrowth.NeedsExactPowers(radius, best);

        int Best(int most) => wanted is int given
            ? (given <= Math.Min(most, steps.LastStep) ? given : 1)
            : LiftingCost.ChunkLength(sizes, steps, most, timeOfOthers, numbers);
    }

    private static LiftingChoice No(string why) => new(null, why);
}
