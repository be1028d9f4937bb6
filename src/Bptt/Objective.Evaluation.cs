// How an objective is evaluated on the outputs of a pass: L, and ∂L/∂o_t by formula (1), in parts that can be done in
// any order and at once. Knows no weights of a model and no time order.
//
//   q  outputs      T_b  steps of sequence b      w_bt  step weights      c_b  what the reduction makes of 1/T
//
// For one sequence without weights c_b w_bt is the 1/T of the source's (1), ∂L/∂o_t = 1/T ∂ℓ(o_t, y_t)/∂o_t.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt;

public abstract partial class Objective
{
    /// <summary>Checks that the objective fits a pass, and starts an evaluation.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="outputGradients">Receives ∂L/∂o_t; null where only L is asked.</param>
    /// <param name="storage">Makes memory of a length.</param>
    internal Evaluation Begin(
        ForwardPass forward, PackedColumns? outputGradients, Func<long, ArraySegment<double>> storage)
    {
        PackedColumns outputs = forward.OutputColumns;
        _weights?.RequireLengths(outputs.Layout, "weights");
        double[] factors = SequenceFactors(outputs.Layout);
        CheckFits(forward);
        return new Evaluation(this, outputs, factors, outputGradients, storage);
    }

    /// <summary>What some columns add to L, and where asked ∂L/∂o_t of each. An objective that knows a faster way to
    /// <see cref="StepLossAndGradient"/> of many columns overrides it.</summary>
    internal virtual double EvaluateColumns(
        PackedColumns outputs, PackedColumns? outputGradients, int first, int count, double[] factors)
    {
        var sum = default(CompensatedSum);
        foreach (BatchLayout.Place place in outputs.Layout.Places(first, count))
        {
            Span<double> output = outputs.All.Column(place.Column);
            double weight = StepWeight(place.Sequence, place.Step);
            double factor = weight * factors[place.Sequence];
            double loss = outputGradients is null
                ? LossOf(output, place.Sequence, place.Step, weight)
                : LossAndGradientOf(
                    output, place.Sequence, place.Step, weight, factor, outputGradients.All.Column(place.Column));
            // L = Σ_b c_b Σ_t w_bt ℓ(o_t, y_t)
            sum.Add(factor * loss);
        }
        return sum.Value;
    }

    /// <summary>c_b w_bt.</summary>
    internal double StepFactor(int sequence, int t, double[] factors) => StepWeight(sequence, t) * factors[sequence];

    /// <summary>c_b w_bt ℓ(o_t): what one step adds to L.</summary>
    internal double StepTerm(ReadOnlySpan<double> output, int sequence, int t, double[] factors) =>
        StepFactor(sequence, t, factors) * LossOf(output, sequence, t, StepWeight(sequence, t));

    /// <summary>c_b w_bt where it is the same for every step; null where not.</summary>
    internal double? CommonFactor(double[] factors) =>
        _weights is null && (Reduction != Reduction.MeanPerSequence || factors.Length == 1) ? factors[0] : null;

    /// <summary>How far L is off by rounding at most, to first order, where outputs are known up to their last place;
    /// null where nothing is known of the formula of ℓ. The losses of this class are sums of squares and the like,
    /// which do not cancel.</summary>
    internal double? Rounding(ForwardPass forward)
    {
        PackedColumns outputs = forward.OutputColumns;
        double[] factors = SequenceFactors(outputs.Layout);
        double[] slope = new double[outputs.Rows];
        double rounding = 0.0;
        foreach (BatchLayout.Place place in outputs.Layout.Places(0, outputs.Layout.ColumnCount))
        {
            double factor = StepFactor(place.Sequence, place.Step, factors);
            if (factor == 0.0)
            {
                continue;
            }
            Span<double> output = outputs.All.Column(place.Column);
            if (UnitsOfRounding(output) is not double units)
            {
                return null;
            }
            Array.Clear(slope);
            double loss = StepLossAndGradient(output, place.Sequence, place.Step, slope);
            double ofStep = units * MachineEpsilon.OfDouble * loss;
            for (int i = 0; i < slope.Length; i++)
            {
                double lastPlace = MachineEpsilon.OfDouble * Math.Abs(output[i]);
                ofStep += lastPlace * (Math.Abs(slope[i]) + (0.5 * lastPlace)); // second derivatives are at most 1
            }
            // Squares may underflow, and so may what the factor makes of them.
            rounding += (factor * ofStep) + ((1.0 + factor) * (slope.Length + 1) * double.Epsilon);
        }
        return rounding;
    }

    /// <summary>How far a computed ℓ is off at most for given outputs o_t, in units of the last place of ℓ; null where
    /// nothing is known of its formula.</summary>
    private protected virtual double? UnitsOfRounding(ReadOnlySpan<double> output) => null;

    /// <summary>ℓ of one step; 0 where it is masked, whatever its target.</summary>
    private double LossOf(ReadOnlySpan<double> output, int sequence, int t, double weight)
    {
        if (weight == 0.0)
        {
            return 0.0;
        }
        double loss = StepLoss(output, sequence, t);
        return VectorMath.FirstNonFinite(output) < 0 ? loss : NotFinite(loss);
    }

