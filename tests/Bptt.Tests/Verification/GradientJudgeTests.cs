// Where the verdicts of a gradient check turn: at the tolerance itself, at some times the uncertainty, and alike
// whatever the size of the gradient.

using Bptt.Verification;

namespace Bptt.Tests.Verification;

public class GradientJudgeTests
{
    /// <summary>One entry: gradient, derivative, uncertainty.</summary>
    [Theory]
    [InlineData(1.0, 0.75, 0.0, 0.25, Verdict.Passed)] // an error of just the tolerance
    [InlineData(1.0, 0.7, 0.0, 0.25, Verdict.Failed)]
    [InlineData(1.0, 1.0, 0.25, 0.25, Verdict.Passed)] // an uncertainty of just the tolerance
    [InlineData(1.0, 1.0, 0.3, 0.25, Verdict.Inconclusive)]
    [InlineData(1.75, 1.0, 0.25, 0.125, Verdict.Inconclusive)] // an error of just three times the uncertainty
    [InlineData(1.8, 1.0, 0.25, 0.125, Verdict.Failed)]
    [InlineData(-1.8, -1.0, 0.25, 0.125, Verdict.Failed)]
    [InlineData(1.0, -1.0, 0.0, 0.25, Verdict.Failed)]
    [InlineData(0.0, 0.0, 0.0, 0.25, Verdict.Passed)]
    [InlineData(1.0, 0.0, double.PositiveInfinity, 0.25, Verdict.Inconclusive)]
    public void One_entry_is_judged_by_the_tolerance_and_the_uncertainty(
        double analytic, double numeric, double uncertainty, double tolerance, Verdict verdict)
    {
        foreach (int exponent in new[] { 0, 700, -700 })
        {
            ParameterCheck check = Judge(
                [Math.ScaleB(analytic, exponent)],
                [(Math.ScaleB(numeric, exponent), Math.ScaleB(uncertainty, exponent))],
                tolerance);
            check.Verdict.Should().Be(verdict, "times 2^{0}", exponent);
            double largest = Math.Max(Math.Abs(analytic), Math.Abs(numeric));
            check.RelativeError.Should().BeApproximately(
                largest == 0.0 ? 0.0 : Math.Abs(analytic - numeric) / largest, 1e-15);
            check.RelativeUncertainty.Should().Be(uncertainty == 0.0 ? 0.0 : uncertainty / largest);
        }
    }

    /// <summary>A small entry beside one of 1: its error may be ten times what is typical of the uncertainties.
    /// </summary>
    [Theory]
    [InlineData(0.7e-11, Verdict.Passed)]
    [InlineData(1.3e-11, Verdict.Failed)]
    [InlineData(2.5e-11, Verdict.Failed)]
    public void A_small_entry_is_judged_by_what_is_typical_of_all(double error, Verdict verdict)
    {
        foreach (int exponent in new[] { 0, 700, -700 })
        {
            double unit = Math.ScaleB(1.0, exponent);
            // Its own two estimates agree by chance; those of the others, at 1 ± 1.15e-12, do not.
            ParameterCheck check = Judge(
                [unit, unit, unit, error * unit],
                [(unit, 1.15e-12 * unit), (unit, 1.15e-12 * unit), (unit, 1.15e-12 * unit), (0.0, 0.0)],
                tolerance: 1e-6);
            check.Verdict.Should().Be(verdict, "times 2^{0}", exponent);
            check.Worst.Column.Should().Be(3);
        }
    }

    /// <summary>8 ε of the norm of all, where nothing else is uncertain, and ten times that.</summary>
    [Theory]
    [InlineData(1.5e-14, Verdict.Passed)]
    [InlineData(2.0e-14, Verdict.Failed)]
    public void A_small_entry_that_is_certain_may_be_off_by_the_rounding_of_the_largest(double error, Verdict verdict)
    {
        foreach (int exponent in new[] { 0, 700, -700 })
        {
            double unit = Math.ScaleB(1.0, exponent);
            Judge([unit, error * unit], [(unit, 0.0), (0.0, 0.0)], tolerance: 1e-6)
                .Verdict.Should().Be(verdict, "times 2^{0}", exponent);
        }
    }

