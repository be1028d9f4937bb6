// How the learning rate changes over a training. Functions of the update's number alone; they hold no state.

using Bptt.Edge;

namespace Bptt.Optimization;

/// <summary>
/// A factor for the learning rate of each update: the rate of update u is the optimiser's own times <see cref="Factor"/>(u).
/// An update is one step of the optimiser: one mini-batch, one window of it; with the whole batch, one epoch. Immutable.
/// </summary>
public abstract class LearningRateSchedule
{
    private protected LearningRateSchedule()
    {
    }

    /// <summary>The same rate for all updates.</summary>
    public static LearningRateSchedule Constant { get; } = new ConstantSchedule();

    /// <summary>The rate is multiplied by a factor after every n updates: γ^⌊(u − 1)/n⌋.</summary>
    /// <param name="factor">γ, above 0 and at most 1.</param>
    /// <param name="every">n, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public static LearningRateSchedule StepDecay(double factor, int every)
    {
        if (!(factor > 0.0 && factor <= 1.0))
        {
            throw Guard.Range(nameof(factor), $"expected a number above 0 and at most 1, got {Guard.Text(factor)}.");
        }
        Guard.AtLeastOne(every, nameof(every));
        return new StepSchedule(factor, every);
    }

    /// <summary>Half a cosine from 1 down to f over N updates, f after that: f + (1 − f)(1 + cos(π(u − 1)/N))/2 (Loshchilov
    /// &amp; Hutter 2017, "SGDR", equation 5, without restarts).</summary>
    /// <param name="updates">N, at least 1.</param>
    /// <param name="final">f, from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public static LearningRateSchedule Cosine(int updates, double final = 0.0)
    {
        Guard.AtLeastOne(updates, nameof(updates));
        if (!(final >= 0.0 && final <= 1.0))
        {
            throw Guard.Range(nameof(final), $"expected a number from 0 to 1, got {Guard.Text(final)}.");
        }
        return new CosineSchedule(updates, final);
    }

    /// <summary>The rate rises evenly over n updates, u/n times the first rate of the schedule that follows, which counts its
    /// updates from there.</summary>
    /// <param name="updates">n, at least 1.</param>
    /// <param name="then">What follows; a constant rate where null.</param>
    /// <exception cref="ArgumentOutOfRangeException">n is below 1.</exception>
    public static LearningRateSchedule WarmUp(int updates, LearningRateSchedule? then = null)
    {
        Guard.AtLeastOne(updates, nameof(updates));
        return new WarmUpSchedule(updates, then ?? Constant);
    }

    /// <summary>What the learning rate of an update is multiplied by; at least 0.</summary>
    /// <param name="update">u, from 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">u is below 1.</exception>
    public double Factor(int update)
    {
        Guard.AtLeastOne(update, nameof(update));
        return FactorOf(update);
    }

    /// <summary>The schedule with its settings.</summary>
    public abstract override string ToString();

    private protected abstract double FactorOf(int update);

    private sealed class ConstantSchedule : LearningRateSchedule
    {
        public override string ToString() => "constant";

        private protected override double FactorOf(int update) => 1.0;
    }

    private sealed class StepSchedule(double factor, int every) : LearningRateSchedule
    {
        public override string ToString() => $"times {Guard.Text(factor)} every {every} updates";

        private protected override double FactorOf(int update) => Math.Pow(factor, (update - 1) / every);
    }

    private sealed class CosineSchedule(int updates, double final) : LearningRateSchedule
    {
        public override string ToString() => $"half a cosine to {Guard.Text(final)} over {updates} updates";

        private protected override double FactorOf(int update) => update > updates
            ? final
            : final + (1.0 - final) * 0.5 * (1.0 + Math.Cos(Math.PI * (update - 1) / updates));
    }

    private sealed class WarmUpSchedule(int updates, LearningRateSchedule then) : LearningRateSchedule
    {
        public override string ToString() => $"rising over {updates} updates, then {then}";

        private protected override double FactorOf(int update) =>
            update <= updates ? then.FactorOf(1) * update / updates : then.FactorOf(update - updates);
    }
}
