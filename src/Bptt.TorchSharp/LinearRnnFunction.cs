// The linear RNN as a function of tensors. It checks, runs the engine, and hands the pass to torch's graph where a
// gradient may be asked for.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using TorchSharp;
using static TorchSharp.torch;

namespace Bptt.TorchSharp;

/// <summary>
/// The bias-free linear RNN h_t = W_hx x_t + W_hh h_{t−1}, o_t = W_qh h_t as a function of torch tensors,
/// differentiated by the explicit back-propagation through time of <see cref="BackwardThroughTime"/> in place of a tape
/// of T nodes.
/// </summary>
/// <remarks>
/// <para>Tensors are float32 or float64, all of the same, dense and on the processor; those that are not contiguous are
/// copied. Weights and inputs are copied into the pass, so that changes in place between forward and backward do not
/// falsify a gradient. Numbers that are given must be finite; infinities that arise go on as in torch.</para>
/// <para>No exception leaves a backward pass, where it would end the process. What cannot be computed there becomes NaN
/// and is told by the next call, or by <see cref="ThrowIfBackwardFailed"/>; gradients of the loss that are NaN or
/// infinite make every gradient of the pass NaN, and are no error. With <c>create_graph</c> gradients are computed once
/// more by torch's own operations, exact and as slow as autograd is; truncated gradients have no derivative, and
/// weights and inputs may then not be changed in place.</para>
/// </remarks>
/// <example>
/// <code>
/// // One sequence of three steps through two hidden units.
/// double[,] rows = { { 0.5, -0.5 }, { 0.5, 0.5 } };
/// Tensor whh = from_array(rows).requires_grad_();
/// Tensor whx = ones(2, 1, dtype: ScalarType.Float64).requires_grad_();
/// Tensor wqh = ones(1, 2, dtype: ScalarType.Float64).requires_grad_();
/// Tensor x = linspace(1.0, 3.0, 3, dtype: ScalarType.Float64).view(3, 1, 1);
/// (Tensor outputs, Tensor finalStates) = LinearRnnFunction.apply(x, whx, whh, wqh);
/// (outputs.square().sum() + finalStates.sum()).backward();
/// LinearRnnFunction.ThrowIfBackwardFailed();
/// Console.WriteLine($"o_3 = {outputs[2, 0, 0].item&lt;double&gt;()}, ∂L/∂W_hx has {whx.grad!.numel()} entries");
/// </code>
/// </example>
public static class LinearRnnFunction
{
    private static readonly FaultReport Faults = new();

    /// <summary>Runs the model over a batch of sequences.</summary>
    /// <param name="inputs">x_1 … x_T: (T, B, d), or (B, T, d) with <paramref name="batchFirst"/>; (T, d) for one
    /// sequence.</param>
    /// <param name="whx">W_hx, (h, d).</param>
    /// <param name="whh">W_hh, (h, h).</param>
    /// <param name="wqh">W_qh, (q, h).</param>
    /// <param name="initialStates">h_0, (B, h), or (h) for one sequence; zero where null.</param>
    /// <param name="lengths">T_b of each sequence, int64 (B); what stands beyond the end of a sequence is not read.
    /// Null where all have T steps.</param>
    /// <param name="batchFirst">Whether the first axis is that of sequences.</param>
    /// <param name="options">Truncation, recurrence, threads and memory; the defaults where null.</param>
    /// <returns>o_1 … o_T in the order of the inputs, zero beyond the end of a sequence; and h_T of each sequence, (B,
    /// h) or (h). Both have gradients. Cost 2·ΣT_b·h(h + d + q) operations forward and 2·ΣT_b·h(2h + 2d + 2q) backward,
    /// and a copy of inputs and outputs; memory for ΣT_b·(2h + d + q) numbers until the backward pass.</returns>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    /// <exception cref="ArgumentException">A shape, type or device does not fit, a number is NaN or infinite, or the
    /// memory budget is too small.</exception>
    /// <exception cref="InvalidOperationException">An earlier backward pass of this function has failed.</exception>
    public static (Tensor Outputs, Tensor FinalStates) apply(
        Tensor inputs,
        Tensor whx,
        Tensor whh,
        Tensor wqh,
        Tensor? initialStates = null,
        Tensor? lengths = null,
        bool batchFirst = false,
        LinearRnnOptions? options = null) =>
        Run([inputs, whx, whh, wqh, initialStates], lengths, batchFirst, options, new PassMemory(Faults));

    /// <summary>Tells whether a backward pass of this function has failed since it was last told.</summary>
    /// <exception cref="InvalidOperationException">One has; its gradients are NaN.</exception>
    public static void ThrowIfBackwardFailed() => Faults.Throw();

