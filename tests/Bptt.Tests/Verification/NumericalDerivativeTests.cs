// Derivatives of functions whose derivatives are known: as exact as they say, at the steps that suit the function.

using Bptt.Verification;

namespace Bptt.Tests.Verification;

public class NumericalDerivativeTests
{
    private static readonly double[] Factors = [1.0, 0.83, 0.71, 0.59];

    [Theory]
    [InlineData(1e6, 1e-6)]
    [InlineData(-1e6, 1e-6)]
    [InlineData(2.0, 1e-9)]
    [InlineData(1e3, 0.0)]
    public void A_quadratic_is_tried_at_steps_that_are_not_lost_in_the_point(double x, double distance)
    {
        var steps = new List<double>();
        var derivative = NumericalDerivative.OfQuadratic(
            at =>
            {
                steps.Add(Math.Abs(at - x));
                return (0.5 * (at - x - distance) * (at - x - distance)) + (distance == 0.0 ? 1e-8 : 0.0);
            },
            x);
        // At x, a step of 1 away for the curvature, and then four times a thousandth of x.
        double[] expected = [0.0, 1.0, 1.0, .. Factors.SelectMany(factor => new[] { factor, factor }).Select(
            factor => factor * 1e-3 * Math.Abs(x))];
        steps.Should().HaveSameCount(expected);
        for (int i = 0; i < expected.Length; i++)
        {
            steps[i].Should().BeApproximately(expected[i], 1e-6 * Math.Max(expected[i], 1e-3));
        }
        derivative.Value.Should().BeApproximately(-distance, derivative.Uncertainty);
        derivative.Uncertainty.Should().BeLessThan(1e-12 * Math.Abs(x));
    }

    [Fact]
    public void The_step_of_a_quadratic_balances_its_value_and_its_curvature()
    {
        var steps = new List<double>();
        var derivative = NumericalDerivative.OfQuadratic(
            at =>
            {
                steps.Add(Math.Abs(at - 1.0));
                return 400.0 + (5.0 * (at - 1.0)) + (at * at);
            },
            1.0);
        // f = 401 and ½f″ = 1: √401.
        steps.Skip(3).Should().HaveCount(8).And.OnlyContain(step => step >= 0.58 * 20 && step <= 1.01 * Math.Sqrt(401));
        derivative.Value.Should().BeApproximately(7.0, 1e-12);
        (derivative.IsFlat, derivative.HasGap).Should().Be((false, false));
        NumericalDerivative.OfQuadratic(_ => 3.0, 5.0).IsFlat.Should().BeTrue();
    }

    [Fact]
    public void Nothing_is_known_of_what_is_not_finite_near_by()
    {
        var derivative = NumericalDerivative.OfQuadratic(x => x == 0.0 ? 1.0 : double.NaN, 0.0);
        (derivative.Value, derivative.Uncertainty).Should().Be((0.0, double.PositiveInfinity));
    }

    /// <summary>Functions of many scales, from a first step of their own scale or far off it.</summary>
    [Fact]
    public void Smooth_functions_are_as_exact_as_said()
    {
        (string Name, Func<double, double> F, Func<double, double> Derivative)[] functions =
        [
            ("exp", Math.Exp, Math.Exp), ("sin", Math.Sin, Math.Cos),
            ("x⁵", x => Math.Pow(x, 5), x => 5 * Math.Pow(x, 4)),
            ("log cosh", x => Math.Log(Math.Cosh(x)), Math.Tanh), ("1/(1+x²)", x => 1 / (1 + (x * x)),
                x => -2 * x / ((1 + (x * x)) * (1 + (x * x)))),
        ];
        foreach ((string name, Func<double, double> f, Func<double, double> derivative) in functions)
        {
            foreach (double scale in new[] { 1e-6, 1.0, 1e6 })
            {
                foreach (double off in new[] { 0.05, 1.0 })
                {
                    foreach (double x in new[] { 0.7, -1.3, 2.1 })
                    {
                        var found = NumericalDerivative.OfSmooth(
                            y => f(y / scale), scale * x, 0.1 * off * scale, size: scale * Math.Abs(x));
                        double expected = derivative(x) / scale;
                        string where = $"{name} at {x}, scale {scale}, step {off}: {found}";
                        Math.Abs(found.Value - expected).Should().BeLessThanOrEqualTo(found.Uncertainty, where);
                        found.Uncertainty.Should().BeLessThan(1e-8 * Math.Abs(expected), where);
                        found.IsFlat.Should().BeFalse(where);
                    }
                }
            }
        }
    }

    /// <summary>A scale of its own, 32 to 32³ times smaller than the first step.</summary>
    [Theory]
    [InlineData(32.0)]
    [InlineData(1000.0)]
    [InlineData(30_000.0)]
    public void A_function_that_varies_within_the_first_step_is_tried_at_smaller_ones(double times)
    {
        var found = NumericalDerivative.OfSmooth(x => Math.Sin(times * x), 0.3, 1.0, wanted: 1e-6);
        double expected = times * Math.Cos(times * 0.3);
        Math.Abs(found.Value - expected).Should().BeLessThanOrEqualTo(found.Uncertainty);
        found.Uncertainty.Should().BeLessThan(1e-5 * times);
    }

