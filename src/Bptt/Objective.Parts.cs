// The weights of the steps in an objective: 1 unless given, 0 where masked; and an objective on some steps of some
// sequences: what training by mini-batches and windows of time judges. Moves no weights.

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearRecurrence;

namespace Bptt;

public abstract partial class Objective
{
    private StepWeights? _weights;

    /// <summary>The same objective with a weight for each step of one sequence.</summary>
    /// <param name="weights">T weights of at least 0: entry t−1 belongs to step t, and 0 masks the step: it is skipped,
    /// not multiplied, so its target may be NaN. Copied.</param>
    /// <returns>A new objective; earlier weights are replaced.</returns>
    /// <exception cref="ArgumentNullException">The weights are null.</exception>
    /// <exception cref="ArgumentException">A weight is negative, NaN or infinite. Weights that sum to 0 are refused
    /// when the objective is evaluated, unless a normaliser is given.</exception>
    public Objective WithStepWeights(double[] weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return WithStepWeights([weights]);
    }

    /// <summary>The same objective with a weight for each step of each sequence;
    /// see <see cref="WithStepWeights(double[])"/>.</summary>
    /// <param name="weights">For each sequence T_b weights of at least 0. Copied.</param>
    /// <returns>A new objective; earlier weights are replaced.</returns>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    /// <exception cref="ArgumentException">A sequence's weights are null, or a weight is negative, NaN or
    /// infinite.</exception>
    public Objective WithStepWeights(IReadOnlyList<double[]> weights)
    {
        var copy = (Objective)MemberwiseClone();
        copy._weights = new StepWeights(weights, nameof(weights));
        return copy;
    }

    /// <summary>w_bt: 1 unless weights are given, 0 where the step is masked.</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    protected double StepWeight(int sequence, int t) => _weights is null ? 1.0 : _weights[sequence, t];

    /// <summary>One weight for each step of each sequence: 0 masks a step.</summary>
    internal sealed class StepWeights
    {
        private readonly double[][] _weights;

        /// <summary>Copies and checks the weights.</summary>
        public StepWeights(IReadOnlyList<double[]> weights, string name)
        {
            ArgumentNullException.ThrowIfNull(weights, name);
            _weights = new double[weights.Count][];
            for (int b = 0; b < _weights.Length; b++)
            {
                double[] given = weights[b] ?? throw Guard.Error(
                    name, $"expected weights for each sequence, got null for sequence {b}.");
                for (int t = 1; t <= given.Length; t++)
                {
                    if (!(given[t - 1] >= 0.0) || !double.IsFinite(given[t - 1]))
                    {
                        throw Guard.Error(
                            name,
                            $"expected finite weights of at least 0, got {NumberText.Exact(given[t - 1])} "
                            + $"for sequence {b}, step {t}.");
                    }
                }
                _weights[b] = (double[])given.Clone();
            }
        }

        private StepWeights(double[][] weights)
        {
            _weights = weights;
        }

        public override string ToString()
        {
            double[] all = [.. _weights.SelectMany(weights => weights)];
            return $"step weights (0 at {all.Count(weight => weight == 0.0)} of {all.Length})";
        }

        /// <summary>The weights of each sequence, not to be written to.</summary>
        public IReadOnlyList<double[]> All => _weights;

        public double this[int sequence, int step] => _weights[sequence][step - 1];

        /// <summary>Σ_t w_t of one sequence.</summary>
        public double Sum(int sequence) => _weights[sequence].Sum();

        /// <summary>The weights of some steps, numbered anew.</summary>
        public StepWeights Part(SequencePart[] parts) => new(
            Array.ConvertAll(parts, p => _weights[p.Sequence].AsSpan(p.FirstStep - 1, p.Length).ToArray()));

        /// <summary>Refuses weights that were made for other lengths.</summary>
        public void RequireLengths(BatchLayout layout, string name) => Guard.SameLengths(
            layout.Lengths, Array.ConvertAll(_weights, w => w.Length), "the inputs", "the step weights", name);
    }

    /// <summary>The same objective on parts of the sequences, as sequences of their own whose steps count from 1. Step
    /// weights go with their steps. Reduction and a given normaliser act on the part as on a whole.</summary>
    /// <param name="parts">Steps that there are: <see cref="CheckWhole"/> has been called.</param>
    internal Objective Part(SequencePart[] parts)
    {
        Objective part = PartOf(parts);
        part._weights = _weights?.Part(parts);
        part._normalizer = _normalizer;
        part.Reduction = Reduction;
        return part;
    }

    /// <summary>The same objective on segments of sequences that are cut in time, whose losses add up to that of the
    /// whole: a step counts there as it does in the whole, whatever the length of its segment.</summary>
    /// <param name="segments">All steps, each once.</param>
    /// <param name="lengths">T_b of the whole.</param>
    internal Objective Segmented(SequencePart[] segments, IReadOnlyList<int> lengths)
    {
        Objective part = Part(segments).WithNormalizer(NormalizerOf(lengths));
        if (Reduction == Reduction.MeanPerSequence)
        {
            // 1/T_b Σ_t w_bt ℓ is a sum with the weights w_bt over those of the whole sequence.
            double[] sums = WeightSums(lengths);
            part._weights = new StepWeights(
                Array.ConvertAll(segments, s => Enumerable.Range(s.FirstStep, s.Length)
                    .Select(t => sums[s.Sequence] == 0.0 ? 0.0 : StepWeight(s.Sequence, t) / sums[s.Sequence])
                    .ToArray()),
                nameof(segments));
            part.Reduction = Reduction.Sum;
        }
        return part;
    }

    /// <summary>The divisor of the whole, which a part that does not know the rest is given: see
    /// <see cref="WithNormalizer"/>.</summary>
    /// <param name="lengths">T_b of the whole.</param>
    internal double NormalizerOf(IReadOnlyList<int> lengths) => Divisor(WeightSums(lengths));

    /// <summary>What the objective is made of where other processes can make it again: the loss by name, its setting,
    /// and targets or labels; null for one of a user's own.</summary>
    internal virtual (string Loss, double Setting, SequenceBatch? Targets, int[][]? Labels)? Content => null;

    /// <summary>w_bt of every sequence; null where none are given.</summary>
    internal IReadOnlyList<double[]>? GivenWeights => _weights?.All;

    /// <summary>The divisor given from outside; null where there is none.</summary>
    internal double? GivenNormalizer => _normalizer;

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

        private protected override string Description =>
            $"{whole.Description} (a part: B = {parts.Length}, {parts.Sum(p => (long)p.Length)} steps)";

        private protected override Objective PartOf(SequencePart[] inner) => whole.PartOf(
            Array.ConvertAll(inner, p => new SequencePart(
                parts[p.Sequence].Sequence, StepOfWhole(p.Sequence, p.FirstStep), p.Length)));

        private int StepOfWhole(int sequence, int t) => parts[sequence].FirstStep + t - 1;
    }
}
