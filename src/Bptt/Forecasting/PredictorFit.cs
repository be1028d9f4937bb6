// A predictor of one step, fitted: the network, where it starts, how values are scaled for it, and its errors. Fits
// nothing itself.
//
//   d  inputs      h  hidden units      q  outputs

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>ŵ_t = W_qh h_t with h_t = W_hh h_{t−1} + W_hx [u_t; w_{t−1}] from h_1, all of it scaled.</summary>
/// <param name="Transform">From values to w.</param>
/// <param name="Kind">What was fitted.</param>
/// <param name="Model">The network, of d + q inputs and q outputs.</param>
/// <param name="Start">h_1, that of the first w.</param>
/// <param name="Inputs">d channels, of inputs differenced as the series is.</param>
/// <param name="Outputs">q channels, of w.</param>
/// <param name="Noise">Covariance of the scaled errors, q×q.</param>
/// <param name="Freedom">Degrees of freedom that it has, at least 1.</param>
internal sealed record PredictorFit(
    SeriesTransform Transform,
    string Kind,
    LinearRnn Model,
    double[] Start,
    Channel[] Inputs,
    Channel[] Outputs,
    Matrix<double> Noise,
    int Freedom)
{
    public int InputSize => Inputs.Length;

    public int OutputSize => Outputs.Length;

    /// <summary>The covariance of the errors over the rows that were fitted.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="parameters">How many numbers were fitted for each output.</param>
    /// <returns>Null where an error is not finite.</returns>
    public PredictorFit? WithNoise(SeriesRows rows, double parameters)
    {
        var filter = new InnovationsFilter(this);
        var sum = Matrix<double>.Build.Dense(OutputSize, OutputSize);
        int count = 0;
        for (int t = 0; t < rows.Count; t++)
        {
            if (filter.Advance(rows.Values[t], rows.Inputs[t]) is double[] error)
            {
                var column = Vector<double>.Build.Dense(error);
                sum += column.OuterProduct(column);
                count++;
            }
        }
        int freedom = Math.Max(1, (int)Math.Round(count - Math.Min(parameters, 0.5 * count)));
        return sum.ForAll(double.IsFinite) ? this with { Noise = sum / freedom, Freedom = freedom } : null;
    }
}
