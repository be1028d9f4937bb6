// The derivative of a function of one number, from its values alone, and how far it can be trusted.

using Bptt.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>A derivative and how far it is likely to be off: +∞ where the values tell nothing.</summary>
/// <param name="Value">The derivative; 0 where the values tell nothing.</param>
/// <param name="Uncertainty">How far off it is likely to be.</param>
/// <param name="IsFlat">Whether every value was the same, bit for bit.</param>
/// <param name="HasGap">Whether the derivatives from either side differ by more than chance.</param>
internal readonly record struct NumericalDerivative(
    double Value, double Uncertainty, bool IsFlat = false, bool HasGap = false)
{
    /// <summary>The least rounding of one evaluation of a loss, which sums many rounded terms.</summary>
    private const double RoundingOfLoss = 16.0 * MachineEpsilon.OfDouble;

    private const int MaxLevels = 14;

    /// <summary>
    /// The derivative is estimated once for each, from steps that share no rounding. How rounding grows inside a loss
    /// (residuals that cancel, recurrences that amplify) cannot be known from outside, but it makes the estimates
    /// differ, and so does a kink near by.
    /// </summary>
    private static readonly double[] StepFactors = [1.0, 0.83, 0.71, 0.59];

    /// <summary>Where the first step leads nowhere, because the function varies on a scale of its own, others are
    /// tried: by this ratio smaller, or where rounding is in the way larger.</summary>
    private const double OtherScale = 32.0;

    /// <summary>Up to so many larger ones.</summary>
    private const int LargerScales = 8;

    /// <summary>Beside the first step no step is smaller: x ± s, and what a recurrence makes of it, is rounded, and of
    /// a step near that rounding nothing may be left in any of the estimates.</summary>
    private const double SmallestStep = 1e-6;

    /// <summary>Over a step larger by <see cref="OtherScale"/> a function changes by at least so many times as much;
    /// otherwise the step is beyond what it is smooth over.</summary>
    private const double LeastGrowth = 0.75 * OtherScale;

    /// <summary>Estimates that agree so well do not do so by chance.</summary>
    private const double Known = 0.01;

    /// <summary>The gradient is that of the states as they were rounded, each by some units in the last place of what
    /// is moved: by so much of the size of x the derivative may be one of a point beside it.</summary>
    private const double RoundingOfPoint = 64.0 * MachineEpsilon.OfDouble;

    /// <summary>An uncertainty of up to so many times the least possible rounding is due to rounding.</summary>
    private const double DueToRounding = 100.0;

    private static readonly NumericalDerivative Unknown = new(0.0, double.PositiveInfinity);

    /// <summary>
    /// Central differences of a polynomial of degree two at most: no truncation error at any step, so the step is taken
    /// where rounding weighs least, near √(f / ½f″).
    /// </summary>
    /// <param name="f">The function.</param>
    /// <param name="x">Where.</param>
    /// <param name="noise">How far a value of f is off by rounding, as far as it is known.</param>
    public static NumericalDerivative OfQuadratic(Func<double, double> f, double x, double noise = 0.0)
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
        Difference[] differences = Array.ConvertAll(
            StepFactors, factor => Difference.Of(f, x, centre, factor * step, noise));
        Estimate[] estimates = Array.ConvertAll(differences, d => new Estimate(d.Value, d.Rounding, d.IsFlat));
        return FromSeveral(estimates, GapOfQuadratic(differences));

        double Curvature(double s) => Math.Abs((f(x + s) - centre) + (f(x - s) - centre)) / (2.0 * s * s);
    }

    /// <summary>
    /// Central differences at ever smaller steps, extrapolated to step zero (Ridders 1982, "Accurate computation of
    /// F′(x) and F′(x)F″(x)"). A kink or a jump at x, or close to it, makes the derivative as uncertain as it is large.
    /// </summary>
    /// <param name="f">The function.</param>
    /// <param name="x">Where.</param>
    /// <param name="firstStep">A step over which f is somewhat curved, by a guess.</param>
    /// <param name="wanted">The relative uncertainty that is good enough; beyond it other first steps are
    /// tried.</param>
    /// <param name="noise">How far a value of f is off by rounding, as far as it is known.</param>
    /// <param name="size">What is typical of x, for a function that was computed in rounded numbers of that
    /// size.</param>
    public static NumericalDerivative OfSmooth(
        Func<double, double> f,
        double x,
        double firstStep,
        double wanted = 1e-8,
        double noise = 0.0,
        double size = 0.0)
    {
        double centre = f(x);
        double bestStep = firstStep;
        NumericalDerivative best = Of(firstStep);
        for (double step = firstStep / OtherScale; step > SmallestStep * firstStep && !IsGood(); step /= OtherScale)
        {
            NumericalDerivative other = Of(step);
            if (!other.IsFlat && (best.IsFlat || other.Uncertainty < best.Uncertainty))
            {
                (best, bestStep) = (other, step);
            }
            else if (!other.IsFlat && !IsDueToRounding(other, step))
            {
                best = Unknown; // near by there is more than rounding that the larger step does not see
            }
        }
        for (double step = firstStep; IsDueToRounding(best, step) && !best.HasGap
            && step < firstStep * Math.Pow(OtherScale, LargerScales)
            && !IsGood();)
        {
            double change = Change(step);
            step *= OtherScale;
            if (change > DueToRounding * Rounding(centre) && Change(step) < LeastGrowth * change)
            {
                break; // bounded, or turning: what a step beyond that says of the derivative is too little
            }
            NumericalDerivative other = Of(step);
            if (!(other.Uncertainty < best.Uncertainty))
            {
                break;
            }
            (best, bestStep) = (other, step);
        }

        // Where hardly a digit is known, and it is not for rounding, the function turns within the step, and its
        // derivative may be anything.
        return best.IsFlat || best.Uncertainty <= Known * Math.Abs(best.Value) || IsDueToRounding(best, bestStep)
            ? best
            : Unknown;

        bool IsGood() => best.Uncertainty <= wanted * Math.Abs(best.Value);

        // A kink or a jump would still be there, but a larger step would not see it.
        bool IsDueToRounding(NumericalDerivative found, double step) =>
            found.Uncertainty <= DueToRounding * Rounding(centre) / step;

        double Rounding(double value) => Math.Max(noise, RoundingOfLoss * Math.Abs(value));

        double Change(double step) => Math.Max(Math.Abs(f(x + step) - centre), Math.Abs(f(x - step) - centre));

        NumericalDerivative Of(double step)
        {
            Estimate[] estimates = Array.ConvertAll(
                StepFactors, factor => Estimate.Extrapolated(
                    f, x, centre, factor * step, SmallestStep * firstStep, noise, RoundingOfPoint * size));
            return FromSeveral(estimates, Significant(Array.ConvertAll(estimates, e => e.Gap)));
        }
    }

    /// <summary>Estimates that nothing but rounding parts, of a derivative that is a sum of terms.</summary>
    /// <param name="estimates">At least one.</param>
    /// <param name="magnitude">The sum of the magnitudes of the terms.</param>
    /// <param name="floor">What may have been lost to underflow.</param>
    public static NumericalDerivative OfExact(double[] estimates, double magnitude, double floor)
    {
        double[] values = [.. estimates.Order()];
        return Array.TrueForAll(values, double.IsFinite) && double.IsFinite(magnitude)
            ? new(
                values[values.Length / 2],
                (2.0 * (values[^1] - values[0])) + (4.0 * MachineEpsilon.OfDouble * magnitude) + floor,
                Array.TrueForAll(values, v => v == 0.0))
            : Unknown;
    }

    /// <summary>The median of several estimates; they are trusted as far as they agree, and no further than the gap
    /// between the derivatives from either side.</summary>
    private static NumericalDerivative FromSeveral(Estimate[] estimates, double gap)
    {
        if (!Array.TrueForAll(estimates, e => double.IsFinite(e.Value) && double.IsFinite(e.Rounding))
            || double.IsNaN(gap))
        {
            return Unknown;
        }
        double[] values = [.. estimates.Select(e => e.Value).Order()];
        int middle = values.Length / 2;
        double median = (0.5 * values[middle - 1]) + (0.5 * values[middle]);
        double uncertainty = (2.0 * (values[^1] - values[0])) + estimates.Min(e => e.Rounding) + Math.Abs(gap);
        return new(median, uncertainty, Array.TrueForAll(estimates, e => e.IsFlat), gap != 0.0);
    }

    /// <summary>The gap between the derivatives from either side: f(x+s) + f(x−s) − 2f(x), over s, is f″s where there
    /// is none. What is left at step zero of the straight line through several.</summary>
    private static double GapOfQuadratic(Difference[] differences)
    {
        double[] gaps = new double[differences.Length - 1];
        for (int i = 0; i < gaps.Length; i++)
        {
            (Difference large, Difference small) = (differences[i], differences[i + 1]);
            gaps[i] = ((large.Step * small.Bend) - (small.Step * large.Bend)) / (large.Step - small.Step);
        }
        return Significant(gaps);
    }

    /// <summary>The median of several estimates of one number, where they agree in its sign and about in its size, so
    /// that it is not zero; otherwise 0. NaN where one is not finite.</summary>
    private static double Significant(double[] estimates)
    {
        if (!Array.TrueForAll(estimates, double.IsFinite))
        {
            return double.NaN;
        }
        double[] sorted = [.. estimates.Order()];
        double smallest = estimates.Min(Math.Abs);
        double largest = estimates.Max(Math.Abs);
        return Math.Sign(sorted[0]) == Math.Sign(sorted[^1]) && smallest >= 0.25 * largest
            ? sorted[sorted.Length / 2]
            : 0.0;
    }

    /// <summary>A central difference. The points are x + s and x − s as rounded, of which the distances to x differ a
    /// little:
    /// without a correction by the curvature that would count where a loss is far steeper near by than at x.</summary>
    /// <param name="Step">s.</param>
    /// <param name="Value">(f(x+s) − f(x−s)) / 2s.</param>
    /// <param name="Rounding">What rounding alone may have done to it.</param>
    /// <param name="Bend">(f(x+s) + f(x−s) − 2f(x)) / s.</param>
    /// <param name="IsFlat">Whether the three values are the same.</param>
    private readonly record struct Difference(double Step, double Value, double Rounding, double Bend, bool IsFlat)
    {
        public static Difference Of(Func<double, double> f, double x, double centre, double step, double noise)
        {
            (double right, double left) = (x + step, x - step);
            (double up, double down) = (right - x, x - left);
            double width = up + down;
            double above = f(right);
            double below = f(left);
            double bend = ((above - centre) / up) - ((centre - below) / down);
            return new(
                step,
                ((above - below) / width) - (bend * ((up - down) / width)),
                Math.Max(noise, RoundingOfLoss * Math.Max(Math.Abs(above), Math.Abs(below))) / width,
                bend,
                above == centre && below == centre);
        }
    }

    /// <summary>One estimate of a derivative.</summary>
    private readonly record struct Estimate(double Value, double Rounding, bool IsFlat, double Gap = 0.0)
    {
        /// <summary>The relative change of an extrapolation that has begun to converge.</summary>
        private const double NearlyThere = 1e-7;

        private static readonly Estimate None = new(double.NaN, double.PositiveInfinity, false);

        /// <summary>Even powers of the step are cancelled one after the other, until rounding takes over.</summary>
        public static Estimate Extrapolated(
            Func<double, double> f,
            double x,
            double centre,
            double firstStep,
            double smallestStep,
            double noise,
            double distance)
        {
            Estimate best = None;
            double smallestChange = double.PositiveInfinity;
            double[] previous = [];
            var bends = new List<double>();
            bool isFlat = true;
            double step = firstStep;
            for (int level = 0; level < MaxLevels && step > smallestStep; level++, step *= 0.5)
            {
                var plain = Difference.Of(f, x, centre, step, noise);
                isFlat &= plain.IsFlat;
                if (plain.Rounding > smallestChange)
                {
                    break; // from here on rounding alone exceeds what has been reached
                }
                bends.Add(plain.Bend);
                double before = smallestChange;
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
                        double beside = distance * Math.Abs(plain.Bend) / step;
                        best = new(current[order], plain.Rounding + beside, false, ExtrapolatedGap(bends));
                    }
                }
                previous = current;
                if (smallestChange == before && smallestChange <= NearlyThere * Math.Abs(best.Value))
                {
                    break; // no level improves on it any more
                }
            }
            return best with { IsFlat = isFlat };
        }

        /// <summary>The bend at step zero: it has odd powers of the step only, of which the first two are
        /// cancelled.</summary>
        private static double ExtrapolatedGap(List<double> bends)
        {
            double last = (2.0 * bends[^1]) - bends[^2];
            return bends.Count < 3 ? last : ((8.0 * last) - ((2.0 * bends[^2]) - bends[^3])) / 7.0;
        }
    }
}
