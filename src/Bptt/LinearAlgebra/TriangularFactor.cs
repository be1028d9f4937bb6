// A least-squares problem whose rows come in blocks, kept as one triangle. Knows no model.
//
//   n  unknowns      J  any number of rows, n columns      r  a number for each row

using Bptt.Kernels;

namespace Bptt.LinearAlgebra;

/// <summary>
/// R and z = Qᵀ r of the QR factorisation of J, updated block by block: R ← QR([R; block]) by Householder reflections,
/// so that J is never whole and is never squared. Then each damping λ takes one more elimination, of [R; √(λD)] (Golub
/// &amp; Van Loan, <i>Matrix Computations</i>, 5.2 and 12.5; Moré, "The Levenberg-Marquardt algorithm", 1978).
/// </summary>
/// <remarks>A block of m rows costs 2mn² operations, a damping about n³: less than a singular value decomposition,
/// which would make each damping cost n².</remarks>
internal sealed class TriangularFactor
{
    private readonly int _width;        // n + 1: the last column is z
    private readonly double[] _rows;    // R and z, row by row: n × (n + 1)
    private readonly double[] _damped;  // the same of [R; √(λD)]
    private readonly double[] _damping; // √(λD), column by column, as it is eliminated

    /// <param name="unknowns">n.</param>
    public TriangularFactor(int unknowns)
    {
        Unknowns = unknowns;
        _width = unknowns + 1;
        _rows = new double[unknowns * _width];
        _damped = new double[unknowns * _width];
        _damping = new double[unknowns * _width];
    }

    /// <summary>n.</summary>
    public int Unknowns { get; }

    /// <summary>Forgets every row.</summary>
    public void Clear() => Array.Clear(_rows);

    /// <summary>A row with one entry, for an unknown that has had no row yet.</summary>
    public void SetDiagonal(int unknown, double entry, double right)
    {
        _rows[unknown * _width + unknown] = entry;
        _rows[unknown * _width + Unknowns] = right;
    }

    /// <summary>Adds rows.</summary>
    /// <param name="block">Column by column, rows × (n + 1), the last column being r; overwritten.</param>
    /// <param name="rows">How many.</param>
    public void Add(Span<double> block, int rows) => Eliminate(_rows, block, rows, isTriangular: false);

    /// <summary>The largest ‖J e_i‖²; 0 without any row.</summary>
    public double LargestSquaredColumn()
    {
        double[] squares = new double[Unknowns];
        for (int i = 0; i < Unknowns; i++)
        {
            for (int j = i; j < Unknowns; j++)
            {
                double entry = _rows[i * _width + j];
                squares[j] += entry * entry;
            }
        }
        return squares.Max();
    }

    /// <summary>p = −(JᵀJ + λD)⁻¹ g, with g = Jᵀr + what is given beside it.</summary>
    /// <param name="damping">λ, above 0.</param>
    /// <param name="metric">The diagonal of D, above 0.</param>
    /// <param name="gradient">g where it is more than Jᵀr; empty where it is not.</param>
    /// <param name="step">Receives p; not finite where the numbers overflow.</param>
    public void Solve(double damping, ReadOnlySpan<double> metric, ReadOnlySpan<double> gradient, Span<double> step)
    {
        int n = Unknowns;
        _rows.CopyTo(_damped, 0);
        Array.Clear(_damping);
        for (int i = 0; i < n; i++)
        {
            _damping[i * n + i] = Math.Sqrt(damping * metric[i]);
        }
        Eliminate(_damped, _damping, n, isTriangular: true);

        for (int i = 0; i < n; i++)
        {
            step[i] = _damped[i * _width + n];
        }
        if (!gradient.IsEmpty)
        {
            AddUnreached(gradient, step);
        }
        for (int i = n - 1; i >= 0; i--)
        {
            ReadOnlySpan<double> row = _damped.AsSpan(i * _width, n);
            step[i] = -(step[i] + VectorMath.Dot(row[(i + 1)..], step[(i + 1)..n])) / row[i];
        }
    }

    /// <summary>z ← z + R⁻ᵀ(g − Rᵀz), for the damped R and z: what of g is no Jᵀr.</summary>
    private void AddUnreached(ReadOnlySpan<double> gradient, Span<double> z)
    {
        int n = Unknowns;
        double[] rest = gradient.ToArray();
        for (int i = 0; i < n; i++)
        {
            VectorMath.AddScaled(-z[i], _damped.AsSpan(i * _width + i, n - i), rest.AsSpan(i));
        }
        for (int i = 0; i < n; i++)
        {
            double entry = rest[i] / _damped[i * _width + i];
            VectorMath.AddScaled(-entry, _damped.AsSpan(i * _width + i, n - i), rest.AsSpan(i));
            z[i] += entry;
        }
    }

    /// <summary>Reflections that make [rows; block] triangular again, one for each column.</summary>
    /// <param name="target">The triangle, row by row.</param>
    /// <param name="block">Column by column.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="isTriangular">Whether column j of the block ends with row j.</param>
    private void Eliminate(double[] target, Span<double> block, int rows, bool isTriangular)
    {
        for (int j = 0; j < Unknowns; j++)
        {
            int height = isTriangular ? Math.Min(j + 1, rows) : rows;
            Span<double> reflector = block.Slice(j * rows, height);
            double below = VectorMath.Norm(reflector);
            if (below < KernelSet.FlushThreshold)
            {
                continue; // nothing, or what rounding has left of rows that depend on each other
            }
            Span<double> row = target.AsSpan(j * _width, _width);
            double top = row[j];
            double norm = double.Hypot(top, below);
            double diagonal = top > 0.0 ? -norm : norm;
            VectorMath.Scale(1.0 / (top - diagonal), reflector);
            double factor = (diagonal - top) / diagonal;
            row[j] = diagonal;
            for (int k = j + 1; k < _width; k++)
            {
                Span<double> column = block.Slice(k * rows, height);
                double weight = factor * (row[k] + VectorMath.Dot(reflector, column));
                row[k] -= weight;
                VectorMath.AddScaled(-weight, reflector, column);
            }
        }
    }
}
