// A matrix with an exponent of its own, so that neither its powers nor its factorisations overflow or vanish. Knows no
// RNN.

using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.LinearAlgebra;

/// <summary>M·2ᵉ, where the largest magnitude in M is from 1 to below 2; M = 0 for the zero matrix. Never
/// changes.</summary>
/// <remarks>Entries of M below 1e-290 are zero: so far below the largest one they are lost.</remarks>
internal sealed class ScaledMatrix
{
    private readonly double[] _values;

    /// <summary>Takes an array that nobody else writes to.</summary>
    private ScaledMatrix(double[] values, int rows, int columns, long exponent)
    {
        _values = values;
        Rows = rows;
        Columns = columns;
        double largest = VectorMath.MaxAbs(values);
        if (largest > 0.0)
        {
            int shift = VectorMath.Exponent(largest);
            if (shift != 0)
            {
                VectorMath.ScaleByPowerOfTwo(-shift, values);
            }
            KernelSet.FlushTiny(values);
            Exponent = exponent + shift;
        }
    }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>e; 0 for the zero matrix.</summary>
    public long Exponent { get; }

    /// <summary>M.</summary>
    public ReadOnlySpan<double> Values => _values;

    public bool IsZero => _values.Length == 0 || VectorMath.MaxAbs(_values) == 0.0;

    /// <summary>M to read.</summary>
    public MatrixView View => new(_values, Rows, Columns, Rows);

    /// <summary>log₂ of the Frobenius norm; −∞ for the zero matrix.</summary>
    public double Log2FrobeniusNorm => Math.Log2(VectorMath.Norm(_values)) + Exponent;

    /// <summary>log₂ of the spectral norm, the largest singular value; −∞ for the zero matrix. Cost O(n³).</summary>
    public double Log2Norm => Math.Log2(MantissaNorm) + Exponent;

    /// <summary>The spectral norm; +∞ or 0 where a double cannot hold it.</summary>
    public double Norm => Math.ScaleB(MantissaNorm, (int)Math.Clamp(Exponent, -100_000, 100_000));

    private double MantissaNorm => IsZero ? 0.0
        : Rows == 1 || Columns == 1 ? VectorMath.Norm(_values)
        : Matrix<double>.Build.Dense(Rows, Columns, _values).Svd(computeVectors: false).L2Norm;

    /// <summary>The same numbers as a view of finite ones.</summary>
    /// <param name="matrix">Copied.</param>
    /// <param name="exponent">The view's own exponent.</param>
    public static ScaledMatrix Of(MatrixView matrix, long exponent = 0)
    {
        double[] values = new double[matrix.Rows * matrix.Columns];
        for (int j = 0; j < matrix.Columns; j++)
        {
            for (int i = 0; i < matrix.Rows; i++)
            {
                values[j * matrix.Rows + i] = matrix.Values[i * matrix.RowStride + j * matrix.ColumnStride];
            }
        }
        return new ScaledMatrix(values, matrix.Rows, matrix.Columns, exponent);
    }

    /// <summary>Takes columns side by side that nobody else writes to.</summary>
    public static ScaledMatrix Take(double[] columns, int rows, long exponent = 0) =>
        new(columns, rows, columns.Length / rows, exponent);

    public static ScaledMatrix Identity(int size)
    {
        double[] values = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            values[i * (size + 1)] = 1.0;
        }
        return new ScaledMatrix(values, size, size, 0);
    }

    /// <summary>What factorisations of the matrix and the products that follow lose at most, relative to its
    /// norm.</summary>
    public double Rounding => 16.0 * MachineEpsilon.OfDouble * Rows;

    /// <summary>M, fresh.</summary>
    public Matrix<double> ToMantissa() => Matrix<double>.Build.Dense(Rows, Columns, [.. _values]);

    /// <summary>M = U Σ Vᵀ. Cost about 20n³.</summary>
    /// <exception cref="ArithmeticException">The iteration does not converge.</exception>
    public Svd<double> Svd()
    {
        try
        {
            return ToMantissa().Svd();
        }
        catch (NonConvergenceException e)
        {
            throw new ArithmeticException(
                $"The singular values of a {Rows}×{Columns} matrix: the iteration does not converge.", e);
        }
    }

    /// <summary>s·2ᵉ over a bound, for a number s that belongs to M, such as a singular value; +∞ where it is beyond
    /// the largest double.</summary>
    public double Ratio(double ofMantissa, double bound)
    {
        int exponent = VectorMath.Exponent(bound);
        return Math.ScaleB(ofMantissa / Math.ScaleB(bound, -exponent), (int)Exponent - exponent);
    }

    /// <summary>The product. Cost 2·rows·columns·inner size.</summary>
    public ScaledMatrix Times(ScaledMatrix right, KernelSet kernels)
    {
        double[] values = new double[Rows * right.Columns];
        kernels.Multiply(View, right.View, new MatrixSpan(values, Rows, right.Columns, Rows));
        return new ScaledMatrix(values, Rows, right.Columns, Exponent + right.Exponent);
    }

    /// <summary>A matrix S of at most as many columns as rows with the same S Sᵀ: the matrix itself where it has no
    /// more.</summary>
    public ScaledMatrix Compressed() =>
        Columns <= Rows ? this : Take(TriangularFactor.OuterFactorOf(_values, Rows), Rows, Exponent);

    /// <summary>Both side by side, in the larger exponent.</summary>
    public ScaledMatrix Beside(ScaledMatrix right)
    {
        if (IsZero || right.IsZero)
        {
            return IsZero ? right : this;
        }
        double[] values = [.. _values, .. right._values];
        long exponent = Math.Max(Exponent, right.Exponent);
        VectorMath.ScaleByPowerOfTwo(Shift(Exponent), values.AsSpan(0, _values.Length));
        VectorMath.ScaleByPowerOfTwo(Shift(right.Exponent), values.AsSpan(_values.Length));
        return new ScaledMatrix(values, Rows, Columns + right.Columns, exponent);

        int Shift(long from) => (int)Math.Max(from - exponent, -10_000);
    }

    /// <summary>The sum.</summary>
    public ScaledMatrix Plus(ScaledMatrix right)
    {
        if (IsZero || right.IsZero)
        {
            return IsZero ? right : this;
        }
        ScaledMatrix both = Beside(right);
        double[] sum = both._values[.._values.Length];
        VectorMath.AddScaled(1.0, both.Values[_values.Length..], sum);
        return new ScaledMatrix(sum, Rows, Columns, both.Exponent);
    }

    /// <summary>Some rows, in the order given.</summary>
    public ScaledMatrix Part(int[] rows) => Part(rows, [.. Enumerable.Range(0, Columns)]);

    /// <summary>Some rows and columns, in the order given.</summary>
    public ScaledMatrix Part(int[] rows, int[] columns)
    {
        double[] values = new double[rows.Length * columns.Length];
        for (int j = 0; j < columns.Length; j++)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                values[j * rows.Length + i] = _values[columns[j] * Rows + rows[i]];
            }
        }
        return new ScaledMatrix(values, rows.Length, columns.Length, Exponent);
    }
}
