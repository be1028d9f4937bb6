// Errors of forecasts made from one row after the other, as if the rest were not known.
//
//   q  outputs      H  horizon

namespace Bptt.Forecasting;

/// <summary>Errors y − ŷ by origin and step ahead, in the unit of the values.</summary>
/// <param name="OutputSize">q.</param>
internal sealed record RollingErrors(int OutputSize)
{
    private readonly List<(int Step, double[] Errors)> _all = [];

    /// <summary>Of every step of every path.</summary>
    public int Count => _all.Count;

    /// <summary>Adds what a forecaster makes of the H rows that follow, where there are as many, when first, first + 1
    /// … last − 1 rows are known.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="first">The least number of known rows.</param>
    /// <param name="last">The number after the largest.</param>
    /// <param name="horizon">H.</param>
    /// <param name="paths">From the number of rows that are known and that of the rows asked for to their
    /// values.</param>
    public void Add(SeriesRows rows, int first, int last, int horizon, Func<int, int, double[][]> paths)
    {
        for (int known = first; known < last; known++)
        {
            int steps = Math.Min(horizon, rows.Count - known);
            double[][] path = paths(known, steps);
            for (int k = 0; k < steps; k++)
            {
                double[] errors = new double[OutputSize];
                for (int i = 0; i < OutputSize; i++)
                {
                    errors[i] = rows.Values[known + k][i] - path[k][i];
                }
                _all.Add((k + 1, errors));
            }
        }
    }

    /// <summary>Of the next step alone.</summary>
    public double OneStepRmse(int output) => Math.Sqrt(Mean(output, e => e * e, oneStep: true));

    /// <summary>Of all steps of all paths.</summary>
    public double PathRmse(int output) => Math.Sqrt(Mean(output, e => e * e, oneStep: false));

    /// <summary>Of all steps of all paths.</summary>
    public double PathMae(int output) => Mean(output, Math.Abs, oneStep: false);

    /// <summary>ln of the errors of one step and of paths, the mean over the outputs: what structures are compared by;
    /// infinite where an error is not finite.</summary>
    public double Score
    {
        get
        {
            double sum = 0.0;
            for (int i = 0; i < OutputSize; i++)
            {
                sum += Math.Log(Math.Max(OneStepRmse(i), double.Epsilon))
                    + Math.Log(Math.Max(PathRmse(i), double.Epsilon));
            }
            return double.IsFinite(sum) ? 0.5 * sum / OutputSize : double.PositiveInfinity;
        }
    }

    private double Mean(int output, Func<double, double> measure, bool oneStep) =>
        _all.Where(e => !oneStep || e.Step == 1).Average(e => measure(e.Errors[output]));
}
