// Difference quotients checked on polynomials of one entry.

namespace Bptt.Tests.Reference;

public class CentralDifferencesTests
{
    private static readonly ScalarProblem<double> Problem = new(
        new double[1, 1], new double[1, 1], new double[1, 1], new double[1, 1], [new double[,] { { 3 } }]);

    [Fact]
    public void Two_points_are_exact_for_a_quadratic_and_not_for_a_cubic()
    {
        CentralDifferences.TwoPoint(Power(2), Problem, Quantity.Inputs, 0, 1).Values[0, 0].Should().Be(6);
        CentralDifferences.TwoPoint(Power(3), Problem, Quantity.Inputs, 0, 1).Values[0, 0].Should().Be(28);
    }

    [Fact]
    public void Five_points_are_exact_for_a_quartic_and_not_for_a_quintic()
    {
        // The quintic is off by −s⁴/30·5! = −4 at step 1.
        CentralDifferences.FivePoint(Power(4), Problem, Quantity.Inputs, 0, (_, _) => 1).Values[0, 0]
            .Should().BeApproximately(108, 1e-12);
        CentralDifferences.FivePoint(Power(5), Problem, Quantity.Inputs, 0, (_, _) => 1).Values[0, 0]
            .Should().BeApproximately(401, 1e-12);
    }

    [Fact]
    public void Noise_grows_with_the_loss_and_shrinks_with_the_step()
    {
        Differences wide = CentralDifferences.TwoPoint(_ => 10, Problem, Quantity.Whh, 0, 1);
        Differences narrow = CentralDifferences.TwoPoint(_ => 10, Problem, Quantity.Whh, 0, 1e-3);
        wide.Values[0, 0].Should().Be(0);
        wide.Noise[0, 0].Should().BeApproximately(8 * Math.ScaleB(1.0, -52) * 10, 1e-20);
        narrow.Noise[0, 0].Should().BeApproximately(1e3 * wide.Noise[0, 0], 1e-17);
    }

    private static Func<ScalarProblem<double>, double> Power(int exponent) =>
        problem => Math.Pow(problem.Inputs[0][0, 0], exponent);
}
