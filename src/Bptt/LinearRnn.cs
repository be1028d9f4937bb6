// The model: three weight matrices that never change. It holds no state between calls; what a pass computes is in
// ForwardPass.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps

using Bptt.Edge;
using Bptt.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// The bias-free linear recurrent neural network h_t = W_hx x_t + W_hh h_{t−1}, o_t = W_qh h_t
/// (<i>Dive into Deep Learning</i>, "Back-propagation through time").
/// </summary>
/// <remarks>
/// A model never changes: it copies the weights it is given, and a training step makes a new model. It may be used
/// from many threads at once.
/// </remarks>
public sealed class LinearRnn
{
    /// <summary>Creates a model with the given weights, which are copied. Cost O(h(h + d + q)).</summary>
    /// <param name="whx">W_hx, h×d: from the input to the hidden state.</param>
    /// <param name="whh">W_hh, h×h: from one hidden state to the next.</param>
    /// <param name="wqh">W_qh, q×h: from the hidden state to the output.</param>
    /// <exception cref="ArgumentNullException">A matrix is null.</exception>
    /// <exception cref="ArgumentException">A matrix is empty, the shapes do not fit each other, a weight is NaN or
    /// infinite, or there are more weights than an array can hold.</exception>
    public LinearRnn(Matrix<double> whx, Matrix<double> whh, Matrix<double> wqh)
        : this(new ParameterArray(whx, whh, wqh))
    {
        Guard.Finite(whx, nameof(whx));
        Guard.Finite(whh, nameof(whh));
        Guard.Finite(wqh, nameof(wqh));
    }

    /// <summary>Takes an array that nobody else writes to and that is known to be finite.</summary>
    internal LinearRnn(ParameterArray weights)
    {
        Weights = weights;
    }

    /// <summary>d, the number of inputs.</summary>
    public int InputSize => Weights.InputSize;

    /// <summary>h, the number of hidden units.</summary>
    public int HiddenSize => Weights.HiddenSize;

    /// <summary>q, the number of outputs.</summary>
    public int OutputSize => Weights.OutputSize;

    /// <summary>W_hx, h×d. Every call makes an independent copy, at cost O(hd).</summary>
    public Matrix<double> Whx => Weights.Whx.ToMatrix();

    /// <summary>W_hh, h×h. Every call makes an independent copy, at cost O(h²).</summary>
    public Matrix<double> Whh => Weights.Whh.ToMatrix();

    /// <summary>W_qh, q×h. Every call makes an independent copy, at cost O(qh).</summary>
    public Matrix<double> Wqh => Weights.Wqh.ToMatrix();

    internal ParameterArray Weights { get; }

    /// <summary>One step, for streaming use: h_t = W_hx x_t + W_hh h_{t−1} and o_t = W_qh h_t.</summary>
    /// <param name="state">h_{t−1}, length h.</param>
    /// <param name="input">x_t, length d.</param>
    /// <returns>h_t (length h) and o_t (length q), both fresh. Cost O(h(h + d + q)).</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">A length does not fit, or a number is NaN or infinite.</exception>
    public (Vector<double> State, Vector<double> Output) Step(Vector<double> state, Vector<double> input)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(input);
        double[] nextState = new double[HiddenSize];
        double[] output = new double[OutputSize];
        Step(state.Entries(), input.Entries(), nextState, output);
        return (Vector<double>.Build.Dense(nextState), Vector<double>.Build.Dense(output));
    }

    /// <summary>One step, for streaming use, into memory of the caller's; allocates nothing. Between steps the caller
    /// swaps <paramref name="state"/> and <paramref name="nextState"/>. Cost O(h(h + d + q)).</summary>
    /// <param name="state">h_{t−1}, length h.</param>
    /// <param name="input">x_t, length d.</param>
    /// <param name="nextState">Receives h_t, length h; must not overlap <paramref name="state"/> or
    /// <paramref name="input"/>. It may hold infinities on return, where the state overflows.</param>
    /// <param name="output">Receives o_t, length q; must not overlap the others.</param>
    /// <exception cref="ArgumentException">A length does not fit, memory overlaps, or a number given is NaN or
    /// infinite.</exception>
    public void Step(
        ReadOnlySpan<double> state, ReadOnlySpan<double> input, Span<double> nextState, Span<double> output)
    {
        Guard.Length(state.Length, HiddenSize, "h", nameof(state));
        Guard.Length(input.Length, InputSize, "d", nameof(input));
        Guard.Length(nextState.Length, HiddenSize, "h", nameof(nextState));
        Guard.Length(output.Length, OutputSize, "q", nameof(output));
        if (nextState.Overlaps(state) || nextState.Overlaps(input))
        {
            throw Guard.Error(
                nameof(nextState), "expected memory of its own, got memory that overlaps state or input.");
        }
        if (output.Overlaps(state) || output.Overlaps(input) || output.Overlaps(nextState))
        {
            throw Guard.Error(
                nameof(output), "expected memory of its own, got memory that overlaps state, input or nextState.");
        }
        Guard.Finite(state, nameof(state));
        Guard.Finite(input, nameof(input));

        KernelSet kernels = KernelChoice.Default;
        var next = new MatrixSpan(nextState, HiddenSize, 1, HiddenSize);
        kernels.Multiply(Weights.Whx, new MatrixView(input, InputSize, 1, InputSize), next);
        kernels.MultiplyAdd(Weights.Whh, new MatrixView(state, HiddenSize, 1, HiddenSize), next);
        KernelSet.FlushTiny(next.Values);
        kernels.Multiply(Weights.Wqh, next, new MatrixSpan(output, OutputSize, 1, OutputSize));
    }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() => $"LinearRnn ({Weights.ShapeText})";
}
