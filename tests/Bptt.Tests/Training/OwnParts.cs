// What a user writes beside the library's own: an optimiser, a schedule, a clipping, a penalty and a constraint. They
// use no internals.

using Bptt.Optimization;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Training;

/// <summary>RMSprop with momentum: two kinds of memory.</summary>
internal sealed class OwnRmsProp(double learningRate, double decay = 0.9, double momentum = 0.5)
    : GradientOptimizer(learningRate, "mean square", "velocity")
{
    protected override FormattableString Settings => $"decay {decay}, momentum {momentum}";

    protected override void Move(GradientStep update)
    {
        Span<double> meanSquare = update.Memory("mean square");
        Span<double> velocity = update.Memory("velocity");
        for (int i = 0; i < update.Parameters.Length; i++)
        {
            double g = update.Gradient[i];
            meanSquare[i] = decay * meanSquare[i] + (1.0 - decay) * g * g;
            velocity[i] = momentum * velocity[i] - LearningRate * g / (Math.Sqrt(meanSquare[i]) + 1e-8);
            update.Parameters[i] += velocity[i];
        }
    }
}

/// <summary>Does what it is told.</summary>
internal sealed class OwnOptimizer(Action<OwnOptimizer, GradientStep> move, params string[] memory)
    : GradientOptimizer(0.1, memory)
{
    protected override FormattableString Settings => $"";

    protected override void Move(GradientStep update) => move(this, update);
}

/// <summary>γᵘ.</summary>
internal sealed class OwnSchedule(double gamma) : LearningRateSchedule
{
    public override string ToString() => FormattableString.Invariant($"{gamma} to the power of the update");

    protected override double FactorOf(int update) => Math.Pow(gamma, update);
}

/// <summary>∂L/∂W_hh alone is kept small, and ∂L/∂h_0 is halved.</summary>
internal sealed class OwnClipping(double bound) : GradientClipping
{
    protected override FormattableString Settings => $"bound {bound}";

    protected override double? Clip(GradientEntries gradients)
    {
        foreach (ref double value in gradients.Whh)
        {
            value = bound * Math.Tanh(value / bound);
        }
        foreach (ref double value in gradients.InitialStates)
        {
            value *= 0.5;
        }
        return null;
    }
}

/// <summary>Ω = λ Σ log cosh w over all weights.</summary>
internal sealed class OwnPenalty(double strength) : Regularizer
{
    protected override FormattableString Settings => $"strength {strength}";

    public override (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward)
    {
        LinearRnn model = backward.Forward.Model;
        double value = new[] { model.Whx, model.Whh, model.Wqh }
            .Sum(weights => weights.Enumerate().Sum(w => strength * Math.Log(Math.Cosh(w))));
        return (value, strength * new Gradients(
            model.Whx.PointwiseTanh(), model.Whh.PointwiseTanh(), model.Wqh.PointwiseTanh()));
    }
}

/// <summary>Every entry of W_hh between two bounds.</summary>
internal sealed class OwnConstraint(double bound) : WeightConstraint
{
    protected override FormattableString Settings => $"bound {bound}";

    protected override Matrix<double>? Project(Matrix<double> whh) =>
        whh.ForAll(w => Math.Abs(w) <= bound) ? null : whh.Map(w => Math.Clamp(w, -bound, bound));
}
