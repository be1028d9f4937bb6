// The linear RNN as a module of torch: it owns three parameters and the memory that passes reuse. What it computes is
// in LinearRnnFunction.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.utils.rnn;

namespace Bptt.TorchSharp;

/// <summary>
/// The bias-free linear RNN h_t = W_hx x_t + W_hh h_{t−1}, o_t = W_qh h_t as a torch module, whose gradients are those
/// of <see cref="BackwardThroughTime"/>: see <see cref="LinearRnnFunction"/> for what holds of tensors, gradients and
/// errors.
/// </summary>
/// <remarks>
/// <para>Parameters, and their names in <c>state_dict</c>: <c>weight_hx</c> (h, d), <c>weight_hh</c> (h, h) and
/// <c>weight_qh</c> (q, h), the shapes of <c>weight_ih_l0</c> and <c>weight_hh_l0</c> of PyTorch's <c>nn.RNN</c> and of
/// the weight of an <c>nn.Linear</c>. They start uniform from −1/√h to 1/√h, as those do, by torch's generator.</para>
/// <para>A layer keeps the memory of its passes from step to step, as much as its largest pass has needed and once more
/// for each pass that was open at the same time. It may be used from several threads where none changes it.</para>
/// </remarks>
/// <example>
/// <code>
/// // Two layers with a nonlinearity between, trained by torch.
/// using var lower = new LinearRnnLayer(inputSize: 1, hiddenSize: 8, outputSize: 8);
/// using var upper = new LinearRnnLayer(inputSize: 8, hiddenSize: 8, outputSize: 1);
/// using var adam = optim.Adam([.. lower.parameters(), .. upper.parameters()], lr: 0.01);
/// Tensor x = randn(50, 16, 1); // 50 steps of 16 sequences
/// Tensor y = x.roll(2, 0).abs();
/// for (int step = 1; step &lt;= 20; step++)
/// {
///     using DisposeScope scope = NewDisposeScope();
///     (Tensor hidden, _) = lower.call(x);
///     (Tensor outputs, _) = upper.call(hidden.relu());
///     Tensor loss = nn.functional.mse_loss(outputs, y);
///     adam.zero_grad();
///     loss.backward();
///     adam.step();
///     if (step % 10 == 0)
///     {
///         Console.WriteLine($"step {step}: loss {loss.item&lt;float&gt;():F3}");
///     }
/// }
///
/// // The weights as a model of the library, and a layer from it.
/// LinearRnn model = lower.ToModel();
/// using var copy = LinearRnnLayer.FromModel(model, dtype: ScalarType.Float64);
/// </code>
/// </example>
public sealed class LinearRnnLayer : nn.Module<Tensor, Tensor?, (Tensor Outputs, Tensor FinalStates)>
{
    // Parameters are kept under these names only, and not in fields: torch replaces them where a module is moved.
    private const string WhxName = "weight_hx";
    private const string WhhName = "weight_hh";
    private const string WqhName = "weight_qh";

    private readonly PassMemory _memory = new(new FaultReport());

    /// <summary>Creates a layer with random weights. Cost O(h(d + h + q)).</summary>
    /// <param name="inputSize">d.</param>
    /// <param name="hiddenSize">h.</param>
    /// <param name="outputSize">q.</param>
    /// <param name="batchFirst">Whether inputs and outputs are (batch, time, feature), and not (time, batch,
    /// feature).</param>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="options">Truncation, recurrence, threads and memory; the defaults where null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1.</exception>
    /// <exception cref="ArgumentException">The type is another one.</exception>
    public LinearRnnLayer(
        int inputSize,
        int hiddenSize,
        int outputSize,
        bool batchFirst = false,
        ScalarType dtype = ScalarType.Float32,
        LinearRnnOptions? options = null)
        : base(nameof(LinearRnnLayer))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(hiddenSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputSize, 1);
        if (dtype is not (ScalarType.Float32 or ScalarType.Float64))
        {
            throw PassShape.Error(nameof(dtype), $"expected Float32 or Float64, got {dtype}.");
        }
        BatchFirst = batchFirst;
        Options = options ?? new LinearRnnOptions();
        double bound = 1.0 / Math.Sqrt(hiddenSize);
        register_parameter(WhxName, Random(hiddenSize, inputSize));
        register_parameter(WhhName, Random(hiddenSize, hiddenSize));
        register_parameter(WqhName, Random(outputSize, hiddenSize));

