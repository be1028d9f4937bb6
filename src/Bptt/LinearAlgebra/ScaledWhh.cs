// W_hh at a size that factorisations can work with, for constraints. Knows no constraint.

using Bptt.Edge;
using Bptt.Passes;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.LinearAlgebra;

/// <summary>W_hh = M·2ᵉ with a largest entry of M between 1 and 2, so that no product of a few entries leaves the range of
/// doubles; M = 0 and e = 0 where W_hh is zero.</summary>
internal sealed class ScaledWhh
{
    private readonly LinearRnn _model;

    public ScaledWhh(LinearRnn model)
    {
        _model = model;
        Mantissa = model.Whh;
        Span<double> entries = Mantissa.AsColumnMajorArray();
        Exponent = VectorMath.Exponent(VectorMath.MaxAbs(entries));
        VectorMath.ScaleByPowerOfTwo(-Exponent, entries);
    }

    /// <summary>M, h×h.</summary>
    public Matrix<double> Mantissa { get; }

    /// <summary>e.</summary>
    public int Exponent { get; }

    /// <summary>What factorisations of W_hh and the products that follow lose at most, relative to its norm.</summary>
    public double Rounding => 16.0 * MachineEpsilon.OfDouble * Mantissa.RowCount;

    /// <summary>M = U Σ Vᵀ. Cost about 20h³.</summary>
    /// <exception cref="ArithmeticException">The iteration does not converge.</exception>
    public Svd<double> Svd()
    {
        try
        {
            return Mantissa.Svd();
        }
        catch (NonConvergenceException e)
        {
            throw new ArithmeticException("The singular values of W_hh: the iteration does not converge.", e);
        }
    }

    /// <summary>σ/s for a singular value of M and a bound on W_hh; +∞ where it is beyond the largest double.</summary>
    public double Ratio(double singularValue, double bound)
    {
        int exponent = Math.ILogB(bound);
        return Math.ScaleB(singularValue / Math.ScaleB(bound, -exponent), Exponent - exponent);
    }

    /// <summary>The model with another W_hh.</summary>
    public LinearRnn With(Matrix<double> whh)
    {
        ParameterArray weights = _model.Weights.Copy();
        whh.ColumnMajor().CopyTo(weights.Whh.Values);
        return new LinearRnn(weights);
    }
}
