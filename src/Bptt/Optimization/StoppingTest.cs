// When a method of the whole batch has converged, and which of its trial steps are taken. Chooses no step.

using Bptt.Edge;
using Bptt.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>Relative tests, so that neither the unit of the loss nor that of the weights matters, and a loss that can
/// reach zero goes on down to rounding.</summary>
internal sealed class StoppingTest
{
    public const string SmallGradient = "the gradient is as small as asked";
    public const string SmallStep = "the step is as small as asked";
    public const string SmallReduction = "the reduction is as small as asked";
    public const string NoBetterStep = "no step makes the loss smaller";

    /// <param name="gradientTolerance">At least 0.</param>
    /// <param name="stepTolerance">At least 0.</param>
    /// <param name="reductionTolerance">At least 0.</param>
    public StoppingTest(double gradientTolerance, double stepTolerance, double reductionTolerance)
    {
        Guard.NotNegative(gradientTolerance, nameof(gradientTolerance));
        Guard.NotNegative(stepTolerance, nameof(stepTolerance));
        Guard.NotNegative(reductionTolerance, nameof(reductionTolerance));
        Gradient = gradientTolerance;
        Step = stepTolerance;
        Reduction = reductionTolerance;
    }

    public double Gradient { get; }

    public double Step { get; }

    public double Reduction { get; }

    public string Settings =>
        $"gradient tolerance {NumberText.Exact(Gradient)}, step tolerance {NumberText.Exact(Step)}, "
        + $"reduction tolerance {NumberText.Exact(Reduction)}";

    /// <summary>‖∂L/∂θ‖‖θ‖ ≤ ε L: what a change of θ by its own size would bring to first order, or a gradient of
    /// zero.</summary>
    public bool Holds(TrainingPoint at)
    {
        double slope = VectorMath.Norm(at.Gradient);
        return slope == 0.0 || slope * VectorMath.Norm(at.Parameters.Values) <= Gradient * Math.Abs(at.Loss);
    }

    /// <summary>‖p‖ ≤ ε‖θ‖, or a step that changes no number.</summary>
    public bool IsSmall(TrainingPoint at, double length) =>
        length <= Math.Max(Step, 1e-17) * VectorMath.Norm(at.Parameters.Values) || length == 0.0;

    /// <summary>Why no further step is worth taking after one that has been; empty where one is.</summary>
    public string NoteOn(TrainingPoint before, TrainingPoint after, double length, double predicted)
    {
        double least = Reduction * Math.Abs(before.Loss);
        return after.Loss == 0.0 || Holds(after) ? SmallGradient
            : length <= Step * VectorMath.Norm(after.Parameters.Values) ? SmallStep
            : before.Loss - after.Loss <= least && predicted <= least ? SmallReduction
            : "";
    }

    /// <summary>The point after a step; null where the step is not finite, or the loss there is not finite or not
    /// smaller by more than what is asked. Only a point that is returned takes the memory of passes.</summary>
    public static TrainingPoint? Try(
        TrainingLoss loss, TrainingPoint at, ReadOnlySpan<double> step, double reduction = 0.0)
    {
        double[] values = at.Parameters.Values.ToArray();
        VectorMath.AddScaled(1.0, step, values);
        if (VectorMath.FirstNonFinite(values) >= 0)
        {
            return null;
        }
        Parameters next = at.Parameters.With(values);
        return at.Loss - loss.Loss(next) > reduction ? loss.EvaluateWhereFinite(next) : null;
    }

    /// <summary>Converged where it stands.</summary>
    public static OptimizerStep Stay(TrainingPoint at, string note) => new(at.Parameters, at, true, note);
}
