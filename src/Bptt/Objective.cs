// The objective function L, and where 1/T lives. Knows outputs; no targets (its cases do), no weights of a model, no
// time order.
//
//   q  outputs      T_b  steps of sequence b      w_bt  step weights, 1 unless given

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// L = 1/T Σ_t ℓ(o_t, y_t), generalised to batches, step weights and three reductions. Derive from it for a loss of
/// your own: supply ℓ and ∂ℓ/∂o, and the reduction, the weights and the normaliser are taken care of here.
/// </summary>
/// <remarks>Objectives never change. A subclass must be safe to call from many threads at once.</remarks>
public abstract partial class Objective
{
    private double? _normalizer;

    /// <summary>Creates an objective with the given reduction.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is none of the named ones.</exception>
    protected Objective(Reduction reduction = Reduction.MeanPerStep)
    {
        if (!Enum.IsDefined(reduction))
        {
            throw Guard.Range(
                nameof(reduction), $"expected MeanPerStep, MeanPerSequence or Sum, got {reduction}.");
        }
        Reduction = reduction;
    }

    /// <summary>How step losses become L.</summary>
    public Reduction Reduction { get; private set; }

    /// <summary>Whether ℓ is a polynomial of degree two at most in o_t, so that central differences of L are exact in
    /// whatever the outputs depend on linearly. Override it where that holds: a gradient check is then sharper and
    /// faster.</summary>
    protected internal virtual bool IsQuadratic => false;

    /// <summary>Whether ℓ is also given in complex numbers, as an analytic function near the outputs: override it
    /// together with <see cref="StepLoss(ReadOnlySpan{Complex}, int, int)"/>. A gradient check then differentiates by a
    /// complex step, which subtracts nothing and so is as exact as the gradient itself.</summary>
    protected internal virtual bool IsAnalytic => false;

    /// <summary>Whether ∂²ℓ/∂o_t² is given: override it together with <see cref="StepCurvature"/>. Products with the
    /// Hessian of L, and the optimisers that are built on them, need it.</summary>
    protected internal virtual bool IsTwiceDifferentiable => false;

    /// <summary>The same objective with a divisor given from outside, for a part of a batch that does not know the
    /// rest. It takes the place of ΣT_b (or the sum of the weights) in <see cref="Reduction.MeanPerStep"/>, of the
    /// number of sequences in <see cref="Reduction.MeanPerSequence"/>, and of 1 in
    /// <see cref="Reduction.Sum"/>.</summary>
    /// <param name="normalizer">A finite number above 0.</param>
    /// <returns>A new objective.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The normaliser is not a finite number above 0.</exception>
    public Objective WithNormalizer(double normalizer)
    {
        Guard.Positive(normalizer, nameof(normalizer));
        var copy = (Objective)MemberwiseClone();
        copy._normalizer = normalizer;
        return copy;
    }

    /// <summary>L alone, without a backward pass. NaN or infinite where an output of a step that is not masked is. Cost
    /// O(q·ΣT_b) for the objectives of this class.</summary>
    /// <param name="forward">The pass whose outputs are judged.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">Targets or weights do not fit the outputs of the pass, or the weights sum
    /// to 0.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public double Loss(ForwardPass forward)
    {
        ArgumentNullException.ThrowIfNull(forward);
        return forward.Context.Read(() =>
            Begin(forward, outputGradients: null, length => new double[length]).EvaluatedLoss());
    }

    /// <summary>The loss, the reduction, what is known of the targets, and what weights and normaliser there are, for a
    /// debugger.</summary>
    public override string ToString() => string.Join(
        ", ",
        ((string?[])
        [
            Description,
            Reduction.ToString(),
            _weights?.ToString(),
            _normalizer is double n ? $"normalizer {NumberText.Exact(n)}" : null,
        ]).Where(part => part is not null));

    /// <summary>The loss and its targets, in words; the name of the type for one of your own.</summary>
    private protected virtual string Description => GetType().Name;

