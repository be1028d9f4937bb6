// Powers of W_hhᵀ by squaring, and how accurate they still are. Knows no time and no gradient.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearAlgebra;

namespace Bptt.Passes;

/// <summary>(W_hhᵀ)ⁿ for n = 1, 2, … as binary powering asks for them, as long as they are accurate.</summary>
/// <remarks>Each power is tried on two sums of its own kind, v = Σ_{j=0..n−1} (W_hhᵀ)ʲ u for some u: (W_hhᵀ)ⁿ v must be
/// what n steps make of v. Squaring loses digits where powers grow before they fall, which norms alone do not tell from
/// what it does to sums. Cost of all trials up to k: 4kh² operations.</remarks>
internal sealed class LagPowers<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Two, so that none is in a special place by chance.</summary>
    private const int Trials = 2;

    /// <summary>The relative error that a power may bring: the rounding of n steps is a multiple of n units in the last
    /// place too.</summary>
    private const double UnitsForEachLag = 64.0;

    private readonly PassContext<TReal> _context;
    private readonly int _h;
    private readonly ArraySegment<TReal> _packed;
    private readonly TReal[] _transition;
    private readonly TReal[] _trialSources; // u, h×2
    private TReal[] _trialSums;             // v
    private TReal[] _trialSteps;
    private TReal[] _spareSteps;
    private TReal[] _power;
    private TReal[] _spare;
    private int _exponent;

    /// <param name="context">Kernels and memory.</param>
    /// <param name="transition">W_hhᵀ.</param>
    public LagPowers(PassContext<TReal> context, MatrixView<TReal> transition)
    {
        _context = context;
        _h = transition.Rows;
        _transition = new TReal[_h * _h];
        for (int j = 0; j < _h; j++)
        {
            for (int i = 0; i < _h; i++)
            {
                _transition[i + j * _h] = transition.Values[i * transition.RowStride + j * transition.ColumnStride];
            }
        }
        _power = [.. _transition];
        _spare = new TReal[_h * _h];
        First = context.Kernels.Pack(
            Square(_transition), PackedFor.Columns, context.PackedStorage(_h, _h, PackedFor.Columns));
        _packed = context.PackedStorage(_h, _h, PackedFor.Columns);
        _trialSources = new TReal[_h * Trials];
        for (int i = 0; i < _trialSources.Length; i++)
        {
            _trialSources[i] = TReal.CreateTruncating(Math.Sin(1.0 + 3.0 * i)); // in no particular direction
        }
        _trialSums = [.. _trialSources];
        _trialSteps = new TReal[_trialSources.Length];
        _spareSteps = new TReal[_trialSources.Length];
    }

    /// <summary>W_hhᵀ, packed.</summary>
    public PackedMatrix<TReal> First { get; }

    /// <summary>The power reached, packed.</summary>
    public PackedMatrix<TReal> Power { get; private set; }

    /// <summary>Goes on to the power n: 1 at first, then twice the one before or one more than that.</summary>
    /// <returns>Whether it is accurate; where not, no further power is to be asked for.</returns>
    public bool Reach(int n)
    {
        if (_exponent == 0)
        {
            _exponent = 1;
        }
        else
        {
            Multiply(Square(_power));
            VectorMath.AddScaled<TReal>(TReal.One, _trialSteps, _trialSums); // v(2n) = v(n) + (W_hhᵀ)ⁿ v(n)
            _exponent *= 2;
            if (n > _exponent)
            {
                Multiply(Square(_transition));
                Step(_trialSums, _spareSteps);
                VectorMath.AddScaled<TReal>(TReal.One, _trialSources, _spareSteps); // v(n+1) = u + W_hhᵀ v(n)
                (_trialSums, _spareSteps) = (_spareSteps, _trialSums);
                _exponent++;
            }
        }
        if (!IsAccurate())
        {
            return false;
        }
        Power = _context.Kernels.Pack(Square(_power), PackedFor.Columns, _packed);
        return true;
    }

    private void Multiply(MatrixView<TReal> factor)
    {
        _context.Kernels.Multiply(Square(_power), factor, new MatrixSpan<TReal>(_spare, _h, _h, _h));
        KernelSet<TReal>.FlushTiny(_spare);
        (_power, _spare) = (_spare, _power);
    }

    /// <summary>Whether the power makes of both sums what its steps make of them.</summary>
    private bool IsAccurate()
    {
        _trialSums.CopyTo(_trialSteps, 0);
        for (int step = 0; step < _exponent; step++)
        {
            Step(_trialSteps, _spareSteps);
            (_trialSteps, _spareSteps) = (_spareSteps, _trialSteps);
        }
        _context.Kernels.Multiply(
            Square(_power), Columns(_trialSums), new MatrixSpan<TReal>(_spareSteps, _h, Trials, _h));
        for (int trial = 0; trial < Trials; trial++)
        {
            ReadOnlySpan<TReal> bySteps = _trialSteps.AsSpan(trial * _h, _h);
            Span<TReal> error = _spareSteps.AsSpan(trial * _h, _h);
            VectorMath.AddScaled(TReal.NegativeOne, bySteps, error);
            // The second term is for where next to nothing is left of the sum.
            double allowed = UnitsForEachLag * _exponent * MachineEpsilon.Of<TReal>() * VectorMath.NormOf(bySteps)
                + MachineEpsilon.Of<TReal>() * VectorMath.NormOf<TReal>(_trialSums.AsSpan(trial * _h, _h));
            if (!(VectorMath.NormOf<TReal>(error) <= allowed) || !double.IsFinite(allowed))
            {
                return false;
            }
        }
        return true;
    }

    private void Step(TReal[] from, TReal[] to)
    {
        _context.Kernels.Multiply(Square(_transition), Columns(from), new MatrixSpan<TReal>(to, _h, Trials, _h));
        KernelSet<TReal>.FlushTiny(to);
    }

    private MatrixView<TReal> Square(TReal[] matrix) => new(matrix, _h, _h, _h);

    private MatrixView<TReal> Columns(TReal[] columns) => new(columns, _h, Trials, _h);
}
