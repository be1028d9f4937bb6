// Makes an unstable W_hh stable, moving as little as a free run allows.
//
//   n  order

using System.Numerics;
using Bptt.Diagnostics;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Identification;

/// <summary>Reflects eigenvalues outside the unit circle into it, λ → 1/λ̄, which keeps the size of their frequency
/// response up to a constant, and holds those on it just inside.</summary>
internal static class StabilityRepair
{
    /// <summary>The largest modulus left.</summary>
    private const double Limit = 1.0 - 1e-6;

    /// <summary>How far VΛV⁻¹ may be from the matrix, relative to it, for the eigenvectors to be used.</summary>
    private const double MaxResidual = 1e-8;

    /// <summary>A matrix of spectral radius below 1; the one given where it has that. Cost about 30n³.</summary>
    public static Matrix<double> Stable(Matrix<double> matrix)
    {
        double radius = Spectrum.RadiusOf(matrix);
        if (radius < 1.0)
        {
            return matrix;
        }
        Matrix<double> reflected = Reflected(matrix);
        return Spectrum.RadiusOf(reflected) < 1.0 ? reflected : Limit / radius * matrix;
    }

    /// <summary>By real eigenvectors, where they are well enough conditioned; the matrix itself where not.</summary>
    private static Matrix<double> Reflected(Matrix<double> matrix)
    {
        try
        {
            Evd<double> evd = matrix.Evd();
            Matrix<double> vectors = evd.EigenVectors;
            Matrix<double> blocks = evd.D; // 2×2 for a conjugate pair
            Matrix<double> inverse = vectors.Inverse();
            double residual = (vectors * blocks * inverse - matrix).FrobeniusNorm();
            if (!(residual <= MaxResidual * matrix.FrobeniusNorm()))
            {
                return matrix;
            }
            var factors = evd.EigenValues.Map(value =>
            {
                double size = Complex.Abs(value);
                return size < 1.0 ? 1.0 : Math.Min(1.0 / size, Limit) / size;
            });
            return vectors * Matrix<double>.Build.DenseOfDiagonalArray([.. factors]) * blocks * inverse;
        }
        catch (NonConvergenceException)
        {
            return matrix;
        }
    }
}