    /// <summary>ℓ(o_t, y_t) of one step, before weights and reduction.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    protected abstract double StepLoss(ReadOnlySpan<double> output, int sequence, int t);

    /// <summary>ℓ(o_t, y_t) of one step in complex numbers, for a gradient check: the same formula as in real ones, its
    /// branches chosen by real parts, and free of |z|, conjugates and whatever else is not analytic (Squire and Trapp
    /// 1998, "Using complex variables to estimate derivatives of real functions").</summary>
    /// <param name="output">o_t, length q; the imaginary parts are tiny.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <exception cref="NotSupportedException">The objective is given in real numbers only.</exception>
    protected internal virtual Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t) =>
        throw new NotSupportedException(
            $"{GetType().Name} says {nameof(IsAnalytic)}: expected an override of StepLoss in complex numbers, "
            + "got none.");

    /// <summary>∂ℓ(o_t, y_t)/∂o_t of one step, before weights and reduction.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <param name="gradient">Receives the gradient, length q; zero on entry.</param>
    protected abstract void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient);

    /// <summary>ℓ and ∂ℓ/∂o_t together. Override it where the two share work.</summary>
    /// <inheritdoc cref="StepGradient"/>
    /// <returns>ℓ(o_t, y_t).</returns>
    protected virtual double StepLossAndGradient(
        ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        StepGradient(output, sequence, t, gradient);
        return StepLoss(output, sequence, t);
    }

    /// <summary>∂²ℓ(o_t, y_t)/∂o_t² · v of one step, before weights and reduction: the derivative of
    /// <see cref="StepGradient"/> in the direction v.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <param name="direction">v, length q.</param>
    /// <param name="product">Receives the product, length q; zero on entry.</param>
    /// <exception cref="NotSupportedException">The objective does not give its second derivatives.</exception>
    protected internal virtual void StepCurvature(
        ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product) =>
        throw NoCurvature();

    /// <summary>Called before the first step of each evaluation: throw <see cref="ArgumentException"/> here where the
    /// targets do not fit the pass.</summary>
    /// <param name="forward">The pass about to be judged.</param>
    protected virtual void CheckFits(ForwardPass forward)
    {
    }

    /// <summary>Refuses targets that do not fit the outputs of a pass, or that are not finite at a step that is not
    /// masked: for subclasses to call from <see cref="CheckFits"/>.</summary>
    /// <param name="targets">Expected: sequences as long as the inputs, of q rows.</param>
    /// <param name="forward">The pass about to be judged.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The targets do not fit; the message says where.</exception>
    protected void CheckTargets(SequenceBatch targets, ForwardPass forward)
    {
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(forward);
        targets.RequireFitsOutputs(
            forward.Record, "the targets", nameof(targets), except: (b, t) => StepWeight(b, t) == 0.0);
    }

    private static SequenceBatch Single(Matrix<double> targets)
    {
        Guard.NotEmpty(targets, "q×T", nameof(targets));
        return SequenceBatch.Pack([targets]);
    }

    private abstract class TargetObjective(SequenceBatch targets, Reduction reduction) : Objective(reduction)
    {
        /// <summary>B, q and ΣT_b.</summary>
        private protected string TargetText =>
            $"B = {targets.Count}, q = {targets.RowCount}, {targets.TotalLength} steps";

        /// <summary>y_t of every step.</summary>
        protected private SequenceBatch Targets => targets;

        /// <summary>The targets of some steps.</summary>
        protected private SequenceBatch TargetPart(SequencePart[] parts) => targets.Part(parts);

        /// <summary>y_t, length q.</summary>
        protected ReadOnlySpan<double> Target(int sequence, int t) => targets.Columns.Column(sequence, t);

        /// <summary>y_t of columns in the layout that targets and outputs share.</summary>
        protected private MatrixSpan TargetColumns(int first, int count) => targets.Columns.Spaced(first, count, 1);

        /// <inheritdoc/>
        protected override void CheckFits(ForwardPass forward) => CheckTargets(targets, forward);
    }
}
