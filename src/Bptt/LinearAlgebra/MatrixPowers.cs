// A¹, A², A⁴, … of one matrix, and from them any power and what bounds the powers between. Knows no RNN.

namespace Bptt.LinearAlgebra;

/// <summary>Powers of a square matrix by repeated squaring, computed when first needed; safe to use from many
/// threads.</summary>
/// <param name="a">A.</param>
/// <param name="kernels">What multiplies.</param>
/// <param name="isDefective">Whether A is defective to rounding: then rounding of its powers moves their eigenvalues by
/// far more than that of A, and only the first squares count as accurate.</param>
internal sealed class MatrixPowers(ScaledMatrix a, KernelSet kernels, bool isDefective = false)
{
    /// <summary>Aᵏ for k = 2^j is used up to this j: further on the rounding of A itself decides.</summary>
    public const int MaxLevel = 45;

    /// <summary>How many times the rounding of one product a power may be off, for each step that it stands for.
    /// Squaring loses digits where the square is much smaller than ‖·‖², as with a transient that fades (Moler &amp;
    /// Van Loan 2003).</summary>
    private const double MaxAmplification = 20.0;

    /// <summary>Entries that differ by more are lost to underflow when squared and scaled.</summary>
    private const double LeastRatio = 1e-60;

    private const int MaxLevelOfDefective = 2;

    private readonly Lock _gate = new();
    private readonly List<ScaledMatrix> _squares = [a];
    private readonly List<double> _log2Norms = [];
    private readonly List<double> _log2Bounds = [0.0];
    private double _amplification = SmallestRatio(a) < LeastRatio ? double.PositiveInfinity : 0.0;
    private int _known;            // the level up to which it is the amplification of rounding per step

    public int Size => a.Rows;

    /// <summary>The smallest magnitude but 0 over the largest; 1 for the zero matrix.</summary>
    private static double SmallestRatio(ScaledMatrix matrix)
    {
        double smallest = 1.0;
        foreach (double value in matrix.Values)
        {
            smallest = value == 0.0 ? smallest : Math.Min(smallest, Math.Abs(value));
        }
        return smallest; // the largest is from 1 to below 2
    }

    /// <summary>A^(2^level).</summary>
    public ScaledMatrix Square(int level)
    {
        lock (_gate)
        {
            while (_squares.Count <= level)
            {
                _squares.Add(Times(_squares[^1], _squares[^1]));
            }
            return _squares[level];
        }
    }

    /// <summary>The product of any two matrices, by the kernels of all others.</summary>
    public ScaledMatrix Times(ScaledMatrix left, ScaledMatrix right) => left.Times(right, kernels);

    /// <summary>log₂ ‖A^(2^level)‖₂.</summary>
    public double Log2Norm(int level)
    {
        lock (_gate)
        {
            while (_log2Norms.Count <= level)
            {
                _log2Norms.Add(Square(_log2Norms.Count).Log2Norm);
            }
            return _log2Norms[level];
        }
    }

    /// <summary>An upper bound of log₂ ‖Aᵏ‖₂ over all k from 0 to below 2^level, by ‖A^(i+k)‖ ≤ ‖Aⁱ‖ ‖Aᵏ‖.</summary>
    public double Log2BoundBelow(int level)
    {
        lock (_gate)
        {
            while (_log2Bounds.Count <= level)
            {
                double bound = _log2Bounds[^1];
                _log2Bounds.Add(bound + Math.Max(0.0, Log2Norm(_log2Bounds.Count - 1)));
            }
            return _log2Bounds[level];
        }
    }

    /// <summary>Whether ‖A^(2^level)‖₂ ≤ 1, to what rounding makes of A in so many steps: then no later power is larger
    /// than the largest before.</summary>
    public bool IsContraction(int level) => Log2Norm(level) <= 4.0 * Size * Math.ScaleB(MachineEpsilon.OfDouble, level);

    /// <summary>Whether A^(2^level) is as accurate as taking the steps one by one, nearly. If not, longer stretches
    /// must be made of shorter ones.</summary>
    public bool IsAccurate(int level)
    {
        if (isDefective && level > MaxLevelOfDefective)
        {
            return false;
        }
        lock (_gate)
        {
            while (_known < level && _amplification <= MaxAmplification)
            {
                _known++;
                double square = Log2Norm(_known);
                _amplification += double.IsNegativeInfinity(square)
                    ? 0.0 // by zeros, not by rounding
                    : Math.Pow(2.0, 2.0 * Log2Norm(_known - 1) - square - _known);
            }
            return level <= _known && (level < _known || _amplification <= MaxAmplification);
        }
    }

    /// <summary>Aᵏ, from squares as far as they are accurate, or as far as that takes no more than about 1000 products.
    /// Cost O(h³ log k).</summary>
    public ScaledMatrix Power(long k)
    {
        int top = 0;
        while (k >> (top + 1) > 0 && (IsAccurate(top + 1) || k >> top > 1000))
        {
            top++;
        }
        ScaledMatrix? power = null;
        for (int level = 0; level < top; level++)
        {
            Multiply((int)(k >> level & 1), level);
        }
        Multiply(k >> top, top);
        return power ?? ScaledMatrix.Identity(Size);

        void Multiply(long times, int level)
        {
            for (long i = 0; i < times; i++)
            {
                power = power is null ? Square(level) : Times(power, Square(level));
            }
        }
    }
}