    /// <summary>The same, and the factor times ∂ℓ/∂o_t.</summary>
    private double LossAndGradientOf(
        ReadOnlySpan<double> output, int sequence, int t, double weight, double factor, Span<double> gradient)
    {
        gradient.Clear();
        if (weight == 0.0)
        {
            return 0.0;
        }
        double loss = StepLossAndGradient(output, sequence, t, gradient);

        // (1)  ∂L/∂o_t = c_b w_bt ∂ℓ(o_t, y_t)/∂o_t
        VectorMath.Scale(factor, gradient);
        if (VectorMath.FirstNonFinite(output) < 0)
        {
            return loss;
        }
        if (VectorMath.FirstNonFinite(gradient) < 0)
        {
            gradient.Fill(double.NaN);
        }
        return NotFinite(loss);
    }

    /// <summary>An output that is not finite is not hidden by a loss that stays finite.</summary>
    private static double NotFinite(double loss) => double.IsFinite(loss) ? double.NaN : loss;

    /// <summary>c_b in L = Σ_b c_b Σ_t w_bt ℓ.</summary>
    internal double[] SequenceFactors(BatchLayout layout)
    {
        double[] sums = WeightSums(layout.Lengths);
        double total = sums.Sum();
        if (total == 0.0 && _normalizer is null)
        {
            throw Guard.Error(
                "weights", "expected a sum above 0, or a normaliser given from outside, got weights that sum to 0.");
        }

        double divisor = Divisor(sums);
        double[] factors = Array.ConvertAll(
            sums,
            s => Reduction != Reduction.MeanPerSequence ? 1.0 / divisor : s == 0.0 ? 0.0 : 1.0 / (s * divisor));
        bool isLost = Enumerable.Range(0, sums.Length).Any(b => sums[b] > 0.0 && !double.IsNormal(factors[b]));
        if (!double.IsFinite(total) || VectorMath.FirstNonFinite(factors) >= 0 || isLost)
        {
            throw Guard.Error(
                _normalizer is null ? "weights" : "normalizer",
                "expected a sum and a divisor whose reciprocals are finite numbers above 0, got weights that sum to "
                + $"{NumberText.Exact(total)} and the normaliser "
                + $"{(_normalizer is double n ? NumberText.Exact(n) : "none")}.");
        }
        return factors;
    }

    /// <summary>Σ_t w_bt of every sequence.</summary>
    private double[] WeightSums(IReadOnlyList<int> lengths)
    {
        double[] sums = new double[lengths.Count];
        for (int b = 0; b < sums.Length; b++)
        {
            sums[b] = _weights is null ? lengths[b] : _weights.Sum(b);
        }
        return sums;
    }

    /// <summary>What divides the losses of all sequences alike.</summary>
    private double Divisor(double[] sums) => _normalizer ?? Reduction switch
    {
        Reduction.MeanPerStep => sums.Sum(),
        Reduction.MeanPerSequence => sums.Count(s => s > 0.0),
        _ => 1.0,
    };

    /// <summary>
    /// L, and where asked ∂L/∂o_t of every step, formula (1): ∂L/∂o_t = c_b w_bt ∂ℓ(o_t, y_t)/∂o_t. The parts depend on
    /// the shapes alone, so L does not depend on who evaluates them.
    /// </summary>
    internal sealed class Evaluation : IOutputTask
    {
        private readonly Objective _objective;
        private readonly PackedColumns _outputs;
        private readonly PackedColumns? _gradients;
        private readonly double[] _factors;
        private readonly ArraySegment<double> _losses; // by part

        /// <param name="objective">The objective.</param>
        /// <param name="forward">The pass; it has been checked that the objective fits it.</param>
        /// <param name="factors">c_b.</param>
        /// <param name="gradients">Receives ∂L/∂o_t; null where only L is asked.</param>
        /// <param name="storage">Makes memory of a length.</param>
        public Evaluation(
            Objective objective,
            PackedColumns forward,
            double[] factors,
            PackedColumns? gradients,
            Func<long, ArraySegment<double>> storage)
        {
            _objective = objective;
            _outputs = forward;
            _gradients = gradients;
            _factors = factors;
            PartColumns = ColumnsOfPart(forward.Rows);
            PartCount = (forward.Layout.ColumnCount + PartColumns - 1) / PartColumns;
            _losses = storage(PartCount);
        }

        /// <inheritdoc/>
        public int PartColumns { get; }

        /// <inheritdoc/>
        public int PartCount { get; }

        /// <summary>L, when every part has been evaluated.</summary>
        public double Loss
        {
            get
            {
                var total = default(CompensatedSum);
                foreach (double loss in _losses)
                {
                    total.Add(loss);
                }
                return total.Value;
            }
        }

        /// <summary>Columns of each part but the last.</summary>
        public static int ColumnsOfPart(int outputSize) => Math.Clamp(4096 / outputSize, 16, 256);

        /// <inheritdoc/>
        public void Evaluate(int part)
        {
            int first = part * PartColumns;
            _losses[part] = _objective.EvaluateColumns(
                _outputs, _gradients, first, Math.Min(PartColumns, _outputs.Layout.ColumnCount - first), _factors);
        }

        /// <summary>L, with every part evaluated here and now.</summary>
        public double EvaluatedLoss()
        {
            ((IOutputTask)this).EvaluateAll();
            return Loss;
        }
    }
}
