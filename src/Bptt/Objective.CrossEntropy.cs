// ℓ(o_t, y_t) = log Σ_i exp(o_ti) − o_t,y: softmax cross-entropy on the class label y_t.

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearRecurrence;

namespace Bptt;

public abstract partial class Objective
{
    /// <summary>Softmax cross-entropy for one sequence: ℓ(o_t, y_t) = log Σ_i exp(o_ti) − o_t,y with the class label
    /// y = y_t (<i>Dive into Deep Learning</i>, "Softmax regression"). Stable for outputs of any finite size.</summary>
    /// <param name="labels">T labels: entry t−1 is y_t, from 0 to q − 1; at masked steps any number. Copied.</param>
    /// <exception cref="ArgumentNullException">The labels are null.</exception>
    public static Objective CrossEntropy(int[] labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        return new CrossEntropyObjective([labels], Reduction.MeanPerStep);
    }

    /// <summary>Softmax cross-entropy for a batch; see <see cref="CrossEntropy(int[])"/>.</summary>
    /// <param name="labels">For each sequence T_b labels from 0 to q − 1; at masked steps any number. Copied.</param>
    /// <param name="reduction">How step losses become L.</param>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    /// <exception cref="ArgumentException">The labels of a sequence are null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is none of the named ones.</exception>
    public static Objective CrossEntropy(
        IReadOnlyList<int[]> labels, Reduction reduction = Reduction.MeanPerStep)
    {
        ArgumentNullException.ThrowIfNull(labels);
        return new CrossEntropyObjective(labels, reduction);
    }

    private sealed class CrossEntropyObjective : Objective
    {
        private readonly int[][] _labels;

        public CrossEntropyObjective(IReadOnlyList<int[]> labels, Reduction reduction)
            : base(reduction)
        {
            _labels = new int[labels.Count][];
            for (int b = 0; b < _labels.Length; b++)
            {
                int[] given = labels[b] ?? throw Guard.Error(
                    nameof(labels), $"expected labels for each sequence, got null for sequence {b}.");
                _labels[b] = (int[])given.Clone();
            }
        }

        /// <inheritdoc/>
        protected internal override bool IsAnalytic => true;

        private protected override string Description =>
            $"CrossEntropy (B = {_labels.Length}, {_labels.Sum(labels => (long)labels.Length)} steps)";

        internal override (string, double, SequenceBatch?, int[][]?)? Content =>
            (nameof(CrossEntropy), 0.0, null, _labels);

        private protected override Objective PartOf(SequencePart[] parts) => new CrossEntropyObjective(
            Array.ConvertAll(parts, p => _labels[p.Sequence].AsSpan(p.FirstStep - 1, p.Length).ToArray()), Reduction);

        /// <inheritdoc/>
        protected internal override bool IsTwiceDifferentiable => true;

        /// <inheritdoc/>
        protected override void CheckFits(ForwardPass forward)
        {
            const string name = "labels";
            Guard.SameLengths(
                forward.Lengths, Array.ConvertAll(_labels, l => l.Length), "the inputs", "the labels", name);
            int q = forward.Model.OutputSize;
            for (int b = 0; b < _labels.Length; b++)
            {
                for (int t = 1; t <= _labels[b].Length; t++)
                {
                    int label = _labels[b][t - 1];
                    if ((label < 0 || label >= q) && StepWeight(b, t) != 0.0)
                    {
                        throw Guard.Error(
                            name,
                            $"expected a class from 0 to {q - 1} (q = {q} outputs), "
                            + $"got {label} for sequence {b}, step {t}.");
                    }
                }
            }
        }

        /// <summary>Of terms that are not negative; exp(−x) is off by x units of its last place.</summary>
        private protected override double? UnitsOfRounding(ReadOnlySpan<double> output)
        {
            int top = IndexOfLargest(output);
            double sum = 0.0;
            double units = 0.0;
            for (int i = 0; i < output.Length; i++)
            {
                double distance = output[top] - output[i];
                double exponential = i == top ? 0.0 : Math.Exp(-distance);
                sum += exponential;
                units += exponential > 0.0 ? distance * exponential : 0.0;
            }
            return output.Length + 6 + (sum > 0.0 ? units / sum : 0.0);
        }

