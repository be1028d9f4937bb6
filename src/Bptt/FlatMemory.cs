// What a model and its gradients hold, to and from flat memory of the caller's, in float or double: for code that has
// no matrices. Passes are in FlatMemory.Passes.cs.
//
//   d  inputs      h  hidden units      q  outputs

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>How a weight matrix lies in flat memory.</summary>
public enum MatrixOrder
{
    /// <summary>Row after row, as C#, PyTorch, NumPy and ONNX lay matrices out.</summary>
    RowMajor,

    /// <summary>Column after column, as MathNet, Fortran and this library do.</summary>
    ColumnMajor,
}

/// <summary>Copies between passes, models and spans. Tensors are (batch, time, feature) unless told otherwise; beyond
/// the end of a sequence they are filled with zeros.</summary>
/// <example>
/// <code>
/// // Weights, inputs and outputs as an ML library holds them: flat floats, row after row, (batch, time, feature).
/// float[] whx = [0.5f, 1.0f];
/// float[] whh = [0.5f, 0.0f, 0.0f, 0.8f];
/// float[] inputs = [1.0f, 0.0f, 2.0f, 0.0f];
/// float[] outputs = new float[4];
/// LinearRnn model = FlatMemory.CreateModel(whx, whh, [1.0f, 1.0f], hiddenSize: 2, MatrixOrder.RowMajor);
/// var batch = SequenceBatch.FromTensor(inputs, count: 1, steps: 4, features: 1, TensorOrder.BatchTimeFeature);
/// ForwardPass.Run(model, batch).CopyOutputsTo(outputs);
/// Console.WriteLine($"o_4 = {outputs[3]:G6}");
/// </code>
/// </example>
public static partial class FlatMemory
{
    /// <summary>A model from flat weights.</summary>
    /// <param name="whx">W_hx, h·d numbers.</param>
    /// <param name="whh">W_hh, h·h numbers.</param>
    /// <param name="wqh">W_qh, q·h numbers.</param>
    /// <param name="hiddenSize">h.</param>
    /// <param name="order">How the matrices lie.</param>
    /// <exception cref="ArgumentOutOfRangeException">h is below 1.</exception>
    /// <exception cref="ArgumentException">A matrix has no whole number of rows or columns, or holds NaN or
    /// infinities.</exception>
    public static LinearRnn CreateModel(
        ReadOnlySpan<double> whx,
        ReadOnlySpan<double> whh,
        ReadOnlySpan<double> wqh,
        int hiddenSize,
        MatrixOrder order = MatrixOrder.RowMajor) => Create(whx, whh, wqh, hiddenSize, order);

    /// <inheritdoc
    /// cref="CreateModel(ReadOnlySpan{double}, ReadOnlySpan{double}, ReadOnlySpan{double}, int, MatrixOrder)"/>
    public static LinearRnn CreateModel(
        ReadOnlySpan<float> whx,
        ReadOnlySpan<float> whh,
        ReadOnlySpan<float> wqh,
        int hiddenSize,
        MatrixOrder order = MatrixOrder.RowMajor) => Create(whx, whh, wqh, hiddenSize, order);

    /// <summary>Writes the weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="whx">Receives W_hx, h·d numbers.</param>
    /// <param name="whh">Receives W_hh, h·h numbers.</param>
    /// <param name="wqh">Receives W_qh, q·h numbers.</param>
    /// <param name="order">How the matrices lie.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentException">A target has another length.</exception>
    public static void CopyTo(
        this LinearRnn model,
        Span<double> whx,
        Span<double> whh,
        Span<double> wqh,
        MatrixOrder order = MatrixOrder.RowMajor)
    {
        ArgumentNullException.ThrowIfNull(model);
        Write(model.Weights, whx, whh, wqh, order);
    }

    /// <inheritdoc cref="CopyTo(LinearRnn, Span{double}, Span{double}, Span{double}, MatrixOrder)"/>
    public static void CopyTo(
        this LinearRnn model,
        Span<float> whx,
        Span<float> whh,
        Span<float> wqh,
        MatrixOrder order = MatrixOrder.RowMajor)
    {
        ArgumentNullException.ThrowIfNull(model);
        Write(model.Weights, whx, whh, wqh, order);
    }

