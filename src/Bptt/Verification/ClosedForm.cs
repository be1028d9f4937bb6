// The derivation's closed forms: sums over explicit powers of W_hh, with no recursion. Slow, to compare with; shares no
// arithmetic with the engine.
//
//   h  hidden units      T  time steps      e  what comes from beyond step T

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>
/// The general term (4) of <i>Dive into Deep Learning</i>, "Back-propagation through time":
/// ∂L/∂h_t = Σ_{i=t..T} (W_hhᵀ)^{T−i} W_qhᵀ ∂L/∂o_{T+t−i}, counted by lag: Σ_{j=0..T−t} (W_hhᵀ)ʲ W_qhᵀ ∂L/∂o_{t+j}, and the
/// gradients (5) from it. A given final-state gradient e adds (W_hhᵀ)^{T−t} e. Where the pass is truncated, only the terms that the
/// truncation keeps are summed.
/// </summary>
public static class ClosedForm
{
    /// <summary>The lag form ∂h_{t+k}/∂h_t = W_hhᵏ (total derivative), the same for every t. Cost O(h³ log k).</summary>
    /// <param name="model">The model.</param>
    /// <param name="lag">k, at least 0.</param>
    /// <returns>h×h, fresh; infinite or NaN where the power overflows.</returns>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">k is negative.</exception>
    public static Matrix<double> StateJacobian(LinearRnn model, int lag)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (lag < 0)
        {
            throw Guard.Range(nameof(lag), $"expected at least 0, got {lag}.");
        }
        return lag == 0 ? Matrix<double>.Build.DenseIdentity(model.HiddenSize) : model.Whh.Power(lag);
    }

    /// <summary>∂L/∂h_t, from the ∂L/∂o_t of a backward pass alone. Cost O((T − t)·h³).</summary>
    /// <param name="backward">The pass whose ∂L/∂o_t, final-state gradients and truncation are taken.</param>
    /// <param name="t">The step, from 0 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <returns>Length h, fresh.</returns>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static Vector<double> HiddenStateGradient(BackwardThroughTime backward, int t, int sequence = 0)
    {
        ArgumentNullException.ThrowIfNull(backward);
        backward.Forward.CheckStep(t, 0, sequence);
        return StateGradients(backward, sequence, t, t).Column(0);
    }

    /// <summary>∂L/∂h_0 … ∂L/∂h_T, h×(T+1), fresh: column t is ∂L/∂h_t. Cost O(T·h³ + T²·h²).</summary>
    /// <param name="backward">The pass whose ∂L/∂o_t, final-state gradients and truncation are taken.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static Matrix<double> HiddenStateGradients(BackwardThroughTime backward, int sequence = 0)
    {
        ArgumentNullException.ThrowIfNull(backward);
        Guard.Sequence(sequence, backward.Forward.SequenceCount, nameof(sequence));
        return StateGradients(backward, sequence, 0, backward.Forward.Lengths[sequence]);
    }

    /// <summary>The gradients (5) of the weights, each ∂L/∂h_t by the general term. Cost O(Σ (T_b·h³ + T_b²·h²)).</summary>
    /// <param name="backward">The pass whose ∂L/∂o_t, final-state gradients and truncation are taken, and whose forward pass
    /// has h_t and x_t.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static Gradients Gradients(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        ForwardPass forward = backward.Forward;
        LinearRnn model = forward.Model;
        int h = model.HiddenSize;
        var whx = Matrix<double>.Build.Dense(h, model.InputSize);
        var whh = Matrix<double>.Build.Dense(h, h);
        var wqh = Matrix<double>.Build.Dense(model.OutputSize, h);
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            int length = forward.Lengths[b];
            Matrix<double> gradients = StateGradients(backward, b, 1, length);
            Matrix<double> states = forward.HiddenStates(b);
            whx += gradients.TransposeAndMultiply(forward.InputColumns.ToMatrix(b));
            whh += gradients.TransposeAndMultiply(states.SubMatrix(0, h, 0, length));
            wqh += backward.OutputGradients(b).TransposeAndMultiply(states.SubMatrix(0, h, 1, length));
        }
        return new Gradients(whx, whh, wqh);
    }

    /// <summary>∂L/∂h_t for t = first … last, a column each: for every lag one power, and its product with all terms of that
    /// lag.</summary>
    private static Matrix<double> StateGradients(BackwardThroughTime backward, int sequence, int first, int last)
    {
        ForwardPass forward = backward.Forward;
        Matrix<double> transposed = forward.Model.Whh.Transpose();
        int length = forward.Lengths[sequence];
        int h = transposed.RowCount;
        BackwardOptions options = backward.Options;

        // Column t is W_qhᵀ ∂L/∂o_t, the source of step t; 0 at step 0.
        var sources = Matrix<double>.Build.Dense(h, length + 1);
        sources.SetSubMatrix(0, 1, forward.Model.Wqh.TransposeThisAndMultiply(backward.OutputGradients(sequence)));
        if (options.FinalStateGradients is Matrix<double> final)
        {
            sources.SetColumn(length, sources.Column(length) + final.Column(sequence));
        }

        var gradients = Matrix<double>.Build.Dense(h, last - first + 1);
        var power = Matrix<double>.Build.DenseIdentity(h);
        for (int lag = 0; lag <= length - first && Reaches(options.Truncation, lag); lag++)
        {
            if (lag > 0)
            {
                power *= transposed;
            }
            for (int t = first; t <= Math.Min(last, length - lag); t++)
            {
                if (!IsCut(options.Truncation, t, t + lag))
                {
                    gradients.SetColumn(t - first, gradients.Column(t - first) + Factor(options.Truncation, t, t + lag) * (power * sources.Column(t + lag)));
                }
            }
        }
        return gradients;
    }

    /// <summary>Whether any gradient travels so many steps.</summary>
    private static bool Reaches(Truncation? truncation, int lag) =>
        truncation is null or { Kind: TruncationKind.Randomized } || lag < truncation.Steps
        || (truncation.Kind == TruncationKind.Windows && lag == truncation.Steps); // from the end of the first window to h_0

    /// <summary>Whether the loss of step s is cut off from h_t by a border between windows, or by a random cut.</summary>
    private static bool IsCut(Truncation? truncation, int t, int s) => truncation?.Kind switch
    {
        TruncationKind.Windows => (Math.Max(t, 1) - 1) / truncation.Steps != (s - 1) / truncation.Steps && s > t,
        TruncationKind.Randomized => Enumerable.Range(t, s - t).Any(truncation.CutsAfter),
        _ => false,
    };

    /// <summary>By what the loss of step s is scaled on its way to h_t, where it is not cut off.</summary>
    private static double Factor(Truncation? truncation, int t, int s) =>
        truncation is { Kind: TruncationKind.Randomized } random ? Math.Pow(random.CarryFactor, s - Math.Max(t, 1)) : 1.0;
}
