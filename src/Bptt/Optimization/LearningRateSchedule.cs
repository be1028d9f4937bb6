// How the learning rate changes over a training. Functions of the update's number alone; they hold no state.

using Bptt.Edge;

namespace Bptt.Optimization;

/// <summary>
/// A factor for the learning rate of each update: the rate of update u is the optimiser's own times
/// <see cref="Factor"/>(u). An update is one step of the optimiser: one mini-batch, one window of it; with the whole
/// batch, one epoch. Immutable. For one of your own give a function (<see cref="Of"/>), or derive from it.
/// </summary>
/// <example>
/// <code>
/// // α/√u, which Robbins and Monro's conditions allow with noise; and the same after 10 updates of warming up.
/// var root = LearningRateSchedule.Of("1/√u", update => 1.0 / Math.Sqrt(update));
/// var warm = LearningRateSchedule.WarmUp(10, root);
/// Console.WriteLine($"{warm}: {warm.Factor(5):F2}, {warm.Factor(10):F2}, {warm.Factor(14):F2}");
/// </code>
/// </example>
public abstract class LearningRateSchedule
{
    /// <summary>Creates a schedule.</summary>
    protected LearningRateSchedule()
    {
    }

    /// <summary>The same rate for all updates.</summary>
    public static LearningRateSchedule Constant { get; } = new ConstantSchedule();

    /// <summary>A schedule of your own.</summary>
    /// <param name="name">Its name with every setting, alike under every culture: two with the same name behave alike,
    /// and a checkpoint compares it.</param>
    /// <param name="factor">From the update u, from 1, to its factor, finite and at least 0; the same for the same u.
    /// It may be asked for one update more than are made.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static LearningRateSchedule Of(string name, Func<int, double> factor)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(factor);
        return new FunctionSchedule(name, factor);
    }

    /// <summary>The rate is multiplied by a factor after every n updates: γ^⌊(u − 1)/n⌋.</summary>
    /// <param name="factor">γ, above 0 and at most 1.</param>
    /// <param name="every">n, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public static LearningRateSchedule StepDecay(double factor, int every)
    {
        if (!(factor > 0.0 && factor <= 1.0))
        {
            throw Guard.Range(
                nameof(factor), $"expected a number above 0 and at most 1, got {NumberText.Exact(factor)}.");
        }
        Guard.AtLeastOne(every, nameof(every));
        return new StepSchedule(factor, every);
    }

    /// <summary>Half a cosine from 1 down to f over N updates, f after that: f + (1 − f)(1 + cos(π(u − 1)/N))/2
    /// (Loshchilov &amp; Hutter 2017, "SGDR", equation 5, without restarts).</summary>
    /// <param name="updates">N, at least 1.</param>
    /// <param name="final">f, from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public static LearningRateSchedule Cosine(int updates, double final = 0.0)
    {
        Guard.AtLeastOne(updates, nameof(updates));
        if (!(final >= 0.0 && final <= 1.0))
        {
            throw Guard.Range(nameof(final), $"expected a number from 0 to 1, got {NumberText.Exact(final)}.");
        }
        return new CosineSchedule(updates, final);
    }

    /// <summary>The rate rises evenly over n updates, u/n times the first rate of the schedule that follows, which
    /// counts its updates from there.</summary>
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
    /// <exception cref="InvalidOperationException">A schedule of your own gives a factor that is not finite or below
    /// 0.</exception>
    public double Factor(int update)
    {
        Guard.AtLeastOne(update, nameof(update));
        double factor = FactorOf(update);
        return factor >= 0.0 && double.IsFinite(factor) ? factor : throw new InvalidOperationException(
            $"The schedule '{this}': expected a finite factor of at least 0 for update {update}, "
            + $"got {NumberText.Exact(factor)}.");
    }

    /// <summary>The schedule with every setting, alike under every culture: two with the same text behave alike, and a
    /// checkpoint compares it.</summary>
    public abstract override string ToString();

    /// <summary>The factor of an update, finite and at least 0, which <see cref="Factor"/> checks.</summary>
    /// <param name="update">u, from 1. It may be asked for one more than are made.</param>
    protected abstract double FactorOf(int update);

    private sealed class ConstantSchedule : LearningRateSchedule
    {
        public override string ToString() => "constant";

        protected override double FactorOf(int update) => 1.0;
    }

    private sealed class FunctionSchedule(string name, Func<int, double> factor) : LearningRateSchedule
    {
        public override string ToString() => name;

        protected override double FactorOf(int update) => factor(update);
    }

    private sealed class StepSchedule(double factor, int every) : LearningRateSchedule
    {
        public override string ToString() => $"times {NumberText.Exact(factor)} every {every} updates";

        protected override double FactorOf(int update) => Math.Pow(factor, (update - 1) / every);
    }

    private sealed class CosineSchedule(int updates, double final) : LearningRateSchedule
    {
        public override string ToString() => $"half a cosine to {NumberText.Exact(final)} over {updates} updates";

        protected override double FactorOf(int update) => update > updates
            ? final
            : final + (1.0 - final) * 0.5 * (1.0 + Math.Cos(Math.PI * (update - 1) / updates));
    }

    private sealed class WarmUpSchedule(int updates, LearningRateSchedule then) : LearningRateSchedule
    {
        public override string ToString() => $"rising over {updates} updates, then {then}";

        protected override double FactorOf(int update) =>
            update <= updates ? then.Factor(1) * update / updates : then.Factor(update - updates);
    }
}
