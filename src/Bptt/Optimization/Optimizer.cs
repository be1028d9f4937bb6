// What the methods that minimise a training loss have in common. Computes nothing.

using Bptt.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// A method that minimises a training loss: of first order (<see cref="GradientOptimizer"/>), which moves by one
/// gradient, or a method of the whole batch, which evaluates the loss where it needs it. An instance follows one set of
/// parameters and is not for use from several threads. Given to a trainer it is a prototype: the run works on a copy
/// without history.
/// </summary>
public abstract class Optimizer
{
    private protected Optimizer()
    {
    }

    /// <summary>Whether it moves by a gradient that it is given, which may be clipped or belong to a part of the data;
    /// otherwise it needs the whole batch and evaluates the loss itself.</summary>
    internal abstract bool TakesGradients { get; }

    /// <summary>The history that the next step depends on, copied: with <see cref="Restore"/> a run goes on bit for
    /// bit.</summary>
    internal abstract IReadOnlyDictionary<string, double[]> State { get; }

    /// <summary>The same settings without any history.</summary>
    internal abstract Optimizer Fresh();

    /// <summary>One step: an update of first order, an iteration or a few of the others.</summary>
    /// <param name="loss">L; for its evaluations, where the method makes any.</param>
    /// <param name="at">Where it stands, finite; for a method of first order with the gradient to move by.</param>
    /// <param name="cancellation">Asked before each evaluation of the loss.</param>
    /// <returns>Where to go on. Loss and parameters there are finite, and a method of the whole batch never makes the
    /// loss larger.</returns>
    /// <exception cref="ArithmeticException">A step of first order overflows; history stays as it was.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; history stays as it was.</exception>
    internal abstract OptimizerStep Step(TrainingLoss loss, TrainingPoint at, CancellationToken cancellation);

    /// <summary>Takes over what <see cref="State"/> gave.</summary>
    /// <exception cref="FormatException">An entry is missing, superfluous or of a wrong length; the history stays as it
    /// was.</exception>
    internal abstract void Restore(IReadOnlyDictionary<string, double[]> state);

    /// <summary>The numbers of a state that has one entry, finite and as they should be.</summary>
    /// <exception cref="FormatException">They are not there, or not so.</exception>
    private protected static double[] OnlyEntry(
        IReadOnlyDictionary<string, double[]> state,
        string entry,
        string content,
        Func<double[], bool> isRight,
        string owner) =>
        state.Count == 1
        && state.TryGetValue(entry, out double[]? values)
        && isRight(values)
        && VectorMath.FirstNonFinite(values) < 0
            ? values
            : throw new FormatException(
                $"State of {owner}: expected the entry {entry} with {content}, got {string.Join(", ", state.Keys)}.");

    /// <summary>The name with every setting, alike under every culture: two with the same text behave alike, and a
    /// checkpoint compares it.</summary>
    public abstract override string ToString();
}

/// <summary>What one step of an optimiser gave.</summary>
/// <param name="Next">The parameters after it.</param>
/// <param name="Evaluated">The loss there, where the optimiser has evaluated it last; null where not.</param>
/// <param name="IsConverged">Whether no further step is worth taking.</param>
/// <param name="Note">What a person should know, such as why it converged; empty where there is nothing.</param>
internal sealed record OptimizerStep(Parameters Next, TrainingPoint? Evaluated, bool IsConverged, string Note);
