// The derivative of a function of one number, from its values alone, and how far it can be trusted.

namespace Bptt.Verification;

/// <summary>A derivative and a bound on its error that is likely to hold.</summary>
internal readonly record struct NumericalDerivative(double Value, double Uncertainty)
{
    /// <summary>Rounding of one evaluation of a loss, in units of the last place: a pass sums many rounded terms.</summary>
    private const double RoundingOfLoss = 16.0 * 2.220446049250313e-16;

    private const int MaxLevels = 12;

    /// <summary>
    /// (f(x + δ) − f(x − δ)) / 2δ for a polynomial of degree two at most: no truncation error at any step, so the step is
    /// taken large, where rounding weighs least.
    /// </summary>
    public static NumericalDerivative OfQuadratic(Func<double, double> f, double x, double step)
    {
        double above = f(x + step);
        double below = f(x - step);
        double width = (x + step) - (x - step);
        return new((above - below) / width, Noise(above, below, width));
    }

    /// <summary>
    /// Central differences at ever smaller steps, extrapolated to step zero (Ridders 1982, "Accurate computation of F′(x)
    /// and F′(x)F″(x)"): the even powers of the step are cancelled one after the other, and the extrapolation stops where
    /// rounding takes over. Assumes unchecked that f is smooth near x: at a kink it gives the mean of the two sides.
    /// </summary>
    public static NumericalDerivative OfSmooth(Func<double, double> f, double x, double firstStep)
    {
        var best = new NumericalDerivative(0.0, double.PositiveInfinity);
        double[] previous = [];
        double step = firstStep;
        for (int level = 0; level < MaxLevels; level++, step *= 0.5)
        {
            NumericalDerivative plain = OfQuadratic(f, x, step);
            double[] current = new double[level + 1];
            current[0] = plain.Value;
            double factor = 1.0;
            for (int order = 1; order <= level; order++)
            {
                factor *= 4.0; // (step ratio 2)²: cancels the next even power
                current[order] = current[order - 1] + (current[order - 1] - previous[order - 1]) / (factor - 1.0);
                double change = Math.Max(
                    Math.Abs(current[order] - current[order - 1]), Math.Abs(current[order] - previous[order - 1]));
                double uncertainty = change + plain.Uncertainty;
                if (uncertainty < best.Uncertainty)
                {
                    best = new(current[order], uncertainty);
                }
            }
            if (plain.Uncertainty > best.Uncertainty)
            {
                break; // from here on rounding alone exceeds what has been reached
            }
            previous = current;
        }
        return best;
    }

    private static double Noise(double above, double below, double width) =>
        RoundingOfLoss * Math.Max(Math.Abs(above), Math.Abs(below)) / width;
}