    /// <summary>Writes ∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh.</summary>
    /// <param name="gradients">The gradients.</param>
    /// <param name="whx">Receives h·d numbers.</param>
    /// <param name="whh">Receives h·h numbers.</param>
    /// <param name="wqh">Receives q·h numbers.</param>
    /// <param name="order">How the matrices lie.</param>
    /// <exception cref="ArgumentNullException">The gradients are null.</exception>
    /// <exception cref="ArgumentException">A target has another length.</exception>
    public static void CopyTo(
        this Gradients gradients,
        Span<double> whx,
        Span<double> whh,
        Span<double> wqh,
        MatrixOrder order = MatrixOrder.RowMajor)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        Write(gradients.Entries, whx, whh, wqh, order);
    }

    /// <inheritdoc cref="CopyTo(Gradients, Span{double}, Span{double}, Span{double}, MatrixOrder)"/>
    public static void CopyTo(
        this Gradients gradients,
        Span<float> whx,
        Span<float> whh,
        Span<float> wqh,
        MatrixOrder order = MatrixOrder.RowMajor)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        Write(gradients.Entries, whx, whh, wqh, order);
    }

    /// <summary>Every entry of the gradients in one vector: ∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh, each column by column, as
    /// optimisers of other libraries want it. Fresh.</summary>
    /// <exception cref="ArgumentNullException">The gradients are null.</exception>
    public static double[] ToVector(this Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        return gradients.Entries.Values.ToArray();
    }

    /// <summary>Every weight in one vector: W_hx, W_hh, W_qh, each column by column. Fresh.</summary>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    public static double[] ToVector(this LinearRnn model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Weights.Values.ToArray();
    }

    /// <summary>A model of the same sizes with the weights of a vector: the inverse of
    /// <see cref="ToVector(LinearRnn)"/>.</summary>
    /// <param name="model">The sizes.</param>
    /// <param name="weights">h(d + h + q) numbers.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentException">There are not as many numbers, or one is NaN or infinite.</exception>
    public static LinearRnn WithWeights(this LinearRnn model, ReadOnlySpan<double> weights)
    {
        ArgumentNullException.ThrowIfNull(model);
        (int d, int h) = (model.InputSize, model.HiddenSize);
        RequireLength(weights.Length, model.Weights.Values.Length, nameof(weights));
        return Create(
            weights[..(h * d)],
            weights.Slice(h * d, h * h),
            weights[(h * (d + h))..],
            h,
            MatrixOrder.ColumnMajor);
    }

    private static LinearRnn Create<TReal>(
        ReadOnlySpan<TReal> whx,
        ReadOnlySpan<TReal> whh,
        ReadOnlySpan<TReal> wqh,
        int hiddenSize,
        MatrixOrder order)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        Guard.AtLeastOne(hiddenSize, nameof(hiddenSize));
        Guard.Defined(order, nameof(order));
        RequireLength(whh.Length, (long)hiddenSize * hiddenSize, nameof(whh));
        RequireRows(whx.Length, hiddenSize, nameof(whx));
        RequireRows(wqh.Length, hiddenSize, nameof(wqh));
        return new LinearRnn(
            FromFlat(whx, hiddenSize, order),
            FromFlat(whh, hiddenSize, order),
            FromFlat(wqh, wqh.Length / hiddenSize, order));
    }

    private static Matrix<double> FromFlat<TReal>(ReadOnlySpan<TReal> values, int rows, MatrixOrder order)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        double[] entries = new double[values.Length];
        VectorMath.Convert(values, entries);
        int columns = values.Length / rows;
        return order == MatrixOrder.RowMajor
            ? Matrix<double>.Build.DenseOfRowMajor(rows, columns, entries)
            : Matrix<double>.Build.Dense(rows, columns, entries);
    }

    private static void Write<TReal>(
        ParameterArray weights, Span<TReal> whx, Span<TReal> whh, Span<TReal> wqh, MatrixOrder order)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        Guard.Defined(order, nameof(order));
        Write(weights.Whx, whx, order, nameof(whx));
        Write(weights.Whh, whh, order, nameof(whh));
        Write(weights.Wqh, wqh, order, nameof(wqh));
    }

    private static void Write<TReal>(MatrixSpan matrix, Span<TReal> target, MatrixOrder order, string name)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        RequireLength(target.Length, (long)matrix.Rows * matrix.Columns, name);
        if (order == MatrixOrder.ColumnMajor)
        {
            VectorMath.Convert<double, TReal>(matrix.Values, target);
            return;
        }
        for (int i = 0; i < matrix.Rows; i++)
        {
            for (int j = 0; j < matrix.Columns; j++)
            {
                target[i * matrix.Columns + j] = TReal.CreateTruncating(matrix.Column(j)[i]);
            }
        }
    }

    private static void RequireLength(int length, long expected, string name)
    {
        if (length != expected)
        {
            throw Guard.Error(name, $"expected {expected} numbers, got {length}.");
        }
    }

    private static void RequireRows(int length, int hiddenSize, string name)
    {
        if (length == 0 || length % hiddenSize != 0)
        {
            throw Guard.Error(name, $"expected a multiple of h = {hiddenSize} numbers, got {length}.");
        }
    }
}
