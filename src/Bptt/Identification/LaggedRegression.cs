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
    /// <summary>Rows of a regression for each unknown: fewer fit noise.</summary>
    private const double RowsPerUnknown = 1.25;

    private const int RowsBetweenLooks = 64; // at the cancellation: of a thousand unknowns some tenths of a second

    /// <summary>The columns of the regression.</summary>
    public static int Unknowns(IdentificationData data, int outputLags, int inputLags) =>
        outputLags * data.OutputSize + (inputLags + 1) * data.InputSize;

    /// <summary>The rows that have all of their past.</summary>
    public static long Rows(IdentificationData data, int outputLags, int inputLags) =>
        data.Inputs.Sum(u => (long)Math.Max(0, u.ColumnCount - Math.Max(outputLags, inputLags)));

    /// <summary>Whether there are rows enough that coefficients are not fitted to noise alone.</summary>
    public static bool IsDetermined(IdentificationData data, int outputLags, int inputLags) =>
        Rows(data, outputLags, inputLags) >= RowsPerUnknown * Unknowns(data, outputLags, inputLags);

    /// <summary>g_0 … g_{count−1}, each q×d. Cost 2·T·m² for m unknowns.</summary>
    /// <param name="data">The data.</param>
    /// <param name="outputLags">a; 0 for a regression on inputs alone.</param>
    /// <param name="inputLags">p.</param>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Matrix<double>[] ImpulseResponse(
        IdentificationData data, int outputLags, int inputLags, int count, CancellationToken cancellation) =>
        Model(data, outputLags, inputLags, cancellation).Response(count);

    /// <summary>Φ_1 … Φ_a and Θ_0 … Θ_p. Cost 2·T·m² for m unknowns.</summary>
    /// <param name="data">The data.</param>
    /// <param name="outputLags">a; 0 for a regression on inputs alone.</param>
    /// <param name="inputLags">p.</param>
    /// <param name="cancellation">Ends it.</param>
    public static ArxModel Model(
        IdentificationData data, int outputLags, int inputLags, CancellationToken cancellation)
    {
        (int d, int q) = (data.InputSize, data.OutputSize);
        Matrix<double> found = Coefficients(data, outputLags, inputLags, cancellation);
        return new ArxModel(
            [.. Enumerable.Range(0, outputLags).Select(k => found.SubMatrix(0, q, k * q, q))],
            [.. Enumerable.Range(0, inputLags + 1).Select(k => found.SubMatrix(0, q, outputLags * q + k * d, d))]);
    }

    /// <summary>[Φ_1 … Φ_a Θ_0 … Θ_p], q×unknowns.</summary>
    private static Matrix<double> Coefficients(
        IdentificationData data, int outputLags, int inputLags, CancellationToken cancellation)
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
                if (t % RowsBetweenLooks == 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                }
                targets.Slice(t * q, q).CopyTo(row.AsSpan(unknowns));
                rows.Add(row);
            }
        }
        return rows.ShortestSolution().Transpose();
    }
}
