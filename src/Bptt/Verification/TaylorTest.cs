// The Taylor test: if the gradient is right, the loss departs from its tangent with the square of the step. Needs the
// loss and the gradients only.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>
/// |L(θ + ε v) − L(θ) − ε ⟨g, v⟩| falls with ε² where g is the gradient, and with ε where it is not (the Taylor
/// remainder test of the adjoint literature: Farrell, Ham, Funke &amp; Rognes 2013). One random direction v over all
/// parameters together, steps ε that are halved until rounding takes over.
/// </summary>
/// <remarks>It sees every kind of mistake, the objective included, if it weighs more than about the root of the
/// rounding of the loss; <see cref="GradientCheck"/> sees smaller ones and names the entry. Measured on 60 models of
/// 2 inputs, 4 hidden units and 2 outputs over 20 steps with the squared error: the whole gradient off by a factor of
/// 1 + 1e-3 fails in all, by 1 + 1e-4 in 59 (and passes in one, whose direction is at right angles to the gradient), by
/// 1 + 1e-5 in 43 (3 pass), by 1 + 1e-6 in none (36 pass); one entry of ∂L/∂W_hh off by 1e-4 of its norm fails in all,
/// by 1e-5 in 33 (9 pass). Near a fit the curvature of the loss hides more: where the slope may be off by more than 1
/// in 100, it cannot be told. Neither can a loss with a kink or a jump here.</remarks>
/// <example>
/// <code>
/// // ε halves from one line to the next, the remainder falls to a quarter.
/// foreach (TaylorRemainder remainder in TaylorTest.Run(forward, objective).Remainders)
/// {
///     Console.WriteLine($"ε = {remainder.StepSize:G3}: {remainder.Remainder:G3}");
/// }
/// </code>
/// </example>
public sealed class TaylorTest
{
    private const double FirstStep = 0.125;
    private const int MaxSteps = 36;

    /// <summary>A remainder counts where it is so many times the rounding of the loss.</summary>
    private const double ClearOfRounding = 100.0;

    /// <summary>How well the slope must fit where the loss is as good as linear.</summary>
    private const double SlopeTolerance = 1e-6;

    /// <summary>How well it must fit in any case: near a fit the curvature of a loss may hide any slope.</summary>
    private const double LeastResolution = 1e-2;

    private const double LeastRate = 1.9;
    private const double RateOfMistake = 1.5;

    /// <summary>A wrong slope shows in so many of the smallest steps, in proportion to them up to this
    /// factor.</summary>
    private const int StepsInProportion = 3;
    private const double Proportional = 1.5;

    /// <summary>Forwards and backwards, remainders of a wrong slope are of opposite signs. Where one is less than a
    /// tenth of the other, there is a kink on one side.</summary>
    private const double LeastOneSided = 0.9;

    /// <summary>What the loss changes by shrinks to half or less with the step, and somewhat more where it curves.
    /// Where it does not, the steps are too long to see the slope.</summary>
    private const double LeastShrinking = 0.75;

    /// <summary>The steps end where so many in a row are within rounding.</summary>
    private const int StepsInRounding = 3;

    private TaylorTest(IReadOnlyList<TaylorRemainder> remainders, double? rate, Verdict verdict)
    {
        Remainders = [.. remainders];
        Rate = rate;
        Verdict = verdict;
    }

    /// <summary>From the largest step to the smallest, as far as they stand clear of rounding.</summary>
    public IReadOnlyList<TaylorRemainder> Remainders { get; }

    /// <summary>The power of the step with which the remainder falls, at the smallest steps: 2 for a gradient, 1 for
    /// anything else; null where fewer than two remainders stand clear of rounding.</summary>
    public double? Rate { get; }

    /// <summary>Passed for a rate of at least 1.9 where the slope is known to 1 in 100, or where the loss is as good as
    /// linear and the slope fits; failed for a rate of at most 1.5 where remainders are in proportion to the step in
    /// both directions; otherwise inconclusive.</summary>
    public Verdict Verdict { get; }