        Parameter Random(int rows, int columns)
        {
            using IDisposable noTape = no_grad();
            var parameter = new Parameter(empty(rows, columns, dtype: dtype, device: CPU).uniform_(-bound, bound));
            parameter.DetachFromDisposeScope();
            return parameter;
        }
    }

    /// <summary>W_hx, (h, d).</summary>
    public Parameter Whx => _internal_params[WhxName];

    /// <summary>W_hh, (h, h).</summary>
    public Parameter Whh => _internal_params[WhhName];

    /// <summary>W_qh, (q, h).</summary>
    public Parameter Wqh => _internal_params[WqhName];

    /// <summary>Whether inputs and outputs are (batch, time, feature), and not (time, batch, feature).</summary>
    public bool BatchFirst { get; }

    /// <summary>Truncation, recurrence, threads and memory of the passes from here on.</summary>
    public LinearRnnOptions Options { get; set; }

    /// <summary>A layer with the weights of a model. Cost O(h(d + h + q)).</summary>
    /// <param name="model">The model.</param>
    /// <param name="batchFirst">Whether inputs and outputs are (batch, time, feature), and not (time, batch,
    /// feature).</param>
    /// <param name="dtype">float32, to which the weights are rounded, or float64.</param>
    /// <param name="options">Truncation, recurrence, threads and memory; the defaults where null.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentException">The type is another one.</exception>
    public static LinearRnnLayer FromModel(
        LinearRnn model,
        bool batchFirst = false,
        ScalarType dtype = ScalarType.Float32,
        LinearRnnOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        var layer = new LinearRnnLayer(
            model.InputSize, model.HiddenSize, model.OutputSize, batchFirst, dtype, options);
        TensorMemory.WriteWeights(model, layer.Whx, layer.Whh, layer.Wqh);
        return layer;
    }

    /// <summary>Runs the layer over sequences of one length, without hooks: see
    /// <see cref="call(Tensor, Tensor, Tensor)"/>.</summary>
    /// <inheritdoc cref="call(Tensor, Tensor, Tensor)"/>
    public override (Tensor Outputs, Tensor FinalStates) forward(Tensor inputs, Tensor? initialStates) =>
        Run(inputs, initialStates, null);

    /// <summary>Runs the layer.</summary>
    /// <param name="inputs">x_1 … x_T: (T, B, d), or (B, T, d) with <see cref="BatchFirst"/>; (T, d) for one
    /// sequence.</param>
    /// <param name="initialStates">h_0, (B, h), or (h) for one sequence; zero where null.</param>
    /// <param name="lengths">T_b of each sequence, int64 (B); what stands beyond the end of a sequence is not read.
    /// Hooks are called only without it. Null where all have T steps.</param>
    /// <exception cref="ArgumentNullException">The inputs are null.</exception>
    /// <exception cref="ArgumentException">A shape, type or device does not fit, a number or weight is NaN or infinite,
    /// or the memory budget is too small.</exception>
    /// <exception cref="InvalidOperationException">An earlier backward pass of this layer has failed.</exception>
    /// <inheritdoc cref="LinearRnnFunction.apply"/>
    public (Tensor Outputs, Tensor FinalStates) call(
        Tensor inputs, Tensor? initialStates = null, Tensor? lengths = null) =>
        lengths is null ? base.call(inputs, initialStates) : Run(inputs, initialStates, lengths);

    /// <inheritdoc cref="call(PackedSequence, Tensor)"/>
    public (PackedSequence Outputs, Tensor FinalStates) call(PackedSequence inputs) => call(inputs, null);

    /// <summary>Runs the layer over packed sequences of any lengths, without hooks: a padded copy goes in and comes
    /// out.</summary>
    /// <param name="inputs">The sequences, of d features.</param>
    /// <param name="initialStates">h_0, (B, h), in the order that the sequences had before they were sorted; zero where
    /// null.</param>
    /// <returns>o_1 … o_T packed in the same way, and h_T of each sequence, (B, h), in that order.</returns>
    /// <exception cref="ArgumentNullException">The sequences are null.</exception>
    /// <inheritdoc cref="call(Tensor, Tensor, Tensor)"/>
    public (PackedSequence Outputs, Tensor FinalStates) call(PackedSequence inputs, Tensor? initialStates)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        using DisposeScope scope = NewDisposeScope();
        (Tensor padded, Tensor lengths) = pad_packed_sequence(inputs);
        (Tensor outputs, Tensor finalStates) = LinearRnnFunction.Run(
            [padded, Whx, Whh, Wqh, initialStates], lengths, batchFirst: false, Options, _memory);
        bool isSorted = inputs.sorted_indices.IsInvalid || inputs.sorted_indices.numel() == 0;
        PackedSequence packed = pack_padded_sequence(outputs, lengths, enforce_sorted: isSorted);
        return (packed.MoveToOuterDisposeScope(), finalStates.MoveToOuterDisposeScope());
    }

    /// <summary>The weights as a model of the library, for its checks, diagnostics and files. Cost
    /// O(h(d + h + q)).</summary>
    /// <exception cref="ArgumentException">A weight is NaN or infinite, or of another type than float32 and
    /// float64.</exception>
    public LinearRnn ToModel()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noTape = no_grad();
        (Tensor whx, Tensor whh, Tensor wqh) = (Whx.cpu(), Whh.cpu(), Wqh.cpu());
        _ = PassShape.Of(zeros(1, 1, whx.shape[1], dtype: whh.dtype), whx, whh, wqh, null, null, batchFirst: false);
        return TensorMemory.Model(
            TensorMemory.Contiguous(whx), TensorMemory.Contiguous(whh), TensorMemory.Contiguous(wqh));
    }

    /// <summary>Tells whether a backward pass of this layer has failed since it was last told; the next call of the
    /// layer does so too.</summary>
    /// <exception cref="InvalidOperationException">One has; its gradients are NaN.</exception>
    public void ThrowIfBackwardFailed() => _memory.Faults.Throw();

    private (Tensor Outputs, Tensor FinalStates) Run(Tensor inputs, Tensor? initialStates, Tensor? lengths) =>
        LinearRnnFunction.Run([inputs, Whx, Whh, Wqh, initialStates], lengths, BatchFirst, Options, _memory);
}
