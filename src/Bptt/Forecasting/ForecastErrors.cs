// How errors of forecasts grow with the horizon.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

internal static class ForecastErrors
{
    /// <summary>The standard errors of z by step ahead, q numbers each: of Σ_{j&lt;k} Ψ_j Σ Ψ_jᵀ.</summary>
    public static double[][] StandardErrors(PredictorFit fit, int horizon)
    {
        int q = fit.OutputSize;
        Matrix<double> whx = fit.Model.Whx;
        Matrix<double> gain = whx.SubMatrix(0, whx.RowCount, fit.InputSize, q);
        Matrix<double> wqh = fit.Model.Wqh;
        Matrix<double> system = fit.Model.Whh + gain * wqh;
        ReadOnlySpan<double> polynomial = fit.Transform.Polynomial;

        // Errors of the outputs, in the unit of w: the scales go from the right of each Ψ into the noise.
        var scale = Matrix<double>.Build.DenseOfDiagonalArray([.. fit.Outputs.Select(c => c.Scale)]);
        Matrix<double> inverse = scale.Inverse();
        Matrix<double> noise = scale * fit.Noise * scale;
        var left = new Matrix<double>[horizon];
        double[][] errors = new double[horizon][];
        Matrix<double> covariance = Matrix<double>.Build.Dense(q, q);
        for (int j = 0; j < horizon; j++)
        {
            Matrix<double> psi = j == 0 ? Matrix<double>.Build.DenseIdentity(q) : scale * (wqh * gain) * inverse;
            if (j > 0)
            {
                gain = system * gain;
            }
            for (int k = 1; k <= Math.Min(j, polynomial.Length - 1); k++)
            {
                if (polynomial[k] != 0.0)
                {
                    psi -= polynomial[k] * left[j - k];
                }
            }
            left[j] = psi;
            covariance += psi * noise * psi.Transpose();
            errors[j] = [.. covariance.Diagonal().Select(v => Math.Sqrt(Math.Max(0.0, v)))];
        }
        return errors;
    }
}
