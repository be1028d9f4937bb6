// The derivative of a function of one number, from its values alone, and how far it can be trusted.

namespace Bptt.Verification;

/// <summary>A derivative and how far it is likely to be off: +∞ where the values tell nothing.</summary>
internal readonly record struct NumericalDerivative(double Value, double Uncertainty)
{
    /// <summary>The least rounding of one evaluation of a loss, which sums many rounded terms.</summary>
    private const double RoundingOfLoss = 16.0 * 2.220446049250313e-16;

    private const int MaxLevels = 10;

    /// <summary>
    /// The derivative is estimated once for each, from steps that share no rounding. How rounding grows inside a loss
    /// (residuals that cancel, recurrences that amplify) cannot be known from outside, but it makes the estimates differ,
    /// and so does a kink.
    /// </summary>
    private static readonly double[] StepFactors = [1.0, 0.83, 0.71, 0.59];

    private static readonly NumericalDerivative Unknown = new(0.0, double.PositiveInfinity);

    /// <summary>
    /// Central differences of a polynomial of degree two at most: no truncation error at any step, so the step is taken
    /// where rounding weighs least, near √(f / ½f″).
    /// </summary>
    public static NumericalDerivative OfQuadratic(Func<double, double> f, double x)
    {
        double step = 1.0;
        double centre = f(x);
        double curvature = Curvature(step);
        while (!double.IsFinite(curvature) && step > 1e-200)
        {
            step *= 1e-10;
            curvature = Curvature(step);
        }
        double balanced = Math.Sqrt(Math.Abs(centre) / curvature);
        if (double.IsFinite(balanced) && balanced > 0.0)
        {
            step = Math.Max(balanced, 1e-3 * Math.Abs(x)); // not so small that x + step loses it
        }
        return FromSeveral(factor => Central(f, x, factor * step));

        double Curvature(double s) => Math.Abs(f(x + s) + f(x - s) - 2.0 * centre) / (2.0 * s * s);
    }

    /// <summary>
    /// Central differences at ever smaller steps, extrapolated to step zero (Ridders 1982, "Accurate computation of F′(x)
    /// and F′(x)F″(x)"). Assumes unchecked that f is smooth near x; a kink at x itself gives the mean of its two sides.
    /// </summary>
    public static NumericalDerivative OfSmooth(Func<double, double> f, double x, double firstStep) =>
        FromSeveral(factor => Extrapolated(f, x, factor * firstStep));

    /// <summary>The median of several estimates; they are trusted as far as they agree.</summary>
    private static NumericalDerivative FromSeveral(Func<double, NumericalDerivative> estimate)
    {
        NumericalDerivative[] estimates = Array.ConvertAll(StepFactors, factor => estimate(factor));
        if (!estimates.All(e => double.IsFinite(e.Value) && double.IsFinite(e.Uncertainty)))
        {
            return Unknown;
        }
        double[] values = estimates.Select(e => e.Value).Order().ToArray();
        int middle = values.Length / 2;
        double median = 0.5 * (values[middle - 1] + values[middle]);
        return new(median, 2.0 * (values[^1] - values[0]) + estimates.Min(e => e.Uncertainty));
    }

    /// <summary>Even powers of the step are cancelled one after the other, until rounding takes over.</summary>
    private static NumericalDerivative Extrapolated(Func<double, double> f, double x, double firstStep)
    {
        NumericalDerivative best = Unknown;
        double smallestChange = double.PositiveInfinity;
        double[] previous = [];
        double step = firstStep;
        for (int level = 0; level < MaxLevels; level++, step *= 0.5)
        {
            NumericalDerivative plain = Central(f, x, step);
            if (plain.Uncertainty > smallestChange)
            {
                break; // from here on rounding alone exceeds what has been reached
            }
            double[] current = new double[level + 1];
            current[0] = plain.Value;
            double factor = 1.0;
            for (int order = 1; order <= level; order++)
            {
                factor *= 4.0; // (step ratio 2)²
                current[order] = current[order - 1] + (current[order - 1] - previous[order - 1]) / (factor - 1.0);
                double change = Math.Max(
                    Math.Abs(current[order] - current[order - 1]), Math.Abs(current[order] - previous[order - 1]));
                if (change < smallestChange)
                {
                    smallestChange = change;
                    best = plain with { Value = current[order] };
                }
            }
            previous = current;
        }
        return best;
    }

    private static NumericalDerivative Central(Func<double, double> f, double x, double step)
    {
        double above = f(x + step);
        double below = f(x - step);
        double width = (x + step) - (x - step);
        return new((above - below) / width, RoundingOfLoss * Math.Max(Math.Abs(above), Math.Abs(below)) / width);
    }
}
