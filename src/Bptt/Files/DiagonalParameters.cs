// The parameters of LRU and S5 layers, as their codes name and keep them, made λ, B, C and D.

using MathNet.Numerics.LinearAlgebra;
using Complex = System.Numerics.Complex;

namespace Bptt.Files;

internal sealed class DiagonalParameters
{
    private readonly IReadOnlyDictionary<string, StoredTensor> _tensors;
    private readonly string _prefix;

    public DiagonalParameters(IReadOnlyDictionary<string, StoredTensor> tensors, string prefix)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(prefix);
        _tensors = tensors;
        _prefix = prefix;
    }

    /// <inheritdoc cref="DiagonalRnn.OfLru"/>
    public DiagonalRnn Lru()
    {
        double[] nu = Column("nu_log", -1);
        int n = nu.Length;
        double[] theta = Column("theta_log", n);
        double[] gamma = Column("gamma_log", n);
        Matrix<double> bRe = Matrix("B_re", n, -1);
        Matrix<double> bIm = Matrix("B_im", n, bRe.ColumnCount);
        Matrix<double> cRe = Matrix("C_re", -1, n);
        Matrix<double> cIm = Matrix("C_im", cRe.RowCount, n);
        return Layer(
            [.. nu.Select((value, k) => Complex.Exp(new Complex(-Math.Exp(value), Math.Exp(theta[k]))))],
            Build(n, bRe.ColumnCount, (k, j) => Math.Exp(gamma[k]) * new Complex(bRe[k, j], bIm[k, j])),
            Build(cRe.RowCount, n, (i, k) => new Complex(cRe[i, k], cIm[i, k])));
    }

    /// <inheritdoc cref="DiagonalRnn.OfS5"/>
    public DiagonalRnn S5(S5Options options)
    {
        double[] real = Column("Lambda_re", -1);
        int n = real.Length;
        double[] imaginary = Column("Lambda_im", n);
        double[] logStep = Column("log_step", n);
        Matrix<Complex> b = Pairs("B", n, isRows: true);
        Matrix<Complex> c = Pairs("C", n, isRows: false);
        var eigenvalues = new Complex[n];
        var drive = new Complex[n];
        for (int k = 0; k < n; k++)
        {
            var value = new Complex(options.ClipsEigenvalues ? Math.Min(real[k], -1e-4) : real[k], imaginary[k]);
            double step = options.StepScale * Math.Exp(logStep[k]);
            if (options.Discretization == S5Discretization.Bilinear)
            {
                Complex below = 1.0 - 0.5 * step * value;
                eigenvalues[k] = (1.0 + 0.5 * step * value) / below;
                drive[k] = step / below;
            }
            else
            {
                eigenvalues[k] = Complex.Exp(value * step);
                drive[k] = value == Complex.Zero ? step : (eigenvalues[k] - 1.0) / value;
            }
        }
        double both = options.HasConjugateHalf ? 2.0 : 1.0;
        return Layer(
            eigenvalues,
            Build(n, b.ColumnCount, (k, j) => drive[k] * b[k, j]),
            Build(c.RowCount, n, (i, k) => both * c[i, k]));
    }

    private DiagonalRnn Layer(Complex[] eigenvalues, Matrix<Complex> b, Matrix<Complex> c)
    {
        if (b.ColumnCount != c.RowCount)
        {
            throw new InvalidDataException(
                $"{_prefix}D: expected as many inputs as outputs, which it joins one to one, "
                + $"got {b.ColumnCount} and {c.RowCount}.");
        }
        double[] d = Column("D", b.ColumnCount);
        try
        {
            return new DiagonalRnn(
                Vector<Complex>.Build.Dense(eigenvalues), b, c, Matrix<double>.Build.DenseOfDiagonalArray(d));
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(
                $"{_prefix}*: expected parameters that make finite numbers, got others.", e);
        }
    }

    private StoredTensor Tensor(string name) => _tensors.TryGetValue(_prefix + name, out StoredTensor? tensor)
        ? tensor
        : throw new InvalidDataException($"expected a tensor '{_prefix}{name}', got none of that name.");

    /// <summary>A vector of a length, or of any but zero where that is −1; one of n×1 counts as one.</summary>
    private double[] Column(string name, int length)
    {
        StoredTensor tensor = Tensor(name);
        Require(
            tensor.Shape is [_] or [_, 1] && (length < 0 ? tensor.Shape[0] > 0 : tensor.Shape[0] == length),
            name, length < 0 ? "n" : $"{length}", tensor);
        return tensor.Values.ToArray();
    }

    /// <summary>A matrix; −1 stands for any number of rows or columns but zero.</summary>
    private Matrix<double> Matrix(string name, int rows, int columns)
    {
        StoredTensor tensor = Tensor(name);
        Require(
            tensor.Shape is [> 0 and var r, > 0 and var c] && (rows < 0 || r == rows) && (columns < 0 || c == columns),
            name, $"{(rows < 0 ? "q" : $"{rows}")}×{(columns < 0 ? "d" : $"{columns}")}", tensor);
        return tensor.ToMatrix();
    }

    /// <summary>A matrix of real and imaginary parts, with n rows or n columns.</summary>
    private Matrix<Complex> Pairs(string name, int n, bool isRows)
    {
        StoredTensor tensor = Tensor(name);
        Require(
            tensor.Shape is [> 0 and var rows, > 0 and var columns, 2] && (isRows ? rows : columns) == n,
            name, isRows ? $"{n}×d×2" : $"q×{n}×2", tensor);
        double[] values = tensor.Values.ToArray();
        int width = tensor.Shape[1];
        return Build(tensor.Shape[0], width, (i, j) =>
            new Complex(values[2 * (i * width + j)], values[2 * (i * width + j) + 1]));
    }

    private void Require(bool fits, string name, string expected, StoredTensor got)
    {
        if (!fits)
        {
            throw new InvalidDataException($"{_prefix}{name}: expected the shape {expected}, got {got.ShapeText}.");
        }
    }

    private static Matrix<Complex> Build(int rows, int columns, Func<int, int, Complex> entry) =>
        Matrix<Complex>.Build.Dense(rows, columns, entry);
}
