// Second derivatives of an objective in its outputs: ∂²L/∂o² has a block for each step and nothing beside. Knows no
// time and no weights of a model.
//
//   q  outputs      w_bt  step weights      c_b  what the reduction makes of 1/T

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt;

public abstract partial class Objective
{
    /// <summary>c_b w_bt ∂²ℓ/∂o_t² · v for some columns.</summary>
    /// <param name="outputs">O, q×N.</param>
    /// <param name="directions">v of each column, q×N.</param>
    /// <param name="products">Receives the products, q×N.</param>
    /// <param name="first">The first column.</param>
    /// <param name="count">How many.</param>
    /// <param name="factors">c_b.</param>
    internal virtual void MultiplyCurvature(
        PackedColumns outputs, PackedColumns directions, PackedColumns products, int first, int count, double[] factors)
    {
        foreach (BatchLayout.Place place in outputs.Layout.Places(first, count))
        {
            Span<double> product = products.All.Column(place.Column);
            product.Clear();
            double factor = StepFactor(place.Sequence, place.Step, factors);
            if (factor != 0.0)
            {
                StepCurvature(
                    outputs.All.Column(place.Column),
                    place.Sequence,
                    place.Step,
                    directions.All.Column(place.Column),
                    product);
                VectorMath.Scale(factor, product);
            }
        }
    }

    /// <summary>F, q×q, and r of one step with F Fᵀ = ∂²ℓ/∂o² and F r = ∂ℓ/∂o; see
    /// <see cref="CurvatureFactor"/>.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <param name="factor">Receives F, column-major.</param>
    /// <param name="residual">Receives r, length q.</param>
    /// <returns>Whether F r is all of ∂ℓ/∂o.</returns>
    internal virtual bool FactorCurvature(
        ReadOnlySpan<double> output, int sequence, int t, Span<double> factor, Span<double> residual)
    {
        double[] at = output.ToArray();
        double[] gradient = new double[at.Length];
        StepGradient(at, sequence, t, gradient);
        return CurvatureFactor.Of(
            (direction, product) => StepCurvature(at, sequence, t, direction, product), gradient, factor, residual);
    }

    /// <summary>Refuses an objective without second derivatives.</summary>
    internal void RequireCurvature()
    {
        if (!IsTwiceDifferentiable)
        {
            throw NoCurvature();
        }
    }

    private NotSupportedException NoCurvature() => new(
        $"{GetType().Name}: expected an objective that gives ∂²ℓ/∂o², by overrides of {nameof(IsTwiceDifferentiable)} "
        + $"and {nameof(StepCurvature)}, got one without.");

    /// <summary>Ġ_t = c_b w_bt ∂²ℓ(o_t, y_t)/∂o_t² ȯ_t for every step: ∂²L/∂o² has a block for each step and nothing
    /// beside.</summary>
    /// <param name="objective">L.</param>
    /// <param name="outputs">O, q×N.</param>
    /// <param name="factors">c_b.</param>
    /// <param name="directions">ȯ, q×N.</param>
    /// <param name="products">Receives Ġ, q×N.</param>
    internal sealed class CurvatureEvaluation(
        Objective objective, PackedColumns outputs, double[] factors, PackedColumns directions, PackedColumns products)
        : IOutputTask
    {
        /// <inheritdoc/>
        public int PartColumns { get; } = Evaluation.ColumnsOfPart(outputs.Rows);

        /// <inheritdoc/>
        public int PartCount => (outputs.Layout.ColumnCount + PartColumns - 1) / PartColumns;

        /// <inheritdoc/>
        public void Evaluate(int part)
        {
            int first = part * PartColumns;
            objective.MultiplyCurvature(
                outputs,
                directions,
                products,
                first,
                Math.Min(PartColumns, outputs.Layout.ColumnCount - first),
                factors);
        }
    }

    /// <summary>F, q×q, and r with F Fᵀ = ∂²ℓ/∂o² and F r = ∂ℓ/∂o as far as they go: directions of negative curvature
    /// are left out of F, and what F does not reach is left out of F r.</summary>
    internal static class CurvatureFactor
    {
        /// <summary>Parts of ∂ℓ/∂o below this, relative to the whole, count as rounding.</summary>
        private const double Rounding = 1e-12;

        /// <summary>By q products with ∂²ℓ/∂o² and, where it is not diagonal, a symmetric eigen-decomposition. Cost
        /// O(q³) and the products.</summary>
        /// <param name="multiply">∂²ℓ/∂o² v from v; what it writes to is zero on entry.</param>
        /// <param name="gradient">∂ℓ/∂o.</param>
        /// <param name="factor">Receives F, column-major.</param>
        /// <param name="residual">Receives r.</param>
        /// <returns>Whether F r is all of ∂ℓ/∂o.</returns>
        public static bool Of(
            Action<double[], double[]> multiply,
            ReadOnlySpan<double> gradient,
            Span<double> factor,
            Span<double> residual)
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
}