        /// <inheritdoc/>
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            int top = IndexOfLargest(output);
            double sum = 0.0; // of the exponentials other than the largest, which is 1
            for (int i = 0; i < output.Length; i++)
            {
                sum += i == top ? 0.0 : Math.Exp(output[i] - output[top]);
            }
            return Loss(output, top, sum, _labels[sequence][t - 1]);
        }

        /// <inheritdoc/>
        protected internal override Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t)
        {
            int top = 0;
            for (int i = 1; i < output.Length; i++)
            {
                top = output[i].Real > output[top].Real ? i : top;
            }
            Complex sum = Complex.Zero; // as in real numbers, of the exponentials other than the largest
            for (int i = 0; i < output.Length; i++)
            {
                sum += i == top ? Complex.Zero : Complex.Exp(output[i] - output[top]);
            }
            // log(1 + z): |1 + z|² = 1 + (2x + x² + y²), of which the root's logarithm loses no digits.
            double excess = sum.Real * (2.0 + sum.Real) + sum.Imaginary * sum.Imaginary;
            var logarithm = new Complex(0.5 * LogOnePlus(excess), Math.Atan2(sum.Imaginary, 1.0 + sum.Real));
            return output[top] - output[_labels[sequence][t - 1]] + logarithm;
        }

        /// <inheritdoc/>
        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            StepLossAndGradient(output, sequence, t, gradient);

        /// <inheritdoc/>
        protected override double StepLossAndGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
            int label = _labels[sequence][t - 1];
            int top = IndexOfLargest(output);
            double sum = 0.0;
            for (int i = 0; i < output.Length; i++)
            {
                gradient[i] = Math.Exp(output[i] - output[top]);
                sum += i == top ? 0.0 : gradient[i];
            }

            // ∂ℓ/∂o_i = p_i, and for the label p_y − 1 = −Σ_{i≠y} p_i, which loses no digits where p_y is near 1.
            double others = 0.0;
            for (int i = 0; i < output.Length; i++)
            {
                gradient[i] /= 1.0 + sum;
                others += i == label ? 0.0 : gradient[i];
            }
            gradient[label] = -others;
            return Loss(output, top, sum, label);
        }

        /// <summary>(diag p − p pᵀ) v with p = softmax(o_t): p_i (v_i − Σ_j p_j v_j), where v is taken from its value
        /// at the largest p, so that no digits are lost where one p is near 1.</summary>
        protected internal override void StepCurvature(
            ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product)
        {
            int top = IndexOfLargest(output);
            double sum = 0.0;
            double mean = 0.0;
            for (int i = 0; i < output.Length; i++)
            {
                product[i] = Math.Exp(output[i] - output[top]);
                sum += product[i];
                mean += product[i] * (direction[i] - direction[top]);
            }
            mean /= sum;
            for (int i = 0; i < output.Length; i++)
            {
                product[i] *= (direction[i] - direction[top] - mean) / sum;
            }
        }

        /// <summary>ℓ = (o_max − o_y) + log(1 + Σ_{i≠max} exp(o_i − o_max)).</summary>
        private static double Loss(ReadOnlySpan<double> output, int top, double sum, int label) =>
            output[top] - output[label] + LogOnePlus(sum);

        /// <summary>log(1 + x) without loss of digits for small x ≥ 0 (Kahan's correction of the rounded
        /// sum).</summary>
        private static double LogOnePlus(double x)
        {
            double y = 1.0 + x;
            return y == 1.0 ? x : double.IsInfinity(y) ? y : Math.Log(y) * (x / (y - 1.0));
        }

        private static int IndexOfLargest(ReadOnlySpan<double> output)
        {
            int top = 0;
            for (int i = 1; i < output.Length; i++)
            {
                if (output[i] > output[top])
                {
                    top = i;
                }
            }
            return top;
        }
    }
}
