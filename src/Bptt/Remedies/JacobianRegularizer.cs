// A penalty against vanishing gradients: it grows where a step back in time changes the size of the gradient.
//
//   δ_t = ∂L/∂h_t      v_t = δ_t/‖δ_t‖      y_t = W_hhᵀ v_t      r_t = ‖y_t‖

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Remedies;

/// <summary>
/// Ω of Pascanu, Mikolov &amp; Bengio 2013, section 3.3, the remedy against vanishing gradients:
/// Ω = λ/n Σ (‖W_hhᵀ δ_t‖/‖δ_t‖ − 1)² with δ_t = ∂L/∂h_t, since ∂h_t/∂h_{t−1} = W_hh. It asks W_hhᵀ to keep the norm of
/// the gradients that are really there, in their directions, and leaves W_hh free in all others. Immutable.
/// </summary>
/// <remarks>
/// The sum is over t = 1 … T of all sequences, the n of them where δ_t is not zero; it is divided by n, so that λ means
/// the same for all lengths and batches. The paper takes the sum itself: multiply λ by n for that.
/// As in the paper δ_t is held fixed in the derivative, so the gradient is of W_hh alone and one more matrix product:
/// ∂Ω/∂W_hh = 2λ/n Σ (r_t − 1) v_t (y_t/r_t)ᵀ, with v_t = δ_t/‖δ_t‖, y_t = W_hhᵀ v_t, r_t = ‖y_t‖; 0 where r_t = 0,
/// where the norm has no derivative. It is not the derivative of Ω as a function of the weights, in which δ_t moves
/// too, so a line search on L + Ω may find no descent.
/// δ_t are those that the pass records, truncated where it is.
/// </remarks>
public sealed class JacobianRegularizer : Regularizer
{
    /// <summary>Columns taken at once: enough for a product, and little memory.</summary>
    private const int PieceColumns = 256;

    /// <summary>Creates a penalty.</summary>
    /// <param name="strength">λ, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">λ is not a finite number of at least 0.</exception>
    public JacobianRegularizer(double strength)
    {
        Guard.NotNegative(strength, nameof(strength));
        Strength = strength;
    }

    /// <summary>λ.</summary>
    public double Strength { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"strength {Strength}";

    /// <inheritdoc/>
    /// <remarks>Cost 4h²·ΣT_b operations on one thread, those of a backward pass with small d and q; within a memory
    /// budget the state gradients of all windows are computed again.</remarks>
    public override (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        LinearRnn model = backward.Forward.Model;
        var gradients = new ParameterArray(model.InputSize, model.HiddenSize, model.OutputSize);
        gradients.Values.Clear();
        double value = Run(backward, gradients);
        return (value, new Gradients(gradients));
    }

    /// <inheritdoc/>
    /// <remarks>Cost 2h²·ΣT_b operations on one thread; within a memory budget the state gradients of all windows are
    /// computed again.</remarks>
    public override double Value(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        return Run(backward, null);
    }

    /// <returns>Ω.</returns>
    private double Run(BackwardThroughTime backward, ParameterArray? gradients) => backward.Forward.Context.Read(() =>
    {
        Trajectory trajectory = backward.StateGradients;
        BatchLayout layout = backward.Forward.Layout;
        var sum = new Sum(backward.Forward);
        for (int window = 0; window < trajectory.Windows.Count; window++)
        {
            int firstStep = trajectory.Windows.FirstStep(window);
            int columns = layout.ColumnsOf(firstStep, trajectory.Windows.LastStep(window));
            trajectory.Read(window, held =>
            {
                int first = held.Layout.BlockOf(firstStep).FirstColumn;
                for (int i = 0; i < columns; i += PieceColumns)
                {
                    sum.Add(held.Spaced(first + i, Math.Min(PieceColumns, columns - i), 1), gradients);
                }
            });
        }
        double factor = sum.Count == 0 ? 0.0 : Strength / sum.Count;
        if (gradients is not null)
        {
            VectorMath.Scale(2.0 * factor, gradients.Whh.Values);
        }
        return factor * sum.Squares.Value;
    });

    /// <summary>Σ (r_t − 1)² and Σ (r_t − 1) v_t (y_t/r_t)ᵀ, piece by piece.</summary>
    private sealed class Sum(ForwardPass forward)
    {
        private readonly double[] _directions = new double[forward.Model.HiddenSize * PieceColumns];
        private readonly double[] _products = new double[forward.Model.HiddenSize * PieceColumns];
        private CompensatedSum _squares;

        /// <summary>Σ (r_t − 1)².</summary>
        public CompensatedSum Squares => _squares;

        /// <summary>n.</summary>
        public long Count { get; private set; }

        public void Add(MatrixSpan stateGradients, ParameterArray? gradients)
        {
            int h = stateGradients.Rows;
            int count = 0;
            for (int j = 0; j < stateGradients.Columns; j++)
            {
                Span<double> direction = _directions.AsSpan(count * h, h);
                stateGradients.Column(j).CopyTo(direction);
                count += Normalize(direction) == 0.0 ? 0 : 1;
            }
            if (count == 0)
            {
                return;
            }
            var v = new MatrixSpan(_directions.AsSpan(0, count * h), h, count, h);
            var y = new MatrixSpan(_products.AsSpan(0, count * h), h, count, h);
            KernelSet kernels = forward.Context.Kernels;
            kernels.Multiply(forward.Model.Weights.Whh.T, v, y);
            for (int j = 0; j < count; j++)
            {
                double ratio = Normalize(y.Column(j));
                _squares.Add((ratio - 1.0) * (ratio - 1.0));
                VectorMath.Scale(ratio - 1.0, v.Column(j));
            }
            Count += count;
            if (gradients is not null)
            {
                kernels.MultiplyAdd(v, y.T, gradients.Whh);
            }
        }

        /// <summary>x ← x/‖x‖, without overflow or underflow; 0 stays, and what is not finite becomes NaN.</summary>
        /// <returns>‖x‖ as it was.</returns>
        private static double Normalize(Span<double> x)
        {
            double largest = VectorMath.MaxAbs(x);
            if (largest == 0.0)
            {
                return 0.0;
            }
            if (!double.IsFinite(largest))
            {
                x.Fill(double.NaN);
                return largest;
            }
            int exponent = Math.ILogB(largest);
            VectorMath.ScaleByPowerOfTwo(-exponent, x);
            double norm = VectorMath.Norm(x);
            VectorMath.Scale(1.0 / norm, x);
            return Math.ScaleB(norm, exponent);
        }
    }
}
