// The Adam optimiser, with decoupled weight decay. Turns a gradient into a step; computes no gradient itself.

using Bptt.Edge;

namespace Bptt.Optimization;

/// <summary>
/// Adam (Kingma &amp; Ba 2015, algorithm 1): each parameter moves by −α m̂ / (√v̂ + ε), where m̂ and v̂ are
/// bias-corrected running means of its gradient and of the gradient's square. With a weight decay λ above 0 it is AdamW
/// (Loshchilov &amp; Hutter 2019, "Decoupled weight decay regularization"): each weight moves by −αλw besides, which no
/// running mean sees.
/// </summary>
/// <remarks>
/// The decay acts on weights and on parameters given as a vector; a learned h_0 in a trainer does not decay.
/// One instance follows one set of parameters: the sizes of the first step are kept. The update works entry by entry,
/// so separate instances for W and for h_0 are exactly one instance for both. Not for use from several threads.
/// </remarks>
public sealed class Adam : GradientOptimizer
{
    private const string FirstMoment = "first moment";
    private const string SecondMoment = "second moment";

    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;

    /// <summary>Creates an optimiser whose moments are zero.</summary>
    /// <param name="learningRate">α, above 0.</param>
    /// <param name="beta1">β₁, the decay of the mean, from 0 to below 1.</param>
    /// <param name="beta2">β₂, the decay of the mean square, from 0 to below 1.</param>
    /// <param name="epsilon">ε, above 0.</param>
    /// <param name="weightDecay">λ, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public Adam(
        double learningRate = 1e-3,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double epsilon = 1e-8,
        double weightDecay = 0.0)
        : base(learningRate, FirstMoment, SecondMoment)
    {
        Guard.Decay(beta1, nameof(beta1));
        Guard.Decay(beta2, nameof(beta2));
        Guard.Positive(epsilon, nameof(epsilon));
        Guard.NotNegative(weightDecay, nameof(weightDecay));
        _beta1 = beta1;
        _beta2 = beta2;
        _epsilon = epsilon;
        WeightDecay = weightDecay;
    }

    /// <summary>λ.</summary>
    public double WeightDecay { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings =>
        $"β₁ {_beta1}, β₂ {_beta2}, ε {_epsilon}, weight decay {WeightDecay}";

    /// <summary>m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − α m̂ / (√v̂ + ε) − α λ w.</summary>
    protected override void Move(GradientStep update)
    {
        Span<double> parameters = update.Parameters;
        Span<double> first = update.Memory(FirstMoment);
        Span<double> second = update.Memory(SecondMoment);
        double correction1 = 1.0 - Math.Pow(_beta1, StepCount + 1);
        double correction2 = 1.0 - Math.Pow(_beta2, StepCount + 1);
        for (int i = 0; i < parameters.Length; i++)
        {
            double g = update.Gradient[i];
            double decay = i < update.WeightCount ? LearningRate * WeightDecay * parameters[i] : 0.0;
            first[i] = _beta1 * first[i] + (1.0 - _beta1) * g;
            second[i] = _beta2 * second[i] + (1.0 - _beta2) * g * g;
            parameters[i] -=
                LearningRate * (first[i] / correction1) / (Math.Sqrt(second[i] / correction2) + _epsilon) + decay;
        }
    }
}
