// Other coordinates for the states of a system, in which each state is reached by inputs as well as it is seen by
// outputs: states that matter little can be left out. Knows the factors of the Gramians alone.
//
//   n  states      r  states that are kept

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>The square-root method (Laub, Heath, Paige and Ward 1987): with W_c = L_c L_cᵀ, W_o = L_o L_oᵀ and
/// L_oᵀ L_c = U Σ Vᵀ, the leading r columns of T = L_c V Σ^(−½) and rows of T⁻¹ = Σ^(−½) Uᵀ L_oᵀ.</summary>
/// <param name="reachable">L_c.</param>
/// <param name="observable">L_o.</param>
internal sealed class BalancedCoordinates(Matrix<double> reachable, Matrix<double> observable)
{
    private readonly Svd<double> _svd = observable.TransposeThisAndMultiply(reachable).Svd();

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
        return (
            reachable * _svd.VT.SubMatrix(0, kept, 0, reachable.ColumnCount).TransposeThisAndMultiply(scale),
            scale * (observable * _svd.U.SubMatrix(0, observable.ColumnCount, 0, kept)).Transpose());
    }
}
