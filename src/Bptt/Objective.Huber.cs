// ℓ(o_t, y_t) = Σ_i huber(o_ti − y_ti): quadratic up to δ, linear beyond (Huber 1964).

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

public abstract partial class Objective
{
    /// <summary>The Huber loss for one sequence: for each output r²/2 where |r| ≤ δ and δ(|r| − δ/2) beyond, with
    /// r = o − y (Huber 1964). Quadratic near the target, linear far from it, so that outliers pull less.</summary>
    /// <param name="targets">q×T: column t−1 is y_t. Copied. Targets of masked steps may be NaN.</param>
    /// <param name="delta">δ, above 0, in the unit of the outputs.</param>
    /// <exception cref="ArgumentNullException">The targets are null.</exception>
    /// <exception cref="ArgumentException">The targets are empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">δ is not a finite number above 0.</exception>
    public static Objective Huber(Matrix<double> targets, double delta = 1.0) => Huber(Single(targets), delta);

    /// <summary>The Huber loss for a batch; see <see cref="Huber(Matrix{double}, double)"/>.</summary>
    /// <param name="targets">B sequences of q rows. Targets of masked steps may be NaN.</param>
    /// <param name="delta">δ, above 0, in the unit of the outputs.</param>
    /// <param name="reduction">How step losses become L.</param>
    /// <exception cref="ArgumentNullException">The targets are null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">δ is not a finite number above 0, or the reduction is none of the
    /// named ones.</exception>
    public static Objective Huber(
        SequenceBatch targets, double delta = 1.0, Reduction reduction = Reduction.MeanPerStep)
    {
        ArgumentNullException.ThrowIfNull(targets);
        Guard.Positive(delta, nameof(delta));
        return new HuberObjective(targets, delta, reduction);
    }

    private sealed class HuberObjective(SequenceBatch targets, double delta, Reduction reduction)
        : TargetObjective(targets, reduction)
    {
        /// <inheritdoc/>
        protected internal override bool IsAnalytic => true;

        private protected override string Description => $"Huber (δ = {NumberText.Exact(delta)}, {TargetText})";

        internal override (string, double, SequenceBatch?, int[][]?)? Content => (nameof(Huber), delta, Targets, null);

        private protected override Objective PartOf(SequencePart[] parts) =>
            new HuberObjective(TargetPart(parts), delta, Reduction);

        /// <summary>Everywhere but at |r| = δ, where the second derivative of the quadratic side is taken.</summary>
        protected internal override bool IsTwiceDifferentiable => true;

        /// <summary>As for the squared error; |r| − δ/2 is at least |r|/2.</summary>
        private protected override double? UnitsOfRounding(ReadOnlySpan<double> output) => output.Length + 6;

        /// <inheritdoc/>
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            ReadOnlySpan<double> target = Target(sequence, t);
            double sum = 0.0;
            for (int i = 0; i < output.Length; i++)
            {
                double distance = Math.Abs(output[i] - target[i]);
                sum += distance <= delta ? 0.5 * distance * distance : delta * (distance - 0.5 * delta);
            }
            return sum;
        }

        /// <inheritdoc/>
        protected internal override Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t)
        {
            ReadOnlySpan<double> target = Target(sequence, t);
            Complex sum = Complex.Zero;
            for (int i = 0; i < output.Length; i++)
            {
                Complex residual = output[i] - target[i];
                Complex distance = residual.Real < 0.0 ? -residual : residual;
                sum += distance.Real <= delta ? 0.5 * distance * distance : delta * (distance - 0.5 * delta);
            }
            return sum;
        }

        /// <inheritdoc/>
        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
            ReadOnlySpan<double> target = Target(sequence, t);
            for (int i = 0; i < output.Length; i++)
            {
                gradient[i] = Math.Clamp(output[i] - target[i], -delta, delta);
            }
        }

        /// <summary>∂²ℓ/∂o_t² is diagonal: 1 where |r| ≤ δ, 0 beyond.</summary>
        protected internal override void StepCurvature(
            ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product)
        {
            ReadOnlySpan<double> target = Target(sequence, t);
            for (int i = 0; i < output.Length; i++)
            {
                product[i] = Math.Abs(output[i] - target[i]) <= delta ? direction[i] : 0.0;
            }
        }
    }
}
