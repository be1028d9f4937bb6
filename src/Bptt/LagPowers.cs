// Powers of W_hhᵀ by squaring, and how accurate they still are. Knows no time and no gradient.

using Bptt.Kernels;

namespace Bptt;

/// <summary>(W_hhᵀ)ⁿ for n = 1, 2, … as binary powering asks for them, as long as they are accurate.</summary>
internal sealed class LagPowers
{
    /// <summary>The relative error that a power may bring, beside that of the sum it serves: the rounding of n steps is a
    /// multiple of n units in the last place too.</summary>
    private const double UnitsForEachLag = 64.0;

    private readonly PassContext _context;
    private readonly int _h;
    private readonly ArraySegment<double> _packed;
    private double[] _power;
    private double[] _spare;
    private readonly double[] _transition;
    private int _exponent = 1;
    private double _error; // estimate of ‖computed − exact power‖₂
    private double _norm;  // of the power

    /// <param name="context">Kernels and memory.</param>
    /// <param name="transition">W_hhᵀ.</param>
    public LagPowers(PassContext context, MatrixView transition)
    {
        _context = context;
        _h = transition.Rows;
        _transition = new double[_h * _h];
        for (int j = 0; j < _h; j++)
        {
            for (int i = 0; i < _h; i++)
            {
                _transition[i + j * _h] = transition.Values[i * transition.RowStride + j * transition.ColumnStride];
            }
        }
        _power = [.. _transition];
        _spare = new double[_h * _h];
        First = context.Kernels.Pack(
            View(_transition), PackedFor.Columns, context.PackedStorage(_h, _h, PackedFor.Columns));
        _packed = context.PackedStorage(_h, _h, PackedFor.Columns);
        _norm = Norm(_power);
    }

    /// <summary>W_hhᵀ, packed.</summary>
    public PackedMatrix First { get; }

    /// <summary>The power reached, packed.</summary>
    public PackedMatrix Power { get; private set; }

    /// <summary>Goes on to the power n, which is twice the one before or one more than that.</summary>
    /// <returns>Whether it is accurate; where not, no further power is.</returns>
    public bool Reach(int n)
    {
        if (n >= 2 * _exponent)
        {
            Advance(View(_power), _norm, _error);
            _exponent *= 2;
        }
        if (n > _exponent)
        {
            Advance(View(_transition), Norm(_transition), 0.0);
            _exponent++;
        }
        // Beside what the power makes of sums, and not beside its norm: where powers far from normal have grown, they
        // hardly grow the sums any further, and an error of theirs would.
        if (!(double.IsFinite(_norm) && _error <= UnitsForEachLag * n * Math.ScaleB(1.0, -52) * Math.Max(1.0, Growth())))
        {
            return false;
        }
        Power = _context.Kernels.Pack(View(_power), PackedFor.Columns, _packed);
        return true;
    }

    private void Advance(MatrixView factor, double factorNorm, double factorError)
    {
        var product = new MatrixSpan(_spare, _h, _h, _h);
        _context.Kernels.Multiply(View(_power), factor, product);
        KernelSet.FlushTiny(_spare);
        _error = _error * factorNorm + _norm * factorError + Math.ScaleB(1.0, -52) * _norm * factorNorm;
        (_power, _spare) = (_spare, _power);
        _norm = Norm(_power);
    }

    private MatrixView View(double[] matrix) => new(matrix, _h, _h, _h);

    /// <summary>‖A‖₂, from below by a few steps of the power method on AᵀA: the estimates of errors need its size
    /// only. Not finite where an entry is not.</summary>
    private double Norm(double[] matrix)
    {
        const int steps = 6;
        double[] x = AnyVector();
        double[] y = new double[_h];
        double norm = 0.0;
        for (int step = 0; step < steps; step++)
        {
            double length = VectorMath.Norm(x);
            if (length == 0.0)
            {
                return 0.0;
            }
            VectorMath.Scale(1.0 / length, x);
            _context.Kernels.Multiply(View(matrix), new MatrixView(x, _h, 1, _h), new MatrixSpan(y, _h, 1, _h));
            norm = VectorMath.Norm(y);
            _context.Kernels.Multiply(View(matrix).T, new MatrixView(y, _h, 1, _h), new MatrixSpan(x, _h, 1, _h));
        }
        return norm;
    }

    /// <summary>‖Aⁿ y‖ / ‖y‖ for y = Aⁿ x: how much a vector grows that has come as far already.</summary>
    private double Growth()
    {
        double[] x = AnyVector();
        double[] y = new double[_h];
        _context.Kernels.Multiply(View(_power), new MatrixView(x, _h, 1, _h), new MatrixSpan(y, _h, 1, _h));
        double length = VectorMath.Norm(y);
        if (length == 0.0)
        {
            return 0.0;
        }
        VectorMath.Scale(1.0 / length, y);
        _context.Kernels.Multiply(View(_power), new MatrixView(y, _h, 1, _h), new MatrixSpan(x, _h, 1, _h));
        return VectorMath.Norm(x);
    }

    /// <summary>In no particular direction.</summary>
    private double[] AnyVector()
    {
        double[] x = new double[_h];
        for (int i = 0; i < _h; i++)
        {
            x[i] = 1.0 + 0.5 * Math.Sin(1.0 + 3.0 * i);
        }
        return x;
    }
}
