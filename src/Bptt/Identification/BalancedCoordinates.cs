// Other coordinates for the states of a system, in which each state is reached by inputs as well as it is seen by
// outputs: states that matter little can be left out. Knows the factors of the Gramians alone.
//
//   n  states      r  states that are kept

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>The square-root method (Laub, Heath, Paige and Ward 1987): with W_c = L_c L_cᵀ, W_o = L_o L_oᵀ and
/// L_oᵀ L_c = U Σ Vᵀ, the leading r columns of T = L_c V Σ^(−½) and rows of T⁻¹ = Σ^(−½) Uᵀ L_oᵀ. All three matrices
/// are factored at a size near 1, so that no square of a number leaves the range of doubles.</summary>
internal sealed class BalancedCoordinates
{
    private readonly ScaledMatrix _reachable;
    private readonly ScaledMatrix _observable;
    private readonly ScaledMatrix _product;
    private readonly Svd<double> _svd; // of the product's mantissa

    /// <param name="reachable">L_c.</param>
    /// <param name="observable">L_o.</param>
    /// <exception cref="ArithmeticException">The iteration does not converge.</exception>
    public BalancedCoordinates(Matrix<double> reachable, Matrix<double> observable)
    {
        _reachable = Scaled(reachable);
        _observable = Scaled(observable);
        _product = Scaled(_observable.ToMantissa().TransposeThisAndMultiply(_reachable.ToMantissa()));
        _svd = _product.Svd();
    }

    /// <summary>The leading n entries of Σ, descending, zero where the factors have fewer columns.</summary>
    /// <exception cref="ArithmeticException">One exceeds the largest double.</exception>
    public Vector<double> Sigma(int n)
    {
        int exponent = (int)(_reachable.Exponent + _observable.Exponent + _product.Exponent);
        var sigma = Vector<double>.Build.Dense(
            n, i => i < _svd.S.Count ? Math.ScaleB(_svd.S[i], exponent) : 0.0);
        return double.IsFinite(sigma[0])
            ? sigma
            : throw new ArithmeticException("A Hankel singular value exceeds the largest double.");
    }

    /// <summary>The leading columns of T, n×r, and rows of T⁻¹, r×n, for at most as many states as the order says,
    /// without those below the tolerance; null where none is left: nothing goes from inputs through states to
    /// outputs.</summary>
    public (Matrix<double> From, Matrix<double> To)? Leading(int order, double tolerance)
    {
        Vector<double> sigma = _svd.S;
        int kept = Math.Min(order, sigma.Count(s => s > tolerance * sigma[0]));
        if (kept == 0)
        {
            return null;
        }
        var scale = Matrix<double>.Build.DenseOfDiagonalVector(sigma.SubVector(0, kept).PointwisePower(-0.5));
        Matrix<double> from = _reachable.ToMantissa()
            * _svd.VT.SubMatrix(0, kept, 0, _reachable.Columns).TransposeThisAndMultiply(scale);
        Matrix<double> to =
            scale * (_observable.ToMantissa() * _svd.U.SubMatrix(0, _observable.Columns, 0, kept)).Transpose();
        long difference = _reachable.Exponent - _observable.Exponent;
        return (
            from * Math.Pow(2.0, 0.5 * (difference - _product.Exponent)),
            to * Math.Pow(2.0, 0.5 * (-difference - _product.Exponent)));
    }

    private static ScaledMatrix Scaled(Matrix<double> matrix) =>
        ScaledMatrix.Take(matrix.ToColumnMajorArray(), matrix.RowCount);
}
