// Clipping by the global norm.

using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Remedies;

public class GlobalNormClippingTests
{
    /// <summary>Norm 13.</summary>
    private static readonly Gradients Thirteen = new(One(3), One(4), One(12));

    [Fact]
    public void A_gradient_within_the_norm_is_let_through_untouched()
    {
        ClippedGradients clipped = new GlobalNormClipping(13.0).Apply(Thirteen);
        clipped.Gradients.Should().BeSameAs(Thirteen);
        (clipped.NormBefore, clipped.Gradients.GlobalNorm()).Should().Be((13.0, 13.0));
        clipped.InitialStateGradients.Should().BeNull();
    }

    [Fact]
    public void A_larger_one_is_scaled_to_the_norm_as_a_whole()
    {
        ClippedGradients clipped = new GlobalNormClipping(6.5).Apply(Thirteen);
        clipped.Gradients.Whx.Should().Be(One(1.5));
        clipped.Gradients.Whh.Should().Be(One(2));
        clipped.Gradients.Wqh.Should().Be(One(6));
        (clipped.NormBefore, clipped.Gradients.GlobalNorm()).Should().Be((13.0, 6.5));
    }

    [Fact]
    public void Initial_states_count_and_are_scaled_too()
    {
        Matrix<double> initialStates = One(84);
        ClippedGradients clipped = new GlobalNormClipping(8.5).Apply(Thirteen, initialStates);
        clipped.NormBefore.Should().BeApproximately(85, 1e-13);
        clipped.InitialStateGradients![0, 0].Should().BeApproximately(8.4, 1e-14);
        clipped.Gradients.Whx[0, 0].Should().BeApproximately(0.3, 1e-15);
        initialStates[0, 0].Should().Be(84, "what is given stays");
    }

    [Theory]
    [InlineData(1e300)]
    [InlineData(1e-300)]
    public void Norms_neither_overflow_nor_underflow(double scale)
    {
        ClippedGradients clipped = new GlobalNormClipping(0.5 * scale).Apply(scale * Thirteen);
        clipped.NormBefore.Should().BeApproximately(13 * scale, 1e-14 * scale);
        clipped.Gradients.GlobalNorm().Should().BeApproximately(0.5 * scale, 1e-15 * scale);
    }

    [Fact]
    public void A_norm_beyond_the_largest_double_is_clipped_all_the_same()
    {
        ClippedGradients clipped = new GlobalNormClipping(1.0).Apply(new Gradients(One(1.7e308), One(0), One(-1.7e308)));
        clipped.NormBefore.Should().Be(double.PositiveInfinity);
        clipped.Gradients.GlobalNorm().Should().BeApproximately(1.0, 1e-15);
        clipped.Gradients.Whx[0, 0].Should().BeApproximately(Math.Sqrt(0.5), 1e-15);
        clipped.Gradients.Wqh[0, 0].Should().BeApproximately(-Math.Sqrt(0.5), 1e-15);
    }

    [Fact]
    public void A_tiny_bound_on_a_huge_gradient_loses_no_digits()
    {
        ClippedGradients clipped = new GlobalNormClipping(1e-12).Apply(new Gradients(One(1e308), One(0), One(0)));
        clipped.Gradients.Whx[0, 0].Should().BeApproximately(1e-12, 1e-27);
    }

    [Fact]
    public void A_zero_gradient_stays_zero()
    {
        ClippedGradients clipped = new GlobalNormClipping(1.0).Apply(new Gradients(One(0), One(0), One(0)));
        (clipped.NormBefore, clipped.Gradients.GlobalNorm()).Should().Be((0.0, 0.0));
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);
}