    /// <summary>x exp(−(x / w)²), which at the first step, a half and a quarter of it underflows to 0.</summary>
    [Fact]
    public void A_function_that_is_flat_at_the_first_step_only_is_tried_at_smaller_ones()
    {
        var found = NumericalDerivative.OfSmooth(
            x => x * Math.Exp(-(x / 0.003) * (x / 0.003)), 0.0, 1.0, wanted: 1e-6, noise: 1e-14);
        found.Value.Should().BeApproximately(1.0, 1e-6);
        (found.IsFlat, found.HasGap).Should().Be((false, false));
        found.Uncertainty.Should().BeLessThan(1e-6);
    }

    /// <summary>A function that is 0 but at steps below a thousandth of the first, where it is noise.</summary>
    [Fact]
    public void Where_only_noise_is_seen_near_by_nothing_is_known()
    {
        var found = NumericalDerivative.OfSmooth(
            x => x is 0.0 || Math.Abs(x) > 1e-3 ? 0.0
                : new Random(BitConverter.DoubleToInt64Bits(x).GetHashCode()).NextDouble() - 0.5,
            0.0,
            1.0,
            noise: 1e-14);
        found.Uncertainty.Should().Be(double.PositiveInfinity);
        NumericalDerivative.OfSmooth(_ => 0.0, 0.0, 1.0).Should().Be(new NumericalDerivative(0.0, 0.0, IsFlat: true));
    }

    /// <summary>Twice the spread of the four estimates, the least that rounding does to one, and the gap.</summary>
    [Theory]
    [InlineData(0.0)]
    [InlineData(1e-3)]
    public void The_uncertainty_of_a_quadratic_is_what_its_differences_disagree_by_and_their_rounding(double noise)
    {
        double[] slopes = [2.0, 2.25, 2.125, 2.5];
        double[] curvatures = [0.5, 0.75, 0.5, 0.25];
        // At step 1, for the curvature, and then at the four: what is odd and what is even in the step.
        int calls = 0;
        var steps = new List<double>();
        var derivative = NumericalDerivative.OfQuadratic(
            x =>
            {
                int pair = (calls++ - 3) / 2;
                if (calls <= 3)
                {
                    return 1.0 + (x * x);
                }
                steps.Add(x);
                return 1.0 + (slopes[pair] * x) + (curvatures[pair] * x * x);
            },
            0.0,
            noise);
        steps.Should().HaveCount(8);
        double[] bends = [.. curvatures.Select((c, i) => 2.0 * c * Math.Abs(steps[2 * i]))];
        double[] gaps = [.. Enumerable.Range(0, 3).Select(i => Intercept(i))];
        Array.Sort(gaps);
        double gap = gaps[0] * gaps[2] > 0.0 && gaps.Min(Math.Abs) >= 0.25 * gaps.Max(Math.Abs) ? gaps[1] : 0.0;
        double rounding = Enumerable.Range(0, 4).Min(i =>
        {
            double step = Math.Abs(steps[2 * i]);
            double largest = 1.0 + (slopes[i] * step) + (curvatures[i] * step * step);
            return Math.Max(noise, Math.ScaleB(largest, -48)) / (2.0 * step);
        });
        derivative.Value.Should().BeApproximately(0.5 * (2.125 + 2.25), 1e-14);
        derivative.Uncertainty.Should().BeApproximately((2.0 * 0.5) + rounding + Math.Abs(gap), 1e-14);
        derivative.HasGap.Should().Be(gap != 0.0);

        // The straight line through two bends, at step zero.
        double Intercept(int i)
        {
            (double large, double small) = (Math.Abs(steps[2 * i]), Math.Abs(steps[(2 * i) + 2]));
            return ((large * bends[i + 1]) - (small * bends[i])) / (large - small);
        }
    }

    [Fact]
    public void Estimates_of_an_exact_sum_are_trusted_as_far_as_they_agree_and_rounding_and_underflow_allow()
    {
        var found = NumericalDerivative.OfExact([3.0, 1.0, 2.0], magnitude: 1024.0, floor: 0.125);
        found.Value.Should().Be(2.0);
        found.Uncertainty.Should().Be(4.0 + (4096.0 * Math.ScaleB(1.0, -52)) + 0.125);
        found.IsFlat.Should().BeFalse();
        NumericalDerivative.OfExact([0.0, 0.0, 0.0], 0.0, 0.0).IsFlat.Should().BeTrue();
        NumericalDerivative.OfExact([0.0, 0.0, 1.0], 0.0, 0.0).IsFlat.Should().BeFalse();
        NumericalDerivative.OfExact([0.0, double.NaN, 1.0], 1.0, 0.0).Uncertainty
            .Should().Be(double.PositiveInfinity);
        NumericalDerivative.OfExact([0.0, 0.0, 1.0], double.PositiveInfinity, 0.0).Uncertainty
            .Should().Be(double.PositiveInfinity);
    }
}
