// A QR factorisation whose rows come one by one or in blocks: only the triangle is kept, and least squares and outer
// products are read off it. Knows no model.
//
//   A  any number of rows, n columns      B  as many rows, p columns: the right-hand sides

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.LinearAlgebra;

/// <summary>
/// R and Z = QᵀB of the QR factorisation A = QR, updated block by block: R ← QR([R; block]) by Householder reflections,
/// so that A is never whole and is never squared, as in normal equations (Golub &amp; Van Loan, <i>Matrix
/// Computations</i>, 5.2 and 12.5). It serves three ends: least squares over many rows, since ‖A X − B‖² is ‖R X − Z‖²
/// up to a constant; least squares with damping, each λ for one more elimination, of [R; √λ I] (Moré, "The
/// Levenberg-Marquardt algorithm", 1978); and few columns in the place of many with the same outer product, since
/// AᵀA = RᵀR.
/// </summary>
/// <remarks>A block of m rows costs 2mn(n + p) operations, a damping about n³: less than a singular value
/// decomposition, which would make each damping cost n².</remarks>
internal sealed class TriangularFactor
{
    private const int EntriesOfBlock = 1 << 15;
    private const int FewestRows = 16;
    private const int MostRows = 256;

    /// <summary>Of the square of a column what those before it must leave, for sums of products to hold it to half of
    /// the digits.</summary>
    private const double LeastPart = 1e-8;

    private readonly int _width;     // n + p: the last columns are Z
    private readonly double[] _rows; // R and Z, row by row: n × (n + p)
    private double[] _block = [];    // rows added one by one, column by column; made for the first of them
    private int _filled;             // how many rows are in it
    private double[]? _damped;       // R and Z of [R; √λ I]
    private double[]? _damping;      // √λ I, column by column, as it is eliminated

    /// <param name="unknowns">n.</param>
    /// <param name="rightSides">p.</param>
    public TriangularFactor(int unknowns, int rightSides = 1)
    {
        Unknowns = unknowns;
        _width = unknowns + rightSides;
        _rows = new double[unknowns * _width];
    }

    /// <summary>n.</summary>
    public int Unknowns { get; }

    /// <summary>How many rows are best eliminated at once: a block of them stays in the cache.</summary>
    public int RowsOfBlock => Math.Clamp(EntriesOfBlock / Math.Max(1, Unknowns), FewestRows, MostRows);

    /// <summary>F, n×n column after column, with F Fᵀ = S Sᵀ for any number of columns S.</summary>
    /// <param name="columns">S, side by side.</param>
    /// <param name="rows">n.</param>
    public static double[] OuterFactorOf(ReadOnlySpan<double> columns, int rows)
    {
        var factor = new TriangularFactor(rows, rightSides: 0);
        for (int i = 0; i < columns.Length; i += rows)
        {
            factor.Add(columns.Slice(i, rows));
        }
        return factor.OuterFactor();
    }

    /// <summary>Forgets every row.</summary>
    public void Clear()
    {
        Array.Clear(_rows);
        Array.Clear(_block);
        _filled = 0;
    }

    /// <summary>A row with one entry, for an unknown that has had no row yet.</summary>
    public void SetDiagonal(int unknown, double entry, double right)
    {
        _rows[unknown * _width + unknown] = entry;
        _rows[unknown * _width + Unknowns] = right;
    }

    /// <summary>Adds rows.</summary>
    /// <param name="block">Column by column, rows × (n + p), right-hand sides last; overwritten.</param>
    /// <param name="rows">How many.</param>
    public void Add(Span<double> block, int rows) => Eliminate(_rows, block, rows, heightOfFirst: rows);

    /// <summary>Adds a row, n + p numbers. Cost 2n(n + p) on average.</summary>
    public void Add(ReadOnlySpan<double> row)
    {
        int capacity = RowsOfBlock;
        if (_block.Length == 0)
        {
            _block = new double[capacity * _width];
        }
        if (_filled == capacity)
        {
            EliminateBlock();
        }
        for (int j = 0; j < _width; j++)
        {
            _block[j * capacity + _filled] = row[j];
        }
        _filled++;
    }

    /// <summary>R, n×n upper triangular, fresh.</summary>
    public Matrix<double> Triangle()
    {
        EliminateBlock();
        return Matrix<double>.Build.Dense(Unknowns, Unknowns, (i, j) => _rows[i * _width + j]);
    }

