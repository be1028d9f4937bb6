// The three weight matrices, or their gradients, in one flat array. Knows shapes, no meaning.
//
//   d  inputs      h  hidden units      q  outputs

using System.Numerics;
using Bptt.Edge;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Passes;

/// <summary>W_hx (h×d), W_hh (h×h) and W_qh (q×h), each column-major, one behind the other.</summary>
internal sealed class ParameterArray<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly ArraySegment<TReal> _values;

    /// <summary>Undefined entries. They must all be written before any is read: on memory that is fresh from the system
    /// a read costs a page fault of its own, and with several threads an interrupt of each other processor.</summary>
    /// <param name="inputSize">d.</param>
    /// <param name="hiddenSize">h.</param>
    /// <param name="outputSize">q.</param>
    /// <param name="storage">Makes memory of a length; null for an array of its own.</param>
    public ParameterArray(
        int inputSize, int hiddenSize, int outputSize, Func<long, ArraySegment<TReal>>? storage = null)
    {
        InputSize = inputSize;
        HiddenSize = hiddenSize;
        OutputSize = outputSize;
        long length = (long)hiddenSize * ((long)inputSize + hiddenSize + outputSize);
        if (length > Array.MaxLength)
        {
            throw new ArgumentException(
                $"The model is too large: expected at most {Array.MaxLength} weights, but {ShapeText} need {length}.");
        }
        _values = storage is null
            ? new ArraySegment<TReal>(GC.AllocateUninitializedArray<TReal>((int)length))
            : storage(length)[..(int)length];
    }

    /// <summary>Copies of three matrices, whose shapes are checked against each other.</summary>
    public ParameterArray(Matrix<double> whx, Matrix<double> whh, Matrix<double> wqh)
        : this(Checked(whx, whh, wqh), whh.RowCount, wqh.RowCount)
    {
        VectorMath.Convert(whx.ColumnMajor(), Whx.Values);
        VectorMath.Convert(whh.ColumnMajor(), Whh.Values);
        VectorMath.Convert(wqh.ColumnMajor(), Wqh.Values);
    }

    public int InputSize { get; }

    public int HiddenSize { get; }

    public int OutputSize { get; }

    /// <summary>Every entry: W_hx, W_hh, W_qh.</summary>
    public Span<TReal> Values => _values.AsSpan();

    /// <summary>Where they lie.</summary>
    public ArraySegment<TReal> Storage => _values;

    public MatrixSpan<TReal> Whx => new(_values.AsSpan(0, HiddenSize * InputSize), HiddenSize, InputSize, HiddenSize);

    public MatrixSpan<TReal> Whh =>
        new(_values.AsSpan(HiddenSize * InputSize, HiddenSize * HiddenSize), HiddenSize, HiddenSize, HiddenSize);

    public MatrixSpan<TReal> Wqh =>
        new(_values.AsSpan(HiddenSize * (InputSize + HiddenSize)), OutputSize, HiddenSize, OutputSize);

    /// <summary>Undefined entries in the shapes of others.</summary>
    public static ParameterArray<TReal> ShapedLike<TOther>(
        ParameterArray<TOther> other, Func<long, ArraySegment<TReal>>? storage = null)
        where TOther : unmanaged, IBinaryFloatingPointIeee754<TOther> =>
        new(other.InputSize, other.HiddenSize, other.OutputSize, storage);

    /// <summary>An independent copy.</summary>
    public ParameterArray<TReal> Copy()
    {
        var copy = new ParameterArray<TReal>(InputSize, HiddenSize, OutputSize);
        Values.CopyTo(copy.Values);
        return copy;
    }

    /// <summary>Whether the other has the same d, h and q.</summary>
    public bool HasShapeOf(ParameterArray<TReal> other) =>
        InputSize == other.InputSize && HiddenSize == other.HiddenSize && OutputSize == other.OutputSize;

    /// <summary>d, h and q as messages print them.</summary>
    public string ShapeText => $"d = {InputSize}, h = {HiddenSize}, q = {OutputSize}";

    private static int Checked(Matrix<double> whx, Matrix<double> whh, Matrix<double> wqh)
    {
        Guard.NotEmpty(whx, "h×d", nameof(whx));
        Guard.NotEmpty(whh, "h×h", nameof(whh));
        Guard.NotEmpty(wqh, "q×h", nameof(wqh));
        // Two that agree tell h; where none do, the square that W_hh is.
        bool agree = whx.RowCount == wqh.ColumnCount;
        int h = agree ? whx.RowCount : whh.RowCount;
        string told = agree ? $"where whx has h = {h} rows" : $"where whh has h = {h} rows";
        Guard.Shape(whh, h, h, agree ? $"h×h, {told}" : "h×h, as many rows as columns", nameof(whh));
        Fits(whx.RowCount, whx.ColumnCount, isRows: true, "h×d", nameof(whx));
        Fits(wqh.ColumnCount, wqh.RowCount, isRows: false, "q×h", nameof(wqh));
        return whx.ColumnCount;

        void Fits(int along, int across, bool isRows, string shape, string name)
        {
            if (along != h)
            {
                bool isTransposed = across == h;
                int other = isTransposed ? along : across;
                throw Guard.Error(
                    name,
                    $"expected {(isRows ? $"{h}×{other}" : $"{other}×{h}")} ({shape}, {told}), got "
                    + $"{(isRows ? $"{along}×{across}" : $"{across}×{along}")}"
                    + $"{(isTransposed ? ", as if transposed" : "")}.");
            }
        }
    }
}
