// The noise of a function by a table of differences, written out in plain loops after Moré and Wild (2011): the
// reference for LossNoise.

namespace Bptt.Tests.Verification;

internal static class PlainNoise
{
    private static readonly double[] Places = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];

    /// <summary>Over spacings 2⁻⁵², 2⁻⁵⁰ … until six were seen and the value changes by a thousandth: four times the
    /// largest estimate that the next spacing does not exceed threefold, or the least change if that is more.</summary>
    public static double Of(Func<double, double> f)
    {
        double centre = f(0.0);
        double leastChange = 0.0;
        double noise = 0.0;
        double last = 0.0;
        int seen = 0;
        for (double spacing = Math.Pow(2.0, -52); double.IsFinite(spacing); spacing *= 4.0)
        {
            double[] values = Values(f, spacing);
            if (values.Any(value => !double.IsFinite(value)))
            {
                break;
            }
            double estimate = Estimate(values);
            if (leastChange == 0.0)
            {
                leastChange = Steps(values).Where(step => step > 0.0).Append(double.MaxValue).Min();
                leastChange = leastChange == double.MaxValue ? 0.0 : leastChange;
            }
            if (last > 0.0 && estimate <= 3.0 * last)
            {
                noise = new[] { noise, last, estimate }.Max();
            }
            last = estimate;
            if (Steps(values).Count(step => step > 0.0) > 3)
            {
                seen++;
            }
            double change = values.Max(value => Math.Abs(value - centre)) / values.Max(value => Math.Abs(value));
            if (seen >= 6 && change > 1e-3)
            {
                break;
            }
        }
        return 4.0 * Math.Max(noise, leastChange);
    }

    /// <summary>At a spacing of four and of 64 units in the last place: four times the estimate, and at the first how
    /// far the five values around the centre move.</summary>
    public static double OfSmallMoves(Func<double, double> f)
    {
        double centre = f(0.0);
        double noise = 0.0;
        foreach (int exponent in new[] { -50, -46 })
        {
            double[] values = Values(f, Math.Pow(2.0, exponent));
            if (values.Any(value => !double.IsFinite(value)))
            {
                return double.PositiveInfinity;
            }
            noise = Math.Max(noise, 4.0 * Estimate(values));
            for (int i = 1; i <= 5 && exponent == -50; i++)
            {
                noise = Math.Max(noise, Math.Abs(values[i] - centre));
            }
        }
        return noise;
    }

    /// <summary>Of seven values; at −2½, −1½ … 3½ spacings.</summary>
    private static double[] Values(Func<double, double> f, double spacing) =>
        [.. Places.Select(place => f(place * spacing))];

    private static double Estimate(double[] values)
    {
        if (Steps(values).Count(step => step > 0.0) <= 3)
        {
            return Steps(values).Max(); // a stair
        }
        double[] deviations = new double[7];
        bool[] hasBothSigns = new bool[7];
        double[] table = values;
        for (int order = 1; order <= 6; order++)
        {
            double[] next = new double[7 - order];
            double squares = 0.0;
            for (int i = 0; i < next.Length; i++)
            {
                next[i] = table[i + 1] - table[i];
                squares += next[i] * next[i];
            }
            double gamma = Factorial(order) * Factorial(order) / Factorial(2 * order);
            deviations[order] = Math.Sqrt(gamma * squares / next.Length);
            hasBothSigns[order] = next.Any(x => x < 0.0) && next.Any(x => x > 0.0);
            table = next;
        }
        for (int order = 1; order <= 4; order++)
        {
            double[] three = [deviations[order], deviations[order + 1], deviations[order + 2]];
            if (hasBothSigns[order] && three.Max() <= 4.0 * three.Min())
            {
                return deviations[order];
            }
        }
        return 0.0;
    }

    private static double[] Steps(double[] values) =>
        [.. Enumerable.Range(1, 6).Select(i => Math.Abs(values[i] - values[i - 1]))];

    private static double Factorial(int n) => n <= 1 ? 1.0 : n * Factorial(n - 1);
}
