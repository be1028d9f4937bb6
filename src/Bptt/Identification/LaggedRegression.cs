// Estimates an impulse response by regressing each target on earlier targets and inputs. Makes no network of it.
//
//   d  inputs      q  outputs      p  lags

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>
/// y_t = Σ_{k=1..a} Φ_k y_{t−k} + Σ_{k=0..p} Θ_k u_{t−k} by least squares (ARX; Ljung, <i>System Identification</i>,
/// section 4.2):
/// with enough lags any linear system with noise is one, also where inputs are fed back from outputs. The shortest
/// solution where there are many. Its impulse response is g_k = Θ_k + Σ_{i=1..min(k,a)} Φ_i g_{k−i}.
/// </summary>
internal static class LaggedRegression
{
    /// <summary>The columns of the regression.</summary>
    public static int Unknowns(IdentificationData data, int outputLags, int inputLags) =>
        outputLags * data.OutputSize + (inputLags + 1) * data.InputSize;

    /// <summary>The rows that have all of their past.</summary>
    public static long Rows(IdentificationData data, int outputLags, int inputLags) =>
        data.Inputs.Sum(u => (long)Math.Max(0, u.ColumnCount - Math.Max(outputLags, inputLags)));

    /// <summary>g_0 … g_{count−1}, each q×d. Cost 2·T·m² for m unknowns.</summary>
    /// <param name="data">The data.</param>
    /// <param name="outputLags">a; 0 for a regression on inputs alone.</param>
    /// <param name="inputLags">p.</param>
    /// <param name="count">How many, at least 1.</param>
    public static Matrix<double>[] ImpulseResponse(IdentificationData data, int outputLags, int inputLags, int count)
    {
        int q = data.OutputSize;
        int d = data.InputSize;
        Matrix<double> coefficients = Coefficients(data, outputLags, inputLags);

        var response = new Matrix<double>[count];
        for (int k = 0; k < count; k++)
        {
            response[k] = k <= inputLags
                ? coefficients.SubMatrix(0, q, outputLags * q + k * d, d)
                : Matrix<double>.Build.Dense(q, d);
            for (int i = 1; i <= Math.Min(k, outputLags); i++)
            {
                response[k] += coefficients.SubMatrix(0, q, (i - 1) * q, q) * response[k - i];
            }
        }
        return response;
    }

    /// <summary>[Φ_1 … Φ_a Θ_0 … Θ_p], q×unknowns. Cost 2·T·m² for m unknowns.</summary>
    /// <param name="data">The data.</param>
    /// <param name="outputLags">a; 0 for a regression on inputs alone.</param>
    /// <param name="inputLags">p.</param>
    public static Matrix<double> Coefficients(IdentificationData data, int outputLags, int inputLags)
    {
        int q = data.OutputSize;
        int d = data.InputSize;
        int unknowns = Unknowns(data, outputLags, inputLags);
        var rows = new TriangularFactor(unknowns, rightSides: q);
        double[] row = new double[unknowns + q];
        for (int b = 0; b < data.Inputs.Length; b++)
        {
            ReadOnlySpan<double> inputs = data.Inputs[b].ColumnMajor();
            ReadOnlySpan<double> targets = data.Targets[b].ColumnMajor();
            for (int t = Math.Max(outputLags, inputLags); t < data.Inputs[b].ColumnCount; t++)
            {
                for (int k = 1; k <= outputLags; k++)
                {
                    targets.Slice((t - k) * q, q).CopyTo(row.AsSpan((k - 1) * q));
                }
                for (int k = 0; k <= inputLags; k++)
                {
                    inputs.Slice((t - k) * d, d).CopyTo(row.AsSpan(outputLags * q + k * d));
                }
                targets.Slice(t * q, q).CopyTo(row.AsSpan(unknowns));
                rows.Add(row);
            }
        }
        return rows.ShortestSolution().Transpose();
    }
}