    /// <summary>Z, n×p, fresh.</summary>
    public Matrix<double> RightSides()
    {
        EliminateBlock();
        return Matrix<double>.Build.Dense(Unknowns, _width - Unknowns, (i, j) => _rows[i * _width + Unknowns + j]);
    }

    /// <summary>Forgets every row and takes R and Z from sums of products, where these hold half of the digits of every
    /// column beyond those before it.</summary>
    /// <param name="gram">[A B]ᵀ[A B], (n + p)×(n + p).</param>
    /// <returns>Whether they do; where not, it holds no row.</returns>
    public bool TrySetGram(ReadOnlySpan<double> gram)
    {
        Clear();
        for (int i = 0; i < Unknowns; i++)
        {
            Span<double> row = _rows.AsSpan(i * _width + i, _width - i);
            gram.Slice(i * _width + i, _width - i).CopyTo(row);
            double whole = row[0];
            for (int k = 0; k < i; k++)
            {
                ReadOnlySpan<double> above = _rows.AsSpan(k * _width + i, _width - i);
                VectorMath.AddScaled(-above[0], above, row);
            }
            if (!(row[0] > LeastPart * whole) || !double.IsNormal(row[0]))
            {
                Clear();
                return false;
            }
            VectorMath.Scale(1.0 / Math.Sqrt(row[0]), row);
        }
        return true;
    }

    /// <summary>R and Z without the zeros: row i of [R Z] from its diagonal on, one behind the other.</summary>
    public double[] Packed()
    {
        EliminateBlock();
        double[] packed = new double[PackedLength];
        for (int i = 0, at = 0; i < Unknowns; at += _width - i, i++)
        {
            _rows.AsSpan(i * _width + i, _width - i).CopyTo(packed.AsSpan(at));
        }
        return packed;
    }

    /// <summary>Forgets every row and takes R and Z as <see cref="Packed"/> gives them.</summary>
    public void SetPacked(ReadOnlySpan<double> packed)
    {
        RequirePacked(packed);
        Clear();
        for (int i = 0, at = 0; i < Unknowns; at += _width - i, i++)
        {
            packed.Slice(at, _width - i).CopyTo(_rows.AsSpan(i * _width + i));
        }
    }

    /// <summary>Adds the rows behind another factor, as its <see cref="Packed"/> gives it. Cost about n³.</summary>
    public void AddPacked(ReadOnlySpan<double> packed)
    {
        RequirePacked(packed);
        EliminateBlock();
        double[] block = new double[_rows.Length]; // column by column
        for (int i = 0, at = 0; i < Unknowns; i++)
        {
            for (int j = i; j < _width; j++)
            {
                block[j * Unknowns + i] = packed[at++];
            }
        }
        Eliminate(_rows, block, Unknowns, heightOfFirst: 1);
    }

    private int PackedLength => Unknowns * _width - Unknowns * (Unknowns - 1) / 2;

    private void RequirePacked(ReadOnlySpan<double> packed)
    {
        if (packed.Length != PackedLength)
        {
            throw new ArgumentException($"expected a factor of {PackedLength} numbers, got {packed.Length}.");
        }
    }

    /// <summary>F = Rᵀ, n×n column after column, fresh: F Fᵀ = AᵀA, the sum of the outer products of all rows. Without
    /// right-hand sides.</summary>
    public double[] OuterFactor()
    {
        EliminateBlock();
        return [.. _rows];
    }

    /// <summary>The shortest X that minimises ‖A X − B‖, n×p. Cost p n², and about 20n³ where columns depend on each
    /// other.</summary>
    public Matrix<double> ShortestSolution() => LeastSquares.ShortestOfTriangle(Triangle(), RightSides());

    /// <summary>A row of R, with zeros before its diagonal.</summary>
    public ReadOnlySpan<double> Row(int row)
    {
        EliminateBlock();
        return _rows.AsSpan(row * _width, Unknowns);
    }

    /// <summary>x = −(AᵀA + λI)⁻¹ g, with g = Aᵀb + what is given beside it, for one right-hand side b.</summary>
    /// <param name="damping">λ, above 0.</param>
    /// <param name="gradient">g where it is more than Aᵀb; empty where it is not.</param>
    /// <param name="step">Receives x; not finite where the numbers overflow.</param>
    public void Solve(double damping, ReadOnlySpan<double> gradient, Span<double> step)
    {
        EliminateBlock();
        int n = Unknowns;
        _damped ??= new double[_rows.Length];
        _damping ??= new double[_rows.Length];
        _rows.CopyTo(_damped, 0);
        Array.Clear(_damping);
        for (int i = 0; i < n; i++)
        {
            _damping[i * n + i] = Math.Sqrt(damping);
        }
        Eliminate(_damped, _damping, n, heightOfFirst: 1);

        for (int i = 0; i < n; i++)
        {
            step[i] = _damped[i * _width + n];
        }
        if (!gradient.IsEmpty)
        {
            AddUnreached(_damped, gradient, step);
        }
        for (int i = n - 1; i >= 0; i--)
        {
            ReadOnlySpan<double> row = _damped.AsSpan(i * _width, n);
            step[i] = -(step[i] + VectorMath.Dot(row[(i + 1)..], step[(i + 1)..n])) / row[i];
        }
    }

