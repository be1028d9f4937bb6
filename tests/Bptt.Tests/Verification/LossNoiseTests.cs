// The rounding of a loss as measured from its values: about right for known noise, none for smooth functions and kinks.

using Bptt.Verification;

namespace Bptt.Tests.Verification;

public class LossNoiseTests
{
    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-6)]
    [InlineData(1e-12)]
    public void Known_noise_is_found(double size)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            int round = seed;
            double noise = LossNoise.Of(s => 1.0 + (0.3 * s) + (s * s)
                + (size * (new Random(HashCode.Combine(s, round)).NextDouble() - 0.5)));
            noise.Should().BeInRange(0.1 * size, 20.0 * size, "seed {0}", seed);
        }
    }

    [Fact]
    public void The_height_of_stairs_is_found_where_they_lie_on_a_parabola()
    {
        // Whole numbers of (2²⁶ s)²: at a spacing of 2⁻²⁶ differences of second order are all alike.
        double noise = LossNoise.Of(s => Math.Floor(Math.ScaleB(s, 26) * Math.ScaleB(s, 26)));
        noise.Should().BeInRange(1.0, 100.0);
    }

    [Fact]
    public void Smooth_functions_and_kinks_are_no_noise()
    {
        LossNoise.Of(_ => 3.0).Should().Be(0.0);
        LossNoise.Of(s => Math.Exp(s)).Should().BeLessThan(1e-13);
        LossNoise.Of(s => 1.0 + Math.Abs(s)).Should().BeLessThan(1e-13);
        LossNoise.Of(s => 1.0 + Math.Abs(s - 1e-7)).Should().BeLessThan(1e-5, "a kink near by counts for a little");
        LossNoise.Of(s => s == 0.0 ? 5.0 : 1.0).Should().Be(0.0, "a spike is at the point alone");
        LossNoise.OfSmallMoves(s => 2.0 + s).Should().BeInRange(1e-16, 1e-14);
        LossNoise.OfSmallMoves(s => s > 0.0 ? double.NaN : 1.0).Should().Be(double.PositiveInfinity);
    }
}
