// Gradient descent, with momentum where asked. Turns a gradient into a step; computes no gradient itself.

using Bptt.Edge;

namespace Bptt.Optimization;

/// <summary>
/// Gradient descent: v ← μv − αg, w ← w + v, "stochastic" where g belongs to a part of the data. Without momentum
/// (μ = 0) each step is −αg; with it, it is Polyak's classical momentum or Nesterov's accelerated gradient (Sutskever,
/// Martens, Dahl &amp; Hinton 2013, "On the importance of initialization and momentum in deep learning", equations 1 to
/// 4).
/// </summary>
/// <remarks>
/// Nesterov's method takes its gradient at θ + μv. Here the parameters are those points, w = θ + μv, so that the
/// gradient at the parameters is the one needed: v ← μv − αg, w ← w + μv − αg. At the start, and in the limit, v = 0
/// and w = θ. One instance follows one set of parameters. Not for use from several threads.
/// </remarks>
public sealed class Sgd : GradientOptimizer
{
    private const string Velocity = "velocity";

    /// <summary>Creates an optimiser at rest.</summary>
    /// <param name="learningRate">α, above 0.</param>
    /// <param name="momentum">μ, from 0 to below 1.</param>
    /// <param name="isNesterov">Whether the momentum is Nesterov's; of no effect where μ is 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public Sgd(double learningRate, double momentum = 0.0, bool isNesterov = false)
        : base(learningRate, Velocity)
    {
        Guard.Decay(momentum, nameof(momentum));
        Momentum = momentum;
        IsNesterov = isNesterov;
    }

    /// <summary>μ.</summary>
    public double Momentum { get; }

    /// <summary>Whether the momentum is Nesterov's.</summary>
    public bool IsNesterov { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"momentum {Momentum}{(IsNesterov ? " of Nesterov" : "")}";

    /// <summary>v ← μv − αg, and w ← w + v or w ← w + μv − αg.</summary>
    protected override void Move(GradientStep update)
    {
        Span<double> velocity = update.Memory(Velocity);
        for (int i = 0; i < velocity.Length; i++)
        {
            double descent = -LearningRate * update.Gradient[i];
            velocity[i] = descent + Momentum * velocity[i];
            update.Parameters[i] += IsNesterov ? Momentum * velocity[i] + descent : velocity[i];
        }
    }
}
