// A constraint that keeps W_hh orthogonal, so that no step changes the size of a state or a gradient.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Remedies;

/// <summary>
/// W_hhᵀ W_hh = I: states and gradients keep their norm in every step, whatever their direction. W_hh becomes its
/// orthogonal polar factor U Vᵀ, with W_hh = U Σ Vᵀ, which is the nearest orthogonal matrix in the Frobenius norm (Fan
/// &amp; Hoffman 1955; Higham 1986). Immutable.
/// </summary>
/// <remarks>
/// Where W_hh is singular there are many nearest matrices, all at one distance; the one that MathNet's singular vectors
/// give is taken, I where W_hh = 0. It is not a continuous function of W_hh there.
/// </remarks>
public sealed class OrthogonalConstraint : WeightConstraint
{
    /// <inheritdoc/>
    protected override FormattableString Settings => $"";

    /// <inheritdoc/>
    protected override Matrix<double>? Project(Matrix<double> whh)
    {
        var given = ScaledMatrix.Of(whh.View());
        var identity = Matrix<double>.Build.DenseIdentity(whh.RowCount);
        if (given.Exponent is >= -32 and <= 1) // the largest entry of an orthogonal matrix is from 1/√h to 1
        {
            Matrix<double> gram = whh.TransposeThisAndMultiply(whh) - identity;
            if (VectorMath.MaxAbs(gram.ColumnMajor()) <= given.Rounding)
            {
                return null;
            }
        }
        Svd<double> svd = given.Svd();
        Matrix<double> polar = svd.U * svd.VT;

        // One step of Newton and Schulz squares the distance from orthogonality that rounding has left.
        return 0.5 * (polar * ((3.0 * identity) - polar.TransposeThisAndMultiply(polar)));
    }
}