    /// <summary>Runs the model with the memory of a layer.</summary>
    /// <param name="tensors">By place.</param>
    /// <param name="lengths">T_b; null where all have T steps.</param>
    /// <param name="batchFirst">Whether the first axis is that of sequences.</param>
    /// <param name="options">The defaults where null.</param>
    /// <param name="memory">What is kept between passes.</param>
    internal static (Tensor Outputs, Tensor FinalStates) Run(
        Tensor?[] tensors, Tensor? lengths, bool batchFirst, LinearRnnOptions? options, PassMemory memory)
    {
        memory.Faults.Throw();
        PassNode.DisposeReturned();
        using DisposeScope scope = NewDisposeScope();
        bool isOne = tensors[(int)Place.Inputs] is { IsInvalid: false } inputs && inputs.dim() == 2;
        (Tensor outputs, Tensor finalStates) = isOne
            ? RunOne(tensors, lengths, options, memory)
            : RunBatch(tensors, lengths, batchFirst, options, memory);
        return (outputs.MoveToOuterDisposeScope(), finalStates.MoveToOuterDisposeScope());
    }

    /// <summary>One sequence without an axis for the batch.</summary>
    private static (Tensor Outputs, Tensor FinalStates) RunOne(
        Tensor?[] tensors, Tensor? lengths, LinearRnnOptions? options, PassMemory memory)
    {
        if (lengths is not null)
        {
            throw PassShape.Error(nameof(lengths), "expected none for one sequence without an axis for the batch.");
        }
        Tensor?[] batch = [.. tensors];
        batch[(int)Place.Inputs] = tensors[(int)Place.Inputs]!.unsqueeze(1);
        if (tensors[(int)Place.InitialStates] is Tensor state)
        {
            batch[(int)Place.InitialStates] = state.dim() == 1 ? state.unsqueeze(0) : throw PassShape.Error(
                "initialStates", $"expected (h) for one sequence, got {PassShape.Text(state.shape)}.");
        }
        (Tensor outputs, Tensor finalStates) = RunBatch(batch, null, batchFirst: false, options, memory);
        return (outputs.squeeze(1), finalStates.squeeze(0));
    }

    private static (Tensor Outputs, Tensor FinalStates) RunBatch(
        Tensor?[] tensors, Tensor? lengths, bool batchFirst, LinearRnnOptions? options, PassMemory memory)
    {
        Tensor inputs = Given(Place.Inputs, nameof(inputs));
        Tensor whx = Given(Place.Whx, nameof(whx));
        Tensor whh = Given(Place.Whh, nameof(whh));
        Tensor wqh = Given(Place.Wqh, nameof(wqh));
        var shape = PassShape.Of(
            inputs, whx, whh, wqh, tensors[(int)Place.InitialStates], lengths, batchFirst);
        if (shape.Lengths is int[] each && each.Max() < shape.Steps)
        {
            return RunShorter(tensors, lengths!, each.Max(), shape, options, memory);
        }

        Place[] places = is_grad_enabled()
            ? [.. Enum.GetValues<Place>().Where(place => tensors[(int)place] is { requires_grad: true })]
            : [];
        RecordedPass pass;
        (Tensor Outputs, Tensor FinalStates) results;
        using (no_grad())
        {
            pass = new RecordedPass(shape, tensors, options ?? new LinearRnnOptions(), memory);
            results = pass.Results();
        }
        if (places.Length == 0)
        {
            pass.Release();
            return results;
        }
        return PassNode.Attach(new PassNode.Call(pass, places, tensors, results), tensors);

        Tensor Given(Place place, string name) => tensors[(int)place] ?? throw new ArgumentNullException(name);
    }

    /// <summary>Without the last steps, which no sequence has.</summary>
    private static (Tensor Outputs, Tensor FinalStates) RunShorter(
        Tensor?[] tensors, Tensor lengths, int longest, PassShape shape, LinearRnnOptions? options, PassMemory memory)
    {
        Tensor?[] shorter = [.. tensors];
        shorter[(int)Place.Inputs] = tensors[(int)Place.Inputs]!.narrow(shape.TimeAxis, 0, longest);
        (Tensor outputs, Tensor finalStates) = RunBatch(
            shorter, lengths, shape.Order == TensorOrder.BatchTimeFeature, options, memory);
        long[] sizes = shape.Sizes(shape.OutputSize);
        sizes[shape.TimeAxis] -= longest;
        return (cat([outputs, zeros(sizes, dtype: shape.Type)], shape.TimeAxis), finalStates);
    }
}
