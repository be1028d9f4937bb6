// An objective on some steps of some sequences: what training by mini-batches and windows of time judges. Moves no
// weights.

using System.Numerics;

namespace Bptt;

public abstract partial class Objective
{
    /// <summary>The same objective on parts of the sequences, as sequences of their own whose steps count from 1. Step
    /// weights go with their steps. Reduction and a given normaliser act on the part as they would on a
    /// whole.</summary>
    /// <param name="parts">Steps that there are: <see cref="CheckWhole"/> has been called.</param>
    internal Objective Part(SequencePart[] parts)
    {
        Objective part = PartOf(parts);
        part._weights = _weights?.Part(parts);
        part._normalizer = _normalizer;
        return part;
    }

    /// <summary>Whether weights mask every step, so that there is nothing to judge.</summary>
    internal bool IsMasked(SequenceBatch inputs) =>
        _weights is not null && Enumerable.Range(0, inputs.Count).All(b => _weights.Sum(b) == 0.0);

    /// <summary>Refuses targets and weights that do not fit a pass over all sequences.</summary>
    /// <exception cref="ArgumentException">They do not fit.</exception>
    internal void CheckWhole(ForwardPass forward)
    {
        _weights?.RequireLengths(forward.Layout, "weights");
        CheckFits(forward);
    }

    /// <summary>A fresh objective on the parts, without weights and normaliser: a view unless the targets can be
    /// cut.</summary>
    private protected virtual Objective PartOf(SequencePart[] parts) => new PartView(this, parts);

    /// <summary>A user's objective seen through other numbers of sequences and steps.</summary>
    private sealed class PartView(Objective whole, SequencePart[] parts) : Objective(whole.Reduction)
    {
        /// <inheritdoc/>
        protected internal override bool IsQuadratic => whole.IsQuadratic;

        /// <inheritdoc/>
        protected internal override bool IsAnalytic => whole.IsAnalytic;

        /// <inheritdoc/>
        protected internal override bool IsTwiceDifferentiable => whole.IsTwiceDifferentiable;

        /// <inheritdoc/>
        protected internal override Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t) =>
            whole.StepLoss(output, parts[sequence].Sequence, StepOfWhole(sequence, t));

        /// <inheritdoc/>
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            whole.StepLoss(output, parts[sequence].Sequence, StepOfWhole(sequence, t));

        /// <inheritdoc/>
        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            whole.StepGradient(output, parts[sequence].Sequence, StepOfWhole(sequence, t), gradient);

        /// <inheritdoc/>
        protected override double StepLossAndGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            whole.StepLossAndGradient(output, parts[sequence].Sequence, StepOfWhole(sequence, t), gradient);

        /// <inheritdoc/>
        protected internal override void StepCurvature(
            ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product) =>
            whole.StepCurvature(output, parts[sequence].Sequence, StepOfWhole(sequence, t), direction, product);

        private protected override Objective PartOf(SequencePart[] inner) => whole.PartOf(
            Array.ConvertAll(inner, p => new SequencePart(
                parts[p.Sequence].Sequence, StepOfWhole(p.Sequence, p.FirstStep), p.Length)));

        private int StepOfWhole(int sequence, int t) => parts[sequence].FirstStep + t - 1;
    }
}
