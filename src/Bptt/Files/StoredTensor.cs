// A tensor as weight files hold it: a shape and numbers, row after row. It computes nothing.

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Files;

/// <summary>Numbers with a shape, as a file of weights holds them: read as double, and written back in the format that
/// they were read in, bit for bit. Immutable.</summary>
/// <example>
/// <code>
/// // A matrix to NumPy and back: numpy.load reads the same bytes.
/// var file = new MemoryStream();
/// NumPyFile.Save(file, StoredTensor.Of(model.Whh, Precision.Single));
/// file.Position = 0;
/// StoredTensor whh = NumPyFile.Load(file);
/// string kind = whh.Format == FloatFormat.Float32 ? "floats" : "doubles";
/// Console.WriteLine($"{string.Join('×', whh.Shape)} {kind}, the first {whh.ToMatrix()[0, 0]:G4}");
/// </code>
/// </example>
public sealed class StoredTensor
{
    private readonly double[] _values;

    /// <summary>Creates a tensor from numbers, which are copied. Cost O(numbers).</summary>
    /// <param name="shape">The size of each dimension; none for a single number.</param>
    /// <param name="values">As many as the shape says, the last index running fastest (row after row).</param>
    /// <param name="precision">What the file is to keep; with <see cref="Precision.Single"/> the numbers are rounded to
    /// float here.</param>
    /// <exception cref="ArgumentNullException">The shape is null.</exception>
    /// <exception cref="ArgumentException">A size is negative, there are not as many values, or a finite value is
    /// beyond the range of float.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The precision has no name.</exception>
    public StoredTensor(
        IReadOnlyList<int> shape, ReadOnlySpan<double> values, Precision precision = Precision.Double)
        : this(Checked(shape), values.ToArray(), FormatOf(precision))
    {
        if (CountOf(Shape) is var count && count != _values.Length)
        {
            throw Guard.Error(
                nameof(values), $"expected {count} numbers for the shape {ShapeText}, got {_values.Length}.");
        }
        if (precision == Precision.Single)
        {
            Round(_values);
        }
    }

    /// <summary>Takes arrays that nobody else writes to and that fit each other and the format.</summary>
    internal StoredTensor(int[] shape, double[] values, FloatFormat format)
    {
        Shape = Array.AsReadOnly(shape);
        _values = values;
        Format = format;
    }

    /// <summary>The size of each dimension; empty for a single number.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>The numbers, the last index running fastest.</summary>
    public ReadOnlySpan<double> Values => _values;

    /// <summary>How a file keeps the numbers; each of <see cref="Values"/> has it exactly.</summary>
    public FloatFormat Format { get; }

    internal string ShapeText => Shape.Count == 0 ? "of a single number" : string.Join('×', Shape);

    /// <summary>A matrix as a tensor. Cost O(rows·columns).</summary>
    /// <exception cref="ArgumentNullException">The matrix is null.</exception>
    /// <inheritdoc cref="StoredTensor(IReadOnlyList{int}, ReadOnlySpan{double}, Precision)" path="/exception"/>
    public static StoredTensor Of(Matrix<double> matrix, Precision precision = Precision.Double)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return new StoredTensor([matrix.RowCount, matrix.ColumnCount], matrix.ToRowMajorArray(), precision);
    }

    /// <summary>A vector as a tensor of one dimension. Cost O(length).</summary>
    /// <exception cref="ArgumentNullException">The vector is null.</exception>
    /// <inheritdoc cref="StoredTensor(IReadOnlyList{int}, ReadOnlySpan{double}, Precision)" path="/exception"/>
    public static StoredTensor Of(Vector<double> vector, Precision precision = Precision.Double)
    {
        ArgumentNullException.ThrowIfNull(vector);
        return new StoredTensor([vector.Count], vector.ToArray(), precision);
    }

    /// <summary>A tensor of two dimensions as a matrix, fresh. Cost O(numbers).</summary>
    /// <exception cref="InvalidOperationException">There are not two dimensions.</exception>
    public Matrix<double> ToMatrix() => Shape.Count == 2
        ? Matrix<double>.Build.DenseOfRowMajor(Shape[0], Shape[1], _values)
        : throw new InvalidOperationException($"Expected a tensor of two dimensions, got one of {Shape.Count}.");

    /// <summary>The shape and the format, for a debugger.</summary>
    public override string ToString() => $"StoredTensor ({ShapeText}, {Format})";

    /// <summary>The product of the sizes; −1 where it is more than an array holds.</summary>
    internal static int CountOf(IReadOnlyList<int> shape)
    {
        if (shape.Contains(0))
        {
            return 0;
        }
        long count = 1;
        foreach (int size in shape)
        {
            count *= size;
            if (count > Array.MaxLength)
            {
                return -1;
            }
        }
        return (int)count;
    }

    private static int[] Checked(IReadOnlyList<int> shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return shape.Any(size => size < 0)
            ? throw Guard.Error(nameof(shape), $"expected sizes of at least 0, got {string.Join('×', shape)}.")
            : [.. shape];
    }

    private static FloatFormat FormatOf(Precision precision)
    {
        Guard.Defined(precision, nameof(precision));
        return precision == Precision.Single ? FloatFormat.Float32 : FloatFormat.Float64;
    }

    private static void Round(double[] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            float rounded = (float)values[i];
            if (float.IsInfinity(rounded) && double.IsFinite(values[i]))
            {
                throw Guard.Error(
                    nameof(values),
                    $"expected numbers in the range of float, got {NumberText.Exact(values[i])} "
                    + $"at index {i} (from 0).");
            }
            values[i] = rounded;
        }
    }
}
