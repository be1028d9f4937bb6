// The growth per step of a positive curve, from where its transient is over. Knows no RNN.

namespace Bptt.Diagnostics;

/// <summary>ln f(k) ≈ ln c + k ln g from a first step on, by least squares.</summary>
/// <param name="Growth">g.</param>
/// <param name="First">The first step that counts.</param>
/// <param name="Count">How many count.</param>
internal readonly record struct GrowthFit(double Growth, int First, int Count)
{
    /// <summary>Fewer points tell nothing of a trend.</summary>
    public const int LeastPoints = 4;

    /// <summary>
    /// The second half of the curve gives a line, and around it a band that holds all of that half, oscillations
    /// included. The transient ends where the curve enters the band, widened by half, for good; what follows is fitted
    /// again.
    /// </summary>
    /// <param name="curve">From step 0 on; numbers from the first that is 0 or infinite on do not count.</param>
    /// <returns>Null where fewer than <see cref="LeastPoints"/> numbers count.</returns>
    public static GrowthFit? Of(IReadOnlyList<double> curve)
    {
        int end = 0;
        while (end < curve.Count && curve[end] > 0.0 && double.IsFinite(curve[end]))
        {
            end++;
        }
        if (end < LeastPoints)
        {
            return null;
        }
        double[] logs = new double[end];
        for (int k = 0; k < end; k++)
        {
            logs[k] = Math.Log(curve[k]);
        }

        int first = Math.Min(end / 2, end - LeastPoints);
        (double slope, double intercept) = Line(logs, first);
        double band = 1e-9 * (1.0 + Math.Abs(slope));
        for (int k = first; k < end; k++)
        {
            band = Math.Max(band, 1.5 * Math.Abs(logs[k] - intercept - slope * k));
        }
        while (first > 0 && Math.Abs(logs[first - 1] - intercept - slope * (first - 1)) <= band)
        {
            first--;
        }
        return new GrowthFit(Math.Exp(Line(logs, first).Slope), first, end - first);
    }

    private static (double Slope, double Intercept) Line(double[] values, int first)
    {
        int count = values.Length - first;
        double centre = first + 0.5 * (count - 1);
        double mean = 0.0;
        for (int k = first; k < values.Length; k++)
        {
            mean += values[k] / count;
        }
        double product = 0.0;
        double squares = 0.0;
        for (int k = first; k < values.Length; k++)
        {
            product += (k - centre) * (values[k] - mean);
            squares += (k - centre) * (k - centre);
        }
        return (product / squares, mean - product / squares * centre);
    }
}
