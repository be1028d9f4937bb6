// Quasi-Newton methods by MathNet's minimisers, in segments that a training can stop and resume between.

using System.Runtime.ExceptionServices;
using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace Bptt.Optimization;

/// <summary>
/// The methods of Broyden, Fletcher, Goldfarb and Shanno (Nocedal &amp; Wright 2006, chapters 6 and 7), as
/// MathNet.Numerics has them: curvature is learned from the gradients along the way. For the whole batch.
/// </summary>
/// <remarks>
/// A step of a training is a segment of several iterations. What a segment has learned of curvature is let go at its
/// end, so that a training resumed there goes on bit for bit; the longer the segments, the less is lost. A segment
/// begins with a tiny step that the line search doubles, some twenty to thirty evaluations. It ends early where
/// MathNet's line search gives up, a trial is not finite, or nothing is left to gain, and always with the best point
/// that it has seen; one that finds no better point than its first has converged. Cost of an iteration: an evaluation
/// or a few of the loss and its gradient, and O(n²) for n parameters, with a memory of m pairs O(nm).
/// </remarks>
public sealed class QuasiNewton : Optimizer
{
    /// <summary>No sensible limit: what is small beside the weights' own rounding.</summary>
    private const double ParameterTolerance = 1e-15;

    private QuasiNewton(int? memory, int iterationsPerStep, double gradientTolerance)
    {
        Guard.AtLeastOne(iterationsPerStep, nameof(iterationsPerStep));
        Guard.Positive(gradientTolerance, nameof(gradientTolerance));
        Memory = memory;
        IterationsPerStep = iterationsPerStep;
        GradientTolerance = gradientTolerance;
    }

    /// <summary>m, the number of pairs kept; null where the inverse Hessian is kept as a matrix.</summary>
    public int? Memory { get; }

    /// <summary>The iterations of a segment.</summary>
    public int IterationsPerStep { get; }

    /// <summary>A segment ends where max_i |g_i| max(|θ_i|, 1) / max(|L|, 1) is below this.</summary>
    public double GradientTolerance { get; }

    internal override bool TakesGradients => false;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(Memory is int m ? $"LimitedMemoryBfgs(memory {m}, " : "Bfgs(")}{IterationsPerStep} iterations a step, "
        + $"gradient tolerance {NumberText.Exact(GradientTolerance)})";

    internal override IReadOnlyDictionary<string, double[]> State => new Dictionary<string, double[]>();

    /// <summary>BFGS, which keeps an n×n matrix for n parameters.</summary>
    /// <param name="iterationsPerStep">The iterations of a segment, at least 1.</param>
    /// <param name="gradientTolerance">See <see cref="GradientTolerance"/>; above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public static QuasiNewton Bfgs(int iterationsPerStep = 100, double gradientTolerance = 1e-12) =>
        new(null, iterationsPerStep, gradientTolerance);

    /// <summary>BFGS with limited memory, for many parameters.</summary>
    /// <param name="memory">m, the number of pairs of steps and gradients kept, at least 1.</param>
    /// <param name="iterationsPerStep">The iterations of a segment, at least 1.</param>
    /// <param name="gradientTolerance">See <see cref="GradientTolerance"/>; above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public static QuasiNewton LimitedMemoryBfgs(
        int memory = 20, int iterationsPerStep = 100, double gradientTolerance = 1e-12)
    {
        Guard.AtLeastOne(memory, nameof(memory));
        return new QuasiNewton(memory, iterationsPerStep, gradientTolerance);
    }

    internal override Optimizer Fresh() => this; // it has no history

    internal override void Restore(IReadOnlyDictionary<string, double[]> state)
    {
        if (state.Count > 0)
        {
            throw new FormatException(
                $"State of an optimiser: expected none for {this}, got {string.Join(", ", state.Keys)}.");
        }
    }

    internal override OptimizerStep Step(TrainingLoss loss, TrainingPoint at, CancellationToken cancellation)
    {
        DampedSystem.RequireDouble(loss, nameof(QuasiNewton));
        TrainingPoint best = at;
        ExceptionDispatchInfo? fault = null;
        var source = new LossObjectiveFunction.Source(at.Parameters, loss.Loss, Evaluate) { WantsGradient = true };
        string note = Minimise(new LossObjectiveFunction(source), at.Parameters.ToVector());
        fault?.Throw(); // of the loss itself, or its cancellation: MathNet wraps what it catches
        return new OptimizerStep(best.Parameters, null, ReferenceEquals(best, at), note);

        TrainingPoint Evaluate(Parameters parameters)
        {
            try
            {
                cancellation.ThrowIfCancellationRequested();
                TrainingPoint point = loss.Evaluate(parameters);
                if (point.IsFinite && point.Loss < best.Loss)
                {
                    best = point;
                }
                return point;
            }
            catch (Exception e)
            {
                fault = ExceptionDispatchInfo.Capture(e);
                throw;
            }
        }
    }

    /// <summary>Runs MathNet's minimiser; whatever ends it, the points it has seen count.</summary>
    private string Minimise(LossObjectiveFunction function, Vector<double> start)
    {
        try
        {
            MinimizationResult result = Memory is int memory
                ? new LimitedMemoryBfgsMinimizer(
                    GradientTolerance, ParameterTolerance, 0.0, memory, IterationsPerStep).FindMinimum(function, start)
                : new BfgsMinimizer(GradientTolerance, ParameterTolerance, 0.0, IterationsPerStep)
                    .FindMinimum(function, start);
            return result.ReasonForExit == ExitCondition.RelativeGradient
                ? "the gradient is below its tolerance"
                : "no smaller loss was found";
        }
        catch (MaximumIterationsException)
        {
            return "no smaller loss was found"; // the segment is over
        }
        catch (Exception e) when (e is OptimizationException or ArgumentException or ArithmeticException)
        {
            return $"no smaller loss was found ({e.Message.TrimEnd('.')})";
        }
    }
}
