// Other coordinates for the states of a system, in which each state is reached by inputs as well as it is seen by
// outputs: states that matter little can be left out.
//
//   n  states      r  states that are kept

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>The square-root method (Laub, Heath, Paige and Ward 1987): with W_c = L_c L_cᵀ, W_o = L_o L_oᵀ and L_oᵀ L_c = U Σ Vᵀ,
/// the leading r columns of T = L_c V Σ^(−½) and rows of T⁻¹ = Σ^(−½) Uᵀ L_oᵀ.</summary>
internal sealed class BalancedCoordinates(StateSpace system, Matrix<double> reachable, Matrix<double> observable)
{
    private readonly Svd<double> _svd = observable.TransposeThisAndMultiply(reachable).Svd();

    /// <summary>The system of at most the order given, without the states below the tolerance; at least one state.</summary>
    public StateSpace Leading(int order, double tolerance)
    {
        Vector<double> sigma = _svd.S;
        int kept = Math.Min(order, sigma.Count(s => s > tolerance * sigma[0]));
        if (kept == 0)
        {
            // Nothing goes from inputs to outputs but through D.
            return new StateSpace(
                Matrix<double>.Build.Dense(1, 1),
                Matrix<double>.Build.Dense(1, system.InputSize),
                Matrix<double>.Build.Dense(system.OutputSize, 1),
                system.D);
        }
        var scale = Matrix<double>.Build.DenseOfDiagonalVector(sigma.SubVector(0, kept).PointwisePower(-0.5));
        Matrix<double> from = reachable * _svd.VT.SubMatrix(0, kept, 0, reachable.ColumnCount).TransposeThisAndMultiply(scale);
        Matrix<double> to = scale * (observable * _svd.U.SubMatrix(0, observable.ColumnCount, 0, kept)).Transpose();
        return new StateSpace(to * system.A * from, to * system.B, system.C * from, system.D, to * system.InitialState);
    }
}
