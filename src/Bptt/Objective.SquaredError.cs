// ℓ(o_t, y_t) = ½‖o_t − y_t‖².

using System.Numerics;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

public abstract partial class Objective
{
    /// <summary>ℓ(o_t, y_t) = ½‖o_t − y_t‖² for one sequence, the squared error of the source. Cost O(qT).</summary>
    /// <param name="targets">q×T: column t−1 is y_t. Copied. Targets of masked steps may be NaN.</param>
    /// <exception cref="ArgumentNullException">The targets are null.</exception>
    /// <exception cref="ArgumentException">The targets are empty.</exception>
    public static Objective SquaredError(Matrix<double> targets) => SquaredError(Single(targets));

    /// <summary>ℓ(o_t, y_t) = ½‖o_t − y_t‖² for a batch, which is not copied.</summary>
    /// <param name="targets">B sequences of q rows. Targets of masked steps may be NaN.</param>
    /// <param name="reduction">How step losses become L.</param>
    /// <exception cref="ArgumentNullException">The targets are null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is none of the named ones.</exception>
    public static Objective SquaredError(SequenceBatch targets, Reduction reduction = Reduction.MeanPerStep)
    {
        ArgumentNullException.ThrowIfNull(targets);
        return new SquaredErrorObjective(targets, reduction);
    }

    private sealed class SquaredErrorObjective(SequenceBatch targets, Reduction reduction)
        : TargetObjective(targets, reduction)
    {
        /// <inheritdoc/>
        protected internal override bool IsQuadratic => true;

        /// <inheritdoc/>
        protected internal override bool IsAnalytic => true;

        private protected override string Description => $"SquaredError ({TargetText})";

        internal override (string, double, SequenceBatch?, int[][]?)? Content =>
            (nameof(SquaredError), 0.0, Targets, null);

        private protected override Objective PartOf(SequencePart[] parts) =>
            new SquaredErrorObjective(TargetPart(parts), Reduction);

        /// <inheritdoc/>
        protected internal override bool IsTwiceDifferentiable => true;

        /// <summary>Where every step has the same factor, all columns are one long vector.</summary>
        internal override double EvaluateColumns(
            PackedColumns outputs, PackedColumns? outputGradients, int first, int count, double[] factors)
        {
            if (CommonFactor(factors) is double factor)
            {
                // (1)  ∂L/∂o_t = c_b w_bt (o_t − y_t)
                ReadOnlySpan<double> o = outputs.Spaced(first, count, 1).Values;
                ReadOnlySpan<double> y = TargetColumns(first, count).Values;
                double squares = outputGradients is null
                    ? VectorMath.SquaredDistance(o, y)
                    : VectorMath.ScaledDifference(factor, o, y, outputGradients.Spaced(first, count, 1).Values);
                double loss = 0.5 * factor * squares;
                if (double.IsFinite(loss))
                {
                    return loss;
                }
            }
            return base.EvaluateColumns(outputs, outputGradients, first, count, factors);
        }

        /// <summary>A subtraction, a square and a sum of q terms of one sign.</summary>
        private protected override double? UnitsOfRounding(ReadOnlySpan<double> output) => output.Length + 4;

        /// <inheritdoc/>
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            0.5 * VectorMath.SquaredDistance(output, Target(sequence, t));

        /// <inheritdoc/>
        protected internal override Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t)
        {
            ReadOnlySpan<double> target = Target(sequence, t);
            Complex sum = Complex.Zero;
            for (int i = 0; i < output.Length; i++)
            {
                Complex residual = output[i] - target[i];
                sum += residual * residual;
            }
            return 0.5 * sum;
        }

        /// <inheritdoc/>
        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            VectorMath.ScaledDifference(1.0, output, Target(sequence, t), gradient);

        /// <summary>∂²ℓ/∂o_t² = I.</summary>
        protected internal override void StepCurvature(
            ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product) =>
            direction.CopyTo(product);

        /// <summary>Where every step has the same factor, all columns are one long vector.</summary>
        internal override void MultiplyCurvature(
            PackedColumns outputs,
            PackedColumns directions,
            PackedColumns products,
            int first,
            int count,
            double[] factors)
        {
            if (CommonFactor(factors) is not double factor)
            {
                base.MultiplyCurvature(outputs, directions, products, first, count, factors);
                return;
            }
            Span<double> values = products.Spaced(first, count, 1).Values;
            directions.Spaced(first, count, 1).Values.CopyTo(values);
            VectorMath.Scale(factor, values);
        }

        /// <summary>F = I, r = o_t − y_t.</summary>
        internal override bool FactorCurvature(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> factor, Span<double> residual)
        {
            factor.Clear();
            for (int k = 0; k < output.Length; k++)
            {
                factor[k * (output.Length + 1)] = 1.0;
            }
            StepGradient(output, sequence, t, residual);
            return true;
        }
    }
}
