// The memory of tensors as what Bptt takes and gives: the one place that knows float32 and float64 apart. Nothing is
// copied here but into and out of Bptt's own arrays.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using System.Runtime.InteropServices;
using MathNet.Numerics.LinearAlgebra;
using static TorchSharp.torch;

namespace Bptt.TorchSharp;

/// <summary>Tensors here are dense, contiguous and on the processor.</summary>
internal static class TensorMemory
{
    /// <summary>The numbers of a tensor, in place; valid while the tensor is.</summary>
    public static Span<T> Span<T>(Tensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    /// <summary>The tensor itself where it is contiguous, otherwise a contiguous copy.</summary>
    public static Tensor Contiguous(Tensor tensor) =>
        tensor.is_neg() ? tensor.resolve_neg().contiguous()
        : tensor.is_contiguous() ? tensor
        : tensor.contiguous();

    /// <summary>A model with the weights W_hx (h, d), W_hh (h, h) and W_qh (q, h).</summary>
    public static LinearRnn Model(Tensor whx, Tensor whh, Tensor wqh)
    {
        int hiddenSize = (int)whh.shape[0];
        return IsSingle(whh)
            ? FlatMemory.CreateModel(Span<float>(whx), Span<float>(whh), Span<float>(wqh), hiddenSize)
            : FlatMemory.CreateModel(Span<double>(whx), Span<double>(whh), Span<double>(wqh), hiddenSize);
    }

    /// <summary>Writes the weights of a model, in these shapes.</summary>
    public static void WriteWeights(LinearRnn model, Tensor whx, Tensor whh, Tensor wqh)
    {
        if (IsSingle(whh))
        {
            model.CopyTo(Span<float>(whx), Span<float>(whh), Span<float>(wqh));
        }
        else
        {
            model.CopyTo(Span<double>(whx), Span<double>(whh), Span<double>(wqh));
        }
    }

    /// <summary>A batch from a tensor of the shape's order with so many features.</summary>
    public static SequenceBatch Batch(Tensor tensor, PassShape shape, int features) => IsSingle(tensor)
        ? SequenceBatch.FromTensor(
            Span<float>(tensor), shape.Count, shape.Steps, features, shape.Order, shape.Lengths)
        : SequenceBatch.FromTensor(
            Span<double>(tensor), shape.Count, shape.Steps, features, shape.Order, shape.Lengths);

    /// <summary>h×B from (B, h).</summary>
    public static Matrix<double> States(Tensor tensor)
    {
        (int count, int rows) = ((int)tensor.shape[0], (int)tensor.shape[1]);
        double[] entries = new double[count * rows];
        if (IsSingle(tensor))
        {
            ReadOnlySpan<float> values = Span<float>(tensor);
            for (int i = 0; i < entries.Length; i++)
            {
                entries[i] = values[i];
            }
        }
        else
        {
            Span<double>(tensor).CopyTo(entries);
        }
        return Matrix<double>.Build.Dense(rows, count, entries);
    }

    /// <summary>Writes o_1 … o_T.</summary>
    public static void WriteOutputs(ForwardPass forward, Tensor target, TensorOrder order)
    {
        if (IsSingle(target))
        {
            forward.CopyOutputsTo(Span<float>(target), order);
        }
        else
        {
            forward.CopyOutputsTo(Span<double>(target), order);
        }
    }

    /// <summary>Writes h_T of each sequence, (B, h).</summary>
    public static void WriteFinalStates(ForwardPass forward, Tensor target)
    {
        if (IsSingle(target))
        {
            forward.CopyFinalStatesTo(Span<float>(target));
        }
        else
        {
            forward.CopyFinalStatesTo(Span<double>(target));
        }
    }

    /// <summary>Runs backward from ∂L/∂o_t, and from what comes to h_T from beyond where that is not null.</summary>
    public static BackwardThroughTime Backward(
        ForwardPass forward, Tensor outputs, Tensor? finalStates, TensorOrder order, Truncation? truncation) =>
        IsSingle(outputs)
            ? forward.Backward(
                Span<float>(outputs), order, finalStates is null ? default : Span<float>(finalStates), truncation)
            : forward.Backward(
                Span<double>(outputs), order, finalStates is null ? default : Span<double>(finalStates), truncation);

    /// <summary>Writes ∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh, in the shapes of the weights.</summary>
    public static void WriteWeightGradients(BackwardThroughTime backward, Tensor whx, Tensor whh, Tensor wqh)
    {
        if (IsSingle(whh))
        {
            backward.Gradients.CopyTo(Span<float>(whx), Span<float>(whh), Span<float>(wqh));
        }
        else
        {
            backward.Gradients.CopyTo(Span<double>(whx), Span<double>(whh), Span<double>(wqh));
        }
    }

    /// <summary>Writes ∂L/∂x_1 … ∂L/∂x_T.</summary>
    public static void WriteInputGradients(BackwardThroughTime backward, Tensor target, TensorOrder order)
    {
        if (IsSingle(target))
        {
            backward.CopyInputGradientsTo(Span<float>(target), order);
        }
        else
        {
            backward.CopyInputGradientsTo(Span<double>(target), order);
        }
    }

    /// <summary>Writes ∂L/∂h_0 of each sequence, (B, h).</summary>
    public static void WriteInitialStateGradients(BackwardThroughTime backward, Tensor target)
    {
        if (IsSingle(target))
        {
            backward.CopyInitialStateGradientsTo(Span<float>(target));
        }
        else
        {
            backward.CopyInitialStateGradientsTo(Span<double>(target));
        }
    }

    /// <summary>Whether every number is finite; null counts as such.</summary>
    public static bool IsFinite(Tensor? tensor) => tensor is null
        || (IsSingle(tensor) ? AllFinite<float>(Span<float>(tensor)) : AllFinite<double>(Span<double>(tensor)));

    private static bool IsSingle(Tensor tensor) => tensor.dtype == ScalarType.Float32;

    private static bool AllFinite<T>(ReadOnlySpan<T> values)
        where T : System.Numerics.INumberBase<T>
    {
        foreach (T value in values)
        {
            if (!T.IsFinite(value))
            {
                return false;
            }
        }
        return true;
    }
}