    /// <summary>Tests the gradients of the library's own backward pass, of all weights, inputs and initial states
    /// together.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="objective">L.</param>
    /// <param name="options">Final-state gradients e, which make the loss L + Σ_b ⟨e_b, h_T⟩; no truncation.</param>
    /// <param name="seed">Decides the direction.</param>
    /// <returns>The remainders and their rate. Cost: a backward pass, up to 60 forward passes,
    /// and for the rounding of the loss some hundred evaluations of the objective.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The objective or the options do not fit the pass, or name a truncation:
    /// truncated gradients are not those of the loss.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one, or is in
    /// use.</exception>
    public static TaylorTest Run(
        ForwardPass forward, Objective objective, BackwardOptions? options = null, int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(forward);
        forward.RequireDouble(nameof(forward));
        options = Checked(forward, options);
        var backward = BackwardThroughTime.Run(forward, objective, options);
        Matrix<double> initialStateGradients = backward.InitialStateGradients;
        SequenceBatch inputGradients = backward.InputGradientBatch();
        var direction = new RandomDirection(forward, seed, movesInitialStates: true, movesInputs: true);
        return Run(
            forward,
            objective,
            options,
            direction,
            direction.With(backward.Gradients, initialStateGradients, inputGradients));
    }

    /// <summary>Tests gradients from other code, of the weights together.</summary>
    /// <param name="forward">A forward pass with the same weights, inputs and h_0.</param>
    /// <param name="objective">L.</param>
    /// <param name="gradients">The gradients of the weights.</param>
    /// <param name="options">Final-state gradients e, which make the loss L + Σ_b ⟨e_b, h_T⟩; no truncation.</param>
    /// <param name="seed">Decides the direction.</param>
    /// <returns>The remainders and their rate. Cost: up to 60 forward passes, and some hundred
    /// evaluations of the objective.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The objective, the options or a shape do not fit the pass, a gradient is NaN
    /// or infinite, or the options name a truncation.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static TaylorTest Run(
        ForwardPass forward, Objective objective, Gradients gradients, BackwardOptions? options = null, int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(forward);
        forward.RequireDouble(nameof(forward));
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(gradients);
        GivenGradients.Check(forward, gradients, null, null);
        var direction = new RandomDirection(forward, seed, movesInitialStates: false, movesInputs: false);
        return Run(forward, objective, Checked(forward, options), direction, direction.With(gradients, null, null));
    }

    /// <summary>In one sentence.</summary>
    public override string ToString() => Rate is double rate
        ? FormattableString.Invariant(
            $"{Verdict.InWords()}: the remainder falls with the step to the power {rate:F2} ({Remainders.Count} steps)")
        : $"{Verdict.InWords()}: the remainder is within the rounding of the loss";

    /// <summary>A copy of the options, dense and of the right shape.</summary>
    private static BackwardOptions Checked(ForwardPass forward, BackwardOptions? options)
    {
        if (options?.Truncation is Truncation truncation)
        {
            throw Guard.Error(nameof(options), $"expected no truncation, got {truncation}.");
        }
        return (options ?? new BackwardOptions()).CopyFor(forward);
    }

    private static TaylorTest Run(
        ForwardPass forward,
        Objective objective,
        BackwardOptions options,
        RandomDirection direction,
        (double Inner, double Size) slope)
    {
        double LossOf(ForwardPass pass) => options.FinalStateGradients is Matrix<double> final
            ? objective.Loss(pass) + VectorMath.Dot(final.ColumnMajor(), pass.FinalStates.ColumnMajor())
            : objective.Loss(pass);

        double loss = LossOf(forward);
        if (!double.IsFinite(loss) || !double.IsFinite(slope.Inner) || !double.IsFinite(slope.Size))
        {
            return new([], null, Verdict.Inconclusive);
        }

        // A loss that cancels near a fit, or of states that a recurrence amplifies, is rounded by far more than its
        // own size.
        double noise = LossNoise.Near(forward, objective)
            + LossNoise.OfSmallMoves(s => LossOf(direction.Move(forward, s)));
        if (!double.IsFinite(noise))
        {
            return new([], null, Verdict.Inconclusive);
        }

        List<TaylorRemainder> remainders = [];
        double unit = 16.0 * MachineEpsilon.OfDouble * Math.Sqrt(forward.Model.HiddenSize);
        double slopeError = double.PositiveInfinity; // what the slope can be off at most
        double largestInRounding = double.PositiveInfinity; // the same, at the steps after the last clear one
        double step = FirstStep;
        int stepsInRounding = 0;
        for (int i = 0; i < MaxSteps && stepsInRounding < StepsInRounding; i++, step *= 0.5)
        {
            double moved = LossOf(direction.Move(forward, step));
            double difference = moved - loss - step * slope.Inner;
            double rounding = ClearOfRounding
                * (noise + (unit * (Math.Abs(moved) + Math.Abs(loss) + Math.Abs(step * slope.Inner))));
            if (!double.IsFinite(difference))
            {
                remainders.Clear(); // too far out
                continue;
            }
            if (Math.Abs(difference) > rounding)
            {
                stepsInRounding = 0;
                largestInRounding = double.PositiveInfinity;
                remainders.Add(new TaylorRemainder(step, difference));
            }
            else
            {
                stepsInRounding++;
                largestInRounding = Math.Min(largestInRounding, (Math.Abs(difference) + rounding) / step);
            }
            slopeError = Math.Min(slopeError, (Math.Abs(difference) + rounding) / step);
        }
        if (remainders.Count < 2)
        {
            bool isLinear = remainders.Count == 0 && slopeError <= SlopeTolerance * slope.Size;
            return new(remainders, null, isLinear ? Verdict.Passed : Verdict.Inconclusive);
        }

        double Change(double s) => LossOf(direction.Move(forward, s)) - loss;
        double[] rates = [.. remainders.Zip(remainders.Skip(1), (larger, smaller) =>
            Math.Log(larger.Remainder / smaller.Remainder) / Math.Log(larger.StepSize / smaller.StepSize))];
        double[] last = [.. rates.TakeLast(3).Order()];
        double rate = last[last.Length / 2];
        bool isRight = rate >= LeastRate && slopeError <= LeastResolution * slope.Size;
        bool isWrong = rate <= RateOfMistake
            && IsOffInSlope(remainders, largestInRounding, Change, slope.Inner, noise);
        return new(
            remainders, rate, isRight ? Verdict.Passed : isWrong ? Verdict.Failed : Verdict.Inconclusive);
    }

    /// <summary>Whether remainders are those of a wrong slope: in proportion to the step, of the other sign in the
    /// other direction, and such that the steps below, within rounding, do not say otherwise. Those of a kink, of a
    /// loss that curves one way and then the other, or that swings to and fro within the smallest step, are
    /// not.</summary>
    private static bool IsOffInSlope(
        List<TaylorRemainder> remainders, double largestBelow, Func<double, double> change, double slope, double noise)
    {
        TaylorRemainder[] last = [.. remainders.TakeLast(StepsInProportion)];
        double[] slopes = Array.ConvertAll(last, r => r.Signed / r.StepSize);
        double[] forwards = Array.ConvertAll(last, r => change(r.StepSize));
        double[] backwards = Array.ConvertAll(last, r => change(-r.StepSize));
        return last.Length == StepsInProportion
            && slopes.Max(Math.Abs) <= Proportional * slopes.Min(Math.Abs)
            && slopes.Min(Math.Abs) <= largestBelow
            && Array.TrueForAll(last, r => Math.Sign(r.Signed) == Math.Sign(slopes[0]))
            && last.Zip(backwards).All(p =>
                Math.Abs(p.First.Signed + p.Second + (p.First.StepSize * slope))
                    <= LeastOneSided * Math.Abs(p.First.Signed))
            && Shrinks(forwards)
            && Shrinks(backwards);

        bool Shrinks(double[] changes) => changes.Zip(changes.Skip(1)).All(p =>
            Math.Abs(p.Second) <= (LeastShrinking * Math.Abs(p.First)) + noise);
    }
}

/// <summary>The error of the linear model of the loss at one size of the step.</summary>
public sealed class TaylorRemainder
{
    internal TaylorRemainder(double stepSize, double signed)
    {
        StepSize = stepSize;
        Signed = signed;
    }

    /// <summary>ε.</summary>
    public double StepSize { get; }

    /// <summary>|L(θ + ε v) − L(θ) − ε ⟨g, v⟩|.</summary>
    public double Remainder => Math.Abs(Signed);

    /// <summary>The same with its sign.</summary>
    internal double Signed { get; }
}