    /// <summary>z ← z + R⁻ᵀ(g − Rᵀz), for the damped R and z: what of g is no Aᵀb.</summary>
    private void AddUnreached(double[] damped, ReadOnlySpan<double> gradient, Span<double> z)
    {
        int n = Unknowns;
        double[] rest = gradient.ToArray();
        for (int i = 0; i < n; i++)
        {
            VectorMath.AddScaled(-z[i], damped.AsSpan(i * _width + i, n - i), rest.AsSpan(i));
        }
        for (int i = 0; i < n; i++)
        {
            double entry = rest[i] / damped[i * _width + i];
            VectorMath.AddScaled(-entry, damped.AsSpan(i * _width + i, n - i), rest.AsSpan(i));
            z[i] += entry;
        }
    }

    /// <summary>Takes in the rows that were added one by one.</summary>
    private void EliminateBlock()
    {
        if (_filled > 0)
        {
            Eliminate(_rows, _block, RowsOfBlock, heightOfFirst: RowsOfBlock); // rows that are not filled are zero
            Array.Clear(_block);
            _filled = 0;
        }
    }

    /// <summary>Reflections that make [rows; block] triangular again, one for each column.</summary>
    /// <param name="target">The triangle, row by row.</param>
    /// <param name="block">Column by column.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <param name="heightOfFirst">The rows in which the first column is not zero; each further one may have one
    /// more.</param>
    private void Eliminate(double[] target, Span<double> block, int rows, int heightOfFirst)
    {
        Span<double> factors = stackalloc double[Reflectors.Count];
        for (int first = 0; first < Unknowns; first += Reflectors.Count)
        {
            // The last few columns are reflected one by one; so are the four of a panel among themselves.
            int last = Math.Min(first + Reflectors.Count, Unknowns);
            bool isPanel = last - first == Reflectors.Count;
            for (int j = first; j < last; j++)
            {
                int height = Math.Min(heightOfFirst + j, rows);
                factors[j - first] = Reflect(
                    target.AsSpan(j * _width, _width), block, rows, height, j, isPanel ? last : _width);
            }
            if (isPanel)
            {
                int height = Math.Min(heightOfFirst + last - 1, rows);
                var reflectors = new Reflectors(block[(first * rows)..], rows, height, factors);
                for (int k = last; k < _width; k++)
                {
                    reflectors.Apply(
                        ref target[first * _width + k],
                        ref target[(first + 1) * _width + k],
                        ref target[(first + 2) * _width + k],
                        ref target[(first + 3) * _width + k],
                        block.Slice(k * rows, height));
                }
            }
        }
    }

    /// <summary>The reflection that leaves nothing of a column below the triangle, applied to those behind it up to a
    /// column. In the place of the column stays v, with 1 for its entry in the triangle.</summary>
    /// <returns>f of I − f [1; v][1; v]ᵀ; 0 for none.</returns>
    private static double Reflect(Span<double> row, Span<double> block, int rows, int height, int j, int end)
    {
        Span<double> reflector = block.Slice(j * rows, height);
        double below = VectorMath.Norm(reflector);
        if (below < KernelSet.FlushThreshold)
        {
            return 0.0; // nothing, or what rounding has left of rows that depend on each other
        }
        double top = row[j];
        double norm = double.Hypot(top, below);
        double diagonal = top > 0.0 ? -norm : norm;
        VectorMath.Scale(1.0 / (top - diagonal), reflector);
        double factor = (diagonal - top) / diagonal;
        row[j] = diagonal;
        for (int k = j + 1; k < end; k++)
        {
            Span<double> column = block.Slice(k * rows, height);
            double weight = factor * (row[k] + VectorMath.Dot(reflector, column));
            row[k] -= weight;
            VectorMath.AddScaled(-weight, reflector, column);
        }
        return factor;
    }
}
