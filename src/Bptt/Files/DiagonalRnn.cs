// A linear recurrence in the eigenvectors of its matrix, complex numbers and all, as LRU and S5 have it; and the same
// network in real numbers. It trains nothing.
//
//   d  inputs      n  complex states      q  outputs

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;
using Complex = System.Numerics.Complex;

namespace Bptt.Files;

/// <summary>
/// The diagonal recurrence s_t = λ ⊙ s_{t−1} + B x_t, o_t = Re(C s_t) + D x_t from s_0 = 0, with complex λ, B and C:
/// one layer of the Linear Recurrent Unit (Orvieto and others 2023) or of S5 (Smith and others 2023), without what
/// stands between layers. Immutable.
/// </summary>
/// <example>
/// <code>
/// // A layer that JAX has trained, as arrays in a .npz file, read as an exact real network.
/// var file = new MemoryStream();
/// NumPyFile.SaveArchive(file, new Dictionary&lt;string, StoredTensor&gt;
/// {
///     ["nu_log"] = new([1], [-2.0]),
///     ["theta_log"] = new([1], [-1.0]),
///     ["gamma_log"] = new([1], [-0.5]),
///     ["B_re"] = new([1, 1], [1.0]),
///     ["B_im"] = new([1, 1], [0.0]),
///     ["C_re"] = new([1, 1], [2.0]),
///     ["C_im"] = new([1, 1], [-1.0]),
///     ["D"] = new([1], [0.5]),
/// });
/// file.Position = 0;
/// var layer = DiagonalRnn.OfLru(NumPyFile.LoadArchive(file));
/// var real = layer.ToLinearRnn();
/// Console.WriteLine($"|λ| = {layer.Eigenvalues[0].Magnitude:F4}, {real.HiddenSize} real hidden units");
/// </code>
/// </example>
public sealed class DiagonalRnn
{
    private readonly Vector<Complex> _eigenvalues;
    private readonly Matrix<Complex> _b;
    private readonly Matrix<Complex> _c;
    private readonly Matrix<double> _d;

    /// <summary>Creates a layer from its numbers, which are copied. Cost O(n(d + q)).</summary>
    /// <param name="eigenvalues">λ, length n.</param>
    /// <param name="b">B, n×d.</param>
    /// <param name="c">C, q×n.</param>
    /// <param name="d">D, q×d: from the input to the output of the same step; zero where null.</param>
    /// <exception cref="ArgumentNullException">λ, B or C is null.</exception>
    /// <exception cref="ArgumentException">One is empty, shapes do not fit each other, or a number is NaN or
    /// infinite.</exception>
    public DiagonalRnn(
        Vector<Complex> eigenvalues, Matrix<Complex> b, Matrix<Complex> c, Matrix<double>? d = null)
    {
        ArgumentNullException.ThrowIfNull(eigenvalues);
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(c);
        int n = eigenvalues.Count;
        Require(n > 0 && b.ColumnCount > 0 && c.RowCount > 0, nameof(eigenvalues), "at least one λ, input and output");
        Require(b.RowCount == n, nameof(b), $"n×d with {n} rows (n), got {b.RowCount}");
        Require(c.ColumnCount == n, nameof(c), $"q×n with {n} columns (n), got {c.ColumnCount}");
        Require(eigenvalues.All(Complex.IsFinite), nameof(eigenvalues), "finite numbers");
        Require(b.Enumerate().All(Complex.IsFinite), nameof(b), "finite numbers");
        Require(c.Enumerate().All(Complex.IsFinite), nameof(c), "finite numbers");
        if (d is not null)
        {
            Guard.Shape(d, c.RowCount, b.ColumnCount, "q×d", nameof(d));
            Guard.Finite(d, nameof(d));
        }
        _eigenvalues = eigenvalues.Clone();
        _b = b.Clone();
        _c = c.Clone();
        _d = d?.Clone() ?? Matrix<double>.Build.Dense(c.RowCount, b.ColumnCount);
    }

    /// <summary>λ, length n; every call makes an independent copy.</summary>
    public Vector<Complex> Eigenvalues => _eigenvalues.Clone();

    /// <summary>B, n×d; every call makes an independent copy.</summary>
    public Matrix<Complex> B => _b.Clone();

    /// <summary>C, q×n; every call makes an independent copy.</summary>
    public Matrix<Complex> C => _c.Clone();

    /// <summary>D, q×d; every call makes an independent copy.</summary>
    public Matrix<double> D => _d.Clone();

