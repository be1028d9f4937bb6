// A square root of the second derivatives of ℓ at one step, for least-squares methods. Knows no time and no weights.
//
//   q  outputs

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt;

/// <summary>F, q×q, and r with F Fᵀ = ∂²ℓ/∂o² and F r = ∂ℓ/∂o as far as they go: directions of negative curvature are
/// left out of F, and what F does not reach is left out of F r.</summary>
internal static class CurvatureFactor
{
    /// <summary>Parts of ∂ℓ/∂o below this, relative to the whole, count as rounding.</summary>
    private const double Rounding = 1e-12;

    /// <summary>By q products with ∂²ℓ/∂o² and, where it is not diagonal, a symmetric eigen-decomposition. Cost O(q³)
    /// and the products.</summary>
    /// <param name="multiply">∂²ℓ/∂o² v from v; what it writes to is zero on entry.</param>
    /// <param name="gradient">∂ℓ/∂o.</param>
    /// <param name="factor">Receives F, column-major.</param>
    /// <param name="residual">Receives r.</param>
    /// <returns>Whether F r is all of ∂ℓ/∂o.</returns>
    public static bool Of(
        Action<double[], double[]> multiply, ReadOnlySpan<double> gradient, Span<double> factor, Span<double> residual)
    {
        int q = gradient.Length;
        var curvature = Matrix<double>.Build.Dense(q, q);
        bool isDiagonal = true;
        for (int k = 0; k < q; k++)
        {
            double[] unit = new double[q];
            double[] column = new double[q];
            unit[k] = 1.0;
            multiply(unit, column);
            curvature.SetColumn(k, column);
            isDiagonal &= !column.Where((c, i) => i != k && c != 0.0).Any();
        }
        return isDiagonal
            ? Diagonal(curvature.Diagonal().Entries(), gradient, factor, residual)
            : Symmetric(0.5 * (curvature + curvature.Transpose()), gradient, factor, residual);
    }

    /// <summary>The same where ∂²ℓ/∂o² is diagonal.</summary>
    private static bool Diagonal(
        ReadOnlySpan<double> curvature, ReadOnlySpan<double> gradient, Span<double> factor, Span<double> residual)
    {
        factor.Clear();
        bool isWhole = true;
        for (int k = 0; k < gradient.Length; k++)
        {
            double root = Math.Sqrt(Math.Max(0.0, curvature[k]));
            factor[k * (gradient.Length + 1)] = root;
            residual[k] = root > 0.0 ? gradient[k] / root : 0.0;
            isWhole &= root > 0.0 || gradient[k] == 0.0;
        }
        return isWhole;
    }

    private static bool Symmetric(
        Matrix<double> curvature, ReadOnlySpan<double> gradient, Span<double> factor, Span<double> residual)
    {
        Evd<double> evd = curvature.Evd(Symmetricity.Symmetric);
        int q = gradient.Length;
        Vector<double> along = evd.EigenVectors.TransposeThisAndMultiply(
            Vector<double>.Build.DenseOfArray(gradient.ToArray()));
        double size = along.L2Norm();
        double largest = evd.EigenValues.Max(value => Math.Abs(value.Real));
        bool isWhole = true;
        for (int k = 0; k < q; k++)
        {
            double eigenvalue = evd.EigenValues[k].Real;
            double root = eigenvalue > Rounding * largest ? Math.Sqrt(eigenvalue) : 0.0;
            (root * evd.EigenVectors.Column(k)).Entries().CopyTo(factor[(k * q)..]);
            residual[k] = root > 0.0 ? along[k] / root : 0.0;
            isWhole &= root > 0.0 || Math.Abs(along[k]) <= Rounding * size;
        }
        return isWhole;
    }
}
