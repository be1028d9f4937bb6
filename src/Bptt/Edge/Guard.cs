// Checks at the public edge. Each message names the parameter, what was expected and what came; inside the edge the
// code trusts.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Edge;

internal static class Guard
{
    /// <summary>A matrix of at least one row and one column.</summary>
    public static void NotEmpty(Matrix<double> matrix, string shape, string name)
    {
        ArgumentNullException.ThrowIfNull(matrix, name);
        if (matrix.RowCount == 0 || matrix.ColumnCount == 0)
        {
            throw Error(name, $"expected {shape} with at least one row and one column, got {Size(matrix)}.");
        }
    }

    /// <summary>A matrix of exactly the given size.</summary>
    public static void Shape(Matrix<double> matrix, int rows, int columns, string shape, string name)
    {
        ArgumentNullException.ThrowIfNull(matrix, name);
        if (matrix.RowCount != rows || matrix.ColumnCount != columns)
        {
            throw Error(name, $"expected {rows}×{columns} ({shape}), got {Size(matrix)}.");
        }
    }

    /// <summary>What a message ends with where a matrix was most likely given the other way round.</summary>
    public const string ColumnsAreSteps =
        "; columns are steps, so a matrix with a row for each step is to be transposed";

    /// <summary>Refuses a matrix of steps that looks as if it had a row for each step.</summary>
    public static void NotSteps(Matrix<double> matrix, int rows, string shape, string name)
    {
        if (matrix.RowCount != rows && matrix.ColumnCount == rows)
        {
            throw Error(
                name,
                $"expected {shape} with {rows} rows, got {matrix.RowCount}×{matrix.ColumnCount}{ColumnsAreSteps}.");
        }
    }

    /// <summary>A vector, or a span, of exactly the given length.</summary>
    public static void Length(int actual, int expected, string letter, string name)
    {
        if (actual != expected)
        {
            throw Error(name, $"expected length {expected} ({letter}), got {actual}.");
        }
    }

    /// <summary>Given data must be finite.</summary>
    public static void Finite(Matrix<double> matrix, string name) =>
        Finite(matrix.View(), name);

    /// <summary>Given data must be finite: a matrix whose columns lie side by side.</summary>
    public static void Finite(MatrixView matrix, string name)
    {
        int index = VectorMath.FirstNonFinite(matrix.Values);
        if (index >= 0)
        {
            throw NotFinite(
                name,
                matrix.Values[index],
                $"row {index % matrix.Rows}, column {index / matrix.Rows} (both from 0)");
        }
    }

    /// <inheritdoc cref="Finite(Matrix{double}, string)"/>
    public static void Finite(ReadOnlySpan<double> vector, string name)
    {
        int index = VectorMath.FirstNonFinite(vector);
        if (index >= 0)
        {
            throw NotFinite(name, vector[index], $"index {index} (from 0)");
        }
    }

    /// <summary>Given data must be finite: a column for each step.</summary>
    public static void Finite(PackedColumns columns, string name)
    {
        if (VectorMath.FirstNonFinite(columns.All.Values) < 0)
        {
            return;
        }
        for (int b = 0; b < columns.Layout.SequenceCount; b++)
        {
            for (int t = columns.Layout.FirstStep; t <= columns.Layout.Lengths[b]; t++)
            {
                ReadOnlySpan<double> column = columns.Column(b, t);
                int row = VectorMath.FirstNonFinite(column);
                if (row >= 0)
                {
                    throw NotFinite(name, column[row], $"sequence {b}, step {t}, row {row} (from 0)");
                }
            }
        }
    }

    public static ArgumentException NotFinite(string name, double value, string place) =>
        Error(name, $"expected finite numbers, got {NumberText.Exact(value)} at {place}.");

    /// <summary>The exception for an argument that does not fit.</summary>
    /// <param name="name">The parameter.</param>
    /// <param name="text">What was expected, and what came.</param>
    public static ArgumentException Error(string name, string text) => new($"{name}: {text}", name);

    /// <summary>A step index between the given bounds, both included.</summary>
    public static void Step(int step, int first, int last, string name)
    {
        if (step < first || step > last)
        {
            throw Range(name, $"expected a step from {first} to {last}, got {step}.");
        }
    }

    /// <summary>A sequence index of a batch.</summary>
    public static void Sequence(int sequence, int count, string name)
    {
        if (sequence < 0 || sequence >= count)
        {
            throw Range(name, $"expected a sequence from 0 to {count - 1}, got {sequence}.");
        }
    }

    /// <summary>The exception for a value outside its range.</summary>
    /// <param name="name">The parameter or property.</param>
    /// <param name="text">What was expected, and what came.</param>
    public static ArgumentOutOfRangeException Range(string name, string text) => new(name, $"{name}: {text}");

    /// <summary>A finite number above zero.</summary>
    public static void Positive(double value, string name)
    {
        if (!(value > 0.0) || !double.IsFinite(value))
        {
            throw Range(name, $"expected a finite number above 0, got {NumberText.Exact(value)}.");
        }
    }

    /// <summary>A finite number of at least zero.</summary>
    public static void NotNegative(double value, string name)
    {
        if (!(value >= 0.0) || !double.IsFinite(value))
        {
            throw Range(name, $"expected a finite number of at least 0, got {NumberText.Exact(value)}.");
        }
    }

    /// <summary>A decay rate: from 0 to below 1.</summary>
    public static void Decay(double value, string name)
    {
        if (!(value >= 0.0 && value < 1.0))
        {
            throw Range(name, $"expected a number from 0 to below 1, got {NumberText.Exact(value)}.");
        }
    }

    /// <summary>A value of an enumeration that has a name.</summary>
    public static void Defined<TEnum>(TEnum value, string name)
        where TEnum : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw Range(name, $"expected {string.Join(" or ", Enum.GetNames<TEnum>())}, got {value}.");
        }
    }

    /// <summary>A count of at least one.</summary>
    public static void AtLeastOne(int value, string name)
    {
        if (value < 1)
        {
            throw Range(name, $"expected at least 1, got {value}.");
        }
    }

    /// <summary>Two lists of sequence lengths that must agree.</summary>
    public static void SameLengths(
        IReadOnlyList<int> expected, IReadOnlyList<int> actual, string expectedName, string actualName, string name)
    {
        if (expected.Count != actual.Count)
        {
            throw Error(
                name,
                $"expected as many sequences as {expectedName}, {expected.Count}, "
                    + $"but {actualName} have {actual.Count}.");
        }
        for (int b = 0; b < expected.Count; b++)
        {
            if (expected[b] != actual[b])
            {
                throw Error(
                    name,
                    $"expected sequence {b} to be as long as in {expectedName}, {expected[b]} steps, "
                        + $"but {actualName} have {actual[b]}.");
            }
        }
    }

    private static string Size(Matrix<double> matrix) => $"{matrix.RowCount}×{matrix.ColumnCount}";
}