    /// <summary>A layer of the Linear Recurrent Unit: λ = exp(−exp(<c>nu_log</c>) + i exp(<c>theta_log</c>)), B =
    /// exp(<c>gamma_log</c>) ⊙ (<c>B_re</c> + i <c>B_im</c>) by rows, C = <c>C_re</c> + i <c>C_im</c>, D the diagonal
    /// matrix of <c>D</c>. Cost O(n(d + q)).</summary>
    /// <param name="tensors">The parameters by their names: <c>nu_log</c>, <c>theta_log</c>, <c>gamma_log</c> (n),
    /// <c>B_re</c>, <c>B_im</c> (n×d), <c>C_re</c>, <c>C_im</c> (q×n), <c>D</c> (d, where d = q), each behind the
    /// prefix. Others are left out.</param>
    /// <param name="prefix">What stands before each name, such as <c>layers_0.seq.</c>; nothing where empty.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidDataException">A tensor is not there, its shape does not fit, or numbers are not
    /// finite.</exception>
    public static DiagonalRnn OfLru(IReadOnlyDictionary<string, StoredTensor> tensors, string prefix = "") =>
        new DiagonalParameters(tensors, prefix).Lru();

    /// <summary>A layer of S5: <c>Lambda_re</c> + i <c>Lambda_im</c> and <c>B</c> of the system in continuous time,
    /// made one of steps of length exp(<c>log_step</c>) as the options tell. Cost O(n(d + q)).</summary>
    /// <param name="tensors">The parameters by their names: <c>Lambda_re</c>, <c>Lambda_im</c> (n), <c>log_step</c> (n
    /// or n×1), <c>B</c> (n×d×2), <c>C</c> (q×n×2), <c>D</c> (d, where d = q), each behind the prefix. Others are left
    /// out.</param>
    /// <param name="options">How the layer was made; as its authors' code where nobody tells.</param>
    /// <param name="prefix">What stands before each name; nothing where empty.</param>
    /// <exception cref="ArgumentNullException">The tensors or the prefix are null.</exception>
    /// <exception cref="InvalidDataException">A tensor is not there, its shape does not fit, or numbers are not
    /// finite.</exception>
    public static DiagonalRnn OfS5(
        IReadOnlyDictionary<string, StoredTensor> tensors, S5Options? options = null, string prefix = "") =>
        new DiagonalParameters(tensors, prefix).S5(options ?? new S5Options());

    /// <summary>
    /// The same network in real numbers, with no arithmetic but copying: a state a + bi is two hidden units, which λ
    /// turns and shrinks by the block [Re λ, −Im λ; Im λ, Re λ]; a state that stays real is one. What D passes on is
    /// held by units of its own, for the rows of D that are not zero or for its columns, whichever are fewer.
    /// </summary>
    /// <returns>A network of at most 2n + min(d, q) hidden units, to be run from h_0 = 0. Cost O((n + min(d, q))·(n + d
    /// + q)).</returns>
    public LinearRnn ToLinearRnn()
    {
        bool[] isReal = [.. _eigenvalues.Select((value, k) =>
            value.Imaginary == 0.0 && _b.Row(k).All(entry => entry.Imaginary == 0.0))];
        int[] rows = [.. Enumerable.Range(0, _d.RowCount).Where(i => _d.Row(i).Any(entry => entry != 0.0))];
        int[] columns = [.. Enumerable.Range(0, _d.ColumnCount).Where(j => _d.Column(j).Any(entry => entry != 0.0))];
        bool holdsOutputs = rows.Length <= columns.Length;
        int added = Math.Min(rows.Length, columns.Length);
        int h = isReal.Sum(real => real ? 1 : 2) + added;
        var whx = Matrix<double>.Build.Dense(h, _b.ColumnCount);
        var whh = Matrix<double>.Build.Dense(h, h);
        var wqh = Matrix<double>.Build.Dense(_c.RowCount, h);
        int at = 0;
        for (int k = 0; k < isReal.Length; k++)
        {
            Complex value = _eigenvalues[k];
            whh[at, at] = value.Real;
            whx.SetRow(at, _b.Row(k).Map(entry => entry.Real));
            wqh.SetColumn(at, _c.Column(k).Map(entry => entry.Real));
            if (!isReal[k])
            {
                whh[at + 1, at + 1] = value.Real;
                whh[at, at + 1] = -value.Imaginary;
                whh[at + 1, at] = value.Imaginary;
                whx.SetRow(at + 1, _b.Row(k).Map(entry => entry.Imaginary));
                wqh.SetColumn(at + 1, _c.Column(k).Map(entry => -entry.Imaginary));
            }
            at += isReal[k] ? 1 : 2;
        }
        for (int k = 0; k < added; k++, at++)
        {
            if (holdsOutputs)
            {
                whx.SetRow(at, _d.Row(rows[k]));
                wqh[rows[k], at] = 1.0;
            }
            else
            {
                whx[at, columns[k]] = 1.0;
                wqh.SetColumn(at, _d.Column(columns[k]));
            }
        }
        return new LinearRnn(whx, whh, wqh);
    }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() =>
        $"DiagonalRnn (n = {_eigenvalues.Count}, d = {_b.ColumnCount}, q = {_c.RowCount})";

    private static void Require(bool holds, string name, string expected)
    {
        if (!holds)
        {
            throw Guard.Error(name, $"expected {expected}.");
        }
    }
}
