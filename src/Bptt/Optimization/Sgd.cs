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
    private double[] _velocity = [];

    /// <summary>Creates an optimiser at rest.</summary>
    /// <param name="learningRate">α, above 0.</param>
    /// <param name="momentum">μ, from 0 to below 1.</param>
    /// <param name="isNesterov">Whether the momentum is Nesterov's; of no effect where μ is 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public Sgd(double learningRate, double momentum = 0.0, bool isNesterov = false)
        : base(learningRate)
    {
        Guard.Decay(momentum, nameof(momentum));
        Momentum = momentum;
        IsNesterov = isNesterov;
    }

    /// <summary>μ.</summary>
    public double Momentum { get; }

    /// <summary>Whether the momentum is Nesterov's.</summary>
    public bool IsNesterov { get; }

    internal override string Settings =>
        $"Sgd(learning rate {NumberText.Exact(LearningRate)}, "
        + $"momentum {NumberText.Exact(Momentum)}{(IsNesterov ? " of Nesterov" : "")})";

    private protected override (string Name, double[] Values)[] Memory => [("velocity", _velocity)];

    internal override Optimizer Fresh() => new Sgd(LearningRate, Momentum, IsNesterov);

    private protected override void Remember(double[][] memory) => _velocity = memory[0];

    private protected override void Move(Span<double> parameters, ReadOnlySpan<double> gradient, int weightCount)
    {
        double[] velocity = new double[parameters.Length];
        for (int i = 0; i < parameters.Length; i++)
        {
            double step = -LearningRate * gradient[i];
            velocity[i] = step + (StepCount == 0 ? 0.0 : Momentum * _velocity[i]);
            parameters[i] += IsNesterov ? Momentum * velocity[i] + step : velocity[i];
        }
        RequireFinite(nameof(Sgd), parameters, velocity);
        (_velocity, StepCount) = (velocity, StepCount + 1);
    }
}
