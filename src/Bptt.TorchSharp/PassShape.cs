// The sizes of a pass and the layout of its tensors, and the checks that find them. Everything that a caller can get
// wrong is refused here, before torch knows of the pass: an exception in backward would end the process.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using TorchSharp;
using static TorchSharp.torch;

namespace Bptt.TorchSharp;

/// <summary>What a pass needs to know of its tensors.</summary>
/// <param name="Type">float32 or float64, of all of them.</param>
/// <param name="Order">(time, batch, feature) or (batch, time, feature).</param>
/// <param name="Steps">T.</param>
/// <param name="Count">B.</param>
/// <param name="InputSize">d.</param>
/// <param name="HiddenSize">h.</param>
/// <param name="OutputSize">q.</param>
/// <param name="Lengths">T_b of each sequence; null where all have T steps.</param>
internal sealed record PassShape(
    ScalarType Type,
    TensorOrder Order,
    int Steps,
    int Count,
    int InputSize,
    int HiddenSize,
    int OutputSize,
    int[]? Lengths)
{
    private const long MostBytes = int.MaxValue;

    /// <summary>The axis of time.</summary>
    public int TimeAxis => Order == TensorOrder.TimeBatchFeature ? 0 : 1;

    /// <summary>Reads and checks the tensors of a pass.</summary>
    /// <exception cref="ArgumentNullException">A tensor is null.</exception>
    /// <exception cref="ArgumentException">One does not fit.</exception>
    public static PassShape Of(
        Tensor inputs, Tensor whx, Tensor whh, Tensor wqh, Tensor? initialStates, Tensor? lengths, bool batchFirst)
    {
        ScalarType type = TypeOf(whh, nameof(whh));
        RequireUsable(whx, type, nameof(whx));
        RequireUsable(wqh, type, nameof(wqh));
        RequireUsable(inputs, type, nameof(inputs));
        (long h, long d, long q) = (whh.shape[0], whx.shape[^1], wqh.shape[0]);
        RequireShape(whh, [h, h], "(h, h)", nameof(whh));
        RequireShape(whx, [h, d], "(h, d)", nameof(whx));
        RequireShape(wqh, [q, h], "(q, h)", nameof(wqh));

        string axes = batchFirst ? "(batch, time, feature)" : "(time, batch, feature)";
        long[] sizes = inputs.shape;
        if (sizes.Length != 3 || sizes[2] != d)
        {
            throw Error(nameof(inputs), $"expected {axes} with {d} features, got {Text(sizes)}.");
        }
        (long steps, long count) = batchFirst ? (sizes[1], sizes[0]) : (sizes[0], sizes[1]);
        if (steps < 1 || count < 1 || Math.Min(h, Math.Min(d, q)) < 1)
        {
            throw Error(
                nameof(inputs),
                $"expected at least one step, sequence and feature and weights of at least one row and column, "
                    + $"got {axes} = {Text(sizes)}, h = {h}, q = {q}.");
        }
        if (steps * count * Math.Max(d, q) * whh.element_size() > MostBytes)
        {
            throw Error(
                nameof(inputs), $"expected inputs and outputs below 2 GiB each, got {Text(sizes)} with q = {q}.");
        }
        if (initialStates is not null)
        {
            RequireUsable(initialStates, type, nameof(initialStates));
            RequireShape(initialStates, [count, h], "(batch, h)", nameof(initialStates));
        }
        return new PassShape(
            type,
            batchFirst ? TensorOrder.BatchTimeFeature : TensorOrder.TimeBatchFeature,
            (int)steps,
            (int)count,
            (int)d,
            (int)h,
            (int)q,
            lengths is null ? null : LengthsOf(lengths, count, steps));
    }

    /// <summary>The sizes of a tensor of the pass with so many features.</summary>
    public long[] Sizes(int features) => Order == TensorOrder.TimeBatchFeature
        ? [Steps, Count, features]
        : [Count, Steps, features];

    /// <summary>T_b of each sequence, from a tensor of whole numbers.</summary>
    /// <exception cref="ArgumentException">There are not B of them, or one is not from 1 to T.</exception>
    public static int[] LengthsOf(Tensor lengths, long count, long steps)
    {
        RequireAlive(lengths, nameof(lengths));
        if (lengths.dtype is not (ScalarType.Int64 or ScalarType.Int32) || lengths.device_type != DeviceType.CPU)
        {
            throw Error(
                nameof(lengths), $"expected int64 or int32 on cpu, got {lengths.dtype} on {lengths.device}.");
        }
        RequireShape(lengths, [count], "(batch)", nameof(lengths));
        using Tensor whole = lengths.to(ScalarType.Int64).contiguous();
        int[] values = new int[count];
        ReadOnlySpan<long> given = TensorMemory.Span<long>(whole);
        for (int b = 0; b < values.Length; b++)
        {
            values[b] = given[b] >= 1 && given[b] <= steps ? (int)given[b] : throw Error(
                nameof(lengths), $"expected from 1 to {steps} steps for sequence {b}, got {given[b]}.");
        }
        return values;
    }

    public static ArgumentException Error(string name, string message) => new($"{name}: {message}", name);

    public static string Text(long[] sizes) => $"({string.Join(", ", sizes)})";

    private static ScalarType TypeOf(Tensor tensor, string name)
    {
        RequireAlive(tensor, name);
        ScalarType type = tensor.dtype;
        if (type is not (ScalarType.Float32 or ScalarType.Float64))
        {
            throw Error(name, $"expected Float32 or Float64, got {type}.");
        }
        RequireUsable(tensor, type, name);
        return tensor.dim() == 2 ? type : throw Error(name, $"expected two axes, got {Text(tensor.shape)}.");
    }

    private static void RequireAlive(Tensor tensor, string name)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.IsInvalid)
        {
            throw Error(name, "expected a tensor, got one that has been disposed.");
        }
    }

    private static void RequireUsable(Tensor tensor, ScalarType type, string name)
    {
        RequireAlive(tensor, name);
        if (tensor.device_type != DeviceType.CPU)
        {
            throw Error(name, $"expected a tensor on cpu, where Bptt computes, got one on {tensor.device}.");
        }
        if (tensor.is_sparse)
        {
            throw Error(name, "expected a dense tensor, got a sparse one.");
        }
        if (tensor.dtype != type)
        {
            throw Error(name, $"expected {type}, as W_hh has, got {tensor.dtype}.");
        }
        if (tensor.dim() == 0)
        {
            throw Error(name, "expected axes, got a scalar.");
        }
    }

    private static void RequireShape(Tensor tensor, long[] sizes, string axes, string name)
    {
        if (!tensor.shape.AsSpan().SequenceEqual(sizes))
        {
            throw Error(name, $"expected {axes} = {Text(sizes)}, got {Text(tensor.shape)}.");
        }
    }
}