    [Fact]
    public void The_worst_entries_are_those_furthest_beyond_what_is_allowed_and_then_of_the_largest_error()
    {
        double[] analytic = [1.0, 1.001, 1.002, 10.0, 10.1, 1.003, 1.0];
        ParameterCheck check = Judge(
            analytic,
            [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (10.0, 0.0), (10.0, 0.0), (1.0, 0.0), (1.5, double.PositiveInfinity)],
            tolerance: 1e-6);
        check.WorstEntries.Select(e => e.Column).Should().Equal(4, 5, 2, 1, 6);
        check.EntryCount.Should().Be(100);
        check.CheckedCount.Should().Be(7);
    }

    /// <summary>One direction: ⟨g, v⟩, the norm of its terms, the derivative, its uncertainty.</summary>
    [Theory]
    [InlineData(1.0, 1.0, 0.75, 0.0, 0.25, Verdict.Passed)]
    [InlineData(1.0, 1.0, 0.7, 0.0, 0.25, Verdict.Failed)]
    [InlineData(1.0, 2.0, 0.6, 0.0, 0.25, Verdict.Passed)] // terms that cancel
    [InlineData(0.5, 0.5, 1.0, 0.0, 0.5, Verdict.Passed)]  // or a derivative that is larger
    [InlineData(1.0, 1.0, 1.0, 0.25, 0.25, Verdict.Passed)]
    [InlineData(1.0, 1.0, 1.0, 0.3, 0.25, Verdict.Inconclusive)]
    [InlineData(2.25, 2.25, 1.0, 0.125, 0.25, Verdict.Inconclusive)] // an error of ten times the uncertainty
    [InlineData(2.375, 2.375, 1.0, 0.125, 0.25, Verdict.Failed)]
    [InlineData(1.0, 1.0, 1.0 + 1.5e-14, 0.0, 1e-16, Verdict.Inconclusive)] // 80 ε, whatever the tolerance
    [InlineData(1.0, 1.0, 1.0 + 2.0e-14, 0.0, 1e-16, Verdict.Failed)]
    [InlineData(0.0, 0.0, 0.0, 0.0, 0.25, Verdict.Passed)]
    public void A_direction_is_judged_by_the_tolerance_and_the_uncertainty(
        double analytic, double expected, double numeric, double uncertainty, double tolerance, Verdict verdict)
    {
        DirectionCheck check = GradientJudge.Judge(
            ["W_hh"],
            analytic,
            expected,
            new Derivative(new NumericalDerivative(numeric, uncertainty), DerivativeMethod.Differences),
            tolerance);
        check.Verdict.Should().Be(verdict);
        double scale = Math.Max(expected, Math.Abs(numeric));
        check.RelativeError.Should().Be(scale == 0.0 ? 0.0 : Math.Abs(analytic - numeric) / scale);
    }

    [Fact]
    public void What_underflow_may_have_taken_is_uncertain_but_a_certain_zero_beside_a_zero_gradient()
    {
        var certain = new Derivative(new NumericalDerivative(0.0, 0.0), DerivativeMethod.Differences);
        certain.Within(0.5, analytic: 0.0).Number.Uncertainty.Should().Be(0.0);
        certain.Within(0.5, analytic: 0.25).Number.Uncertainty.Should().Be(0.5);
        new Derivative(new NumericalDerivative(0.0, 1.0), DerivativeMethod.Differences)
            .Within(0.5, analytic: 0.0).Number.Uncertainty.Should().Be(1.5);
    }

    private static ParameterCheck Judge(
        double[] analytic, (double Value, double Uncertainty)[] numeric, double tolerance) =>
        GradientJudge.Judge(
            [.. analytic.Select((_, i) => new EntryName("W_hh", 0, i))],
            analytic,
            Array.ConvertAll(numeric, n => new Derivative(
                new NumericalDerivative(n.Value, n.Uncertainty), DerivativeMethod.Differences)),
            entryCount: 100,
            tolerance);
}
