// Many columns side by side, replaced by few that have the same outer product. Knows no RNN.

using Bptt.Kernels;

namespace Bptt.LinearAlgebra;

/// <summary>F with F Fᵀ = Σ s sᵀ over any number of columns s of length n, in n columns: the triangular factor of the
/// columns' LQ factorisation by Householder reflections, brought up to date whenever a number of columns has come
/// together.</summary>
internal sealed class ColumnCompression
{
    private readonly int _length;
    private readonly int _capacity;
    private readonly double[] _rows; // entry i of all columns lies together; the first n of them are F so far
    private int _count;

    /// <param name="length">n.</param>
    public ColumnCompression(int length)
    {
        _length = length;
        _capacity = length + Math.Max(2 * length, 32);
        _rows = new double[(long)_capacity * length];
        _count = length;
    }

    /// <summary>Adds a column. Cost O(n²) on average.</summary>
    public void Add(ReadOnlySpan<double> column)
    {
        if (_count == _capacity)
        {
            Triangularise();
        }
        for (int i = 0; i < _length; i++)
        {
            _rows[i * _capacity + _count] = column[i];
        }
        _count++;
    }

    /// <summary>Adds a product with a column.</summary>
    public void Add(KernelSet kernels, MatrixView a, MatrixView column)
    {
        double[] product = new double[_length];
        kernels.Multiply(a, column, new MatrixSpan(product, _length, 1, _length));
        Add(product);
    }

    /// <summary>F, n×n, column-major.</summary>
    public double[] Result()
    {
        Triangularise();
        double[] columns = new double[_length * _length];
        for (int i = 0; i < _length; i++)
        {
            for (int j = 0; j < _length; j++)
            {
                columns[j * _length + i] = _rows[i * _capacity + j];
            }
        }
        return columns;
    }

    /// <summary>The columns themselves where they are no more than rows, else their compression.</summary>
    public static ScaledMatrix Of(ScaledMatrix columns)
    {
        if (columns.Columns <= columns.Rows)
        {
            return columns;
        }
        var compression = new ColumnCompression(columns.Rows);
        for (int j = 0; j < columns.Columns; j++)
        {
            compression.Add(columns.Values.Slice(j * columns.Rows, columns.Rows));
        }
        return ScaledMatrix.Take(compression.Result(), columns.Rows, columns.Exponent);
    }

    /// <summary>Reflects from the right, so that row i keeps its norm and ends at the diagonal.</summary>
    private void Triangularise()
    {
        for (int k = 0; k < _length; k++)
        {
            Span<double> pivot = _rows.AsSpan(k * _capacity + k, _count - k);
            double norm = VectorMath.Norm(pivot);
            if (norm == 0.0)
            {
                continue;
            }
            // v = x ± ‖x‖ e_1, scaled so that ‖v‖² = 2: row − (row·v) v is the reflection.
            double head = pivot[0] >= 0.0 ? -norm : norm;
            pivot[0] -= head;
            VectorMath.Scale(Math.Sqrt(2.0) / VectorMath.Norm(pivot), pivot);
            for (int i = k + 1; i < _length; i++)
            {
                Span<double> row = _rows.AsSpan(i * _capacity + k, _count - k);
                VectorMath.AddScaled(-VectorMath.Dot(row, pivot), pivot, row);
            }
            pivot.Clear();
            pivot[0] = head;
        }
        _count = _length;
    }
}
