// The three clippings against their definitions, at every scale, and what of the certificate survives them.

using Bptt.Remedies;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Remedies;

public class GradientClippingTests
{
    private static readonly Gradients Thirteen = new(One(3), One(-4), One(12));

    public static TheoryData<double> Scales => [1.0, 1e200, 1e-200, 1e305, 1e-305, 4e-320];

    [Theory]
    [MemberData(nameof(Scales))]
    public void Each_matrix_is_scaled_by_its_own_norm(double scale)
    {
        Gradients given = scale * Thirteen;
        ClippedGradients clipped = new MatrixNormClipping(3.5 * scale).Apply(given, scale * One(-2));
        clipped.Gradients.Whx.Should().Be(given.Whx, "its norm is within θ");
        clipped.Gradients.Whh[0, 0].Should().BeApproximately(-3.5 * scale, 1e-15 * scale);
        clipped.Gradients.Wqh[0, 0].Should().BeApproximately(3.5 * scale, 1e-15 * scale);
        clipped.InitialStateGradients![0, 0].Should().Be(-2 * scale);
        clipped.Factor.Should().BeNull();
        double tolerance = Math.Max(1e-14 * scale, double.Epsilon);
        clipped.NormBefore.Should().BeApproximately(Math.Sqrt(173) * scale, tolerance);
    }

    [Fact]
    public void The_norm_of_a_matrix_is_that_of_all_its_entries()
    {
        var examples = new Examples(seed: 11);
        var gradients = new Gradients(examples.Matrix(3, 2), examples.Matrix(3, 3), examples.Matrix(4, 3));
        Matrix<double> states = examples.Matrix(3, 5);
        ClippedGradients clipped = new MatrixNormClipping(0.5).Apply(gradients, states);
        foreach ((Matrix<double> before, Matrix<double> after) in new[]
        {
            (gradients.Whx, clipped.Gradients.Whx), (gradients.Whh, clipped.Gradients.Whh),
            (gradients.Wqh, clipped.Gradients.Wqh), (states, clipped.InitialStateGradients!),
        })
        {
            before.FrobeniusNorm().Should().BeGreaterThan(0.5);
            (after - (0.5 / before.FrobeniusNorm() * before)).FrobeniusNorm().Should().BeLessThan(1e-15);
        }
    }

    [Theory]
    [MemberData(nameof(Scales))]
    public void Each_entry_is_moved_into_the_range(double scale)
    {
        ClippedGradients clipped = new ValueClipping(3.5 * scale).Apply(scale * Thirteen, scale * One(-5));
        clipped.Gradients.Whx[0, 0].Should().Be(3 * scale);
        clipped.Gradients.Whh[0, 0].Should().Be(-3.5 * scale);
        clipped.Gradients.Wqh[0, 0].Should().Be(3.5 * scale);
        clipped.InitialStateGradients![0, 0].Should().Be(-3.5 * scale);
        clipped.Factor.Should().BeNull();
        double tolerance = Math.Max(1e-14 * scale, double.Epsilon);
        clipped.NormBefore.Should().BeApproximately(Math.Sqrt(169 + 25) * scale, tolerance);
    }

    [Fact]
    public void What_is_within_the_bounds_is_let_through_untouched()
    {
        Matrix<double> states = One(2);
        foreach (GradientClipping clipping in new GradientClipping[]
        {
            new GlobalNormClipping(14), new MatrixNormClipping(12), new ValueClipping(12),
        })
        {
            ClippedGradients clipped = clipping.Apply(Thirteen, states);
            clipped.Gradients.Should().BeSameAs(Thirteen);
            clipped.InitialStateGradients.Should().Be(states).And.NotBeSameAs(states);
            clipped.Factor.Should().Be(1.0);
            clipped.NormBefore.Should().BeApproximately(Math.Sqrt(169 + 4), 1e-13);
        }
    }

    [Fact]
    public void A_gradient_whose_norm_alone_overflows_is_clipped_all_the_same()
    {
        var huge = new Gradients(
            Matrix<double>.Build.Dense(2, 2, 1.7e308), Matrix<double>.Build.Dense(2, 2), Matrix<double>.Build.Dense(1, 2, -1e308));
        ClippedGradients clipped = new MatrixNormClipping(4e-3).Apply(huge);
        clipped.NormBefore.Should().Be(double.PositiveInfinity);
        clipped.Gradients.Whx.Enumerate().Should().OnlyContain(v => Math.Abs(v - 2e-3) < 1e-17);
        clipped.Gradients.WhhNorm().Should().Be(0);
        clipped.Gradients.WqhNorm().Should().BeApproximately(4e-3, 1e-17);
    }

    [Fact]
    public void Eulers_identity_survives_clipping_by_matrix_and_the_gauge_identity_does_not()
    {
        var examples = new Examples(seed: 12);
        var forward = ForwardPass.Run(examples.Model(3, 5, 2), examples.Matrix(3, 20));
        var backward = BackwardThroughTime.Run(forward, examples.Matrix(2, 20));
        double limit = 0.5 * backward.Gradients.WhhNorm();
        Gradients clipped = new MatrixNormClipping(limit).Apply(backward.Gradients).Gradients;
        GradientCertificate.Run(backward, clipped).Verdict.Should().Be(Verdict.Failed);

        double ofOutputs = Enumerable.Range(1, 20).Sum(t => backward.OutputGradient(t) * forward.Output(t));
        double factor = Math.Min(1.0, limit / backward.Gradients.WqhNorm());
        forward.Model.Wqh.PointwiseMultiply(clipped.Wqh).Enumerate().Sum()
            .Should().BeApproximately(factor * ofOutputs, 1e-13);

        Gradients byValue = new ValueClipping(0.3 * backward.Gradients.Whh.Enumerate().Max(Math.Abs)).Apply(backward.Gradients).Gradients;
        GradientCertificate.Run(backward, byValue).Verdict.Should().Be(Verdict.Failed);
    }

    [Fact]
    public void Gradients_of_initial_states_have_as_many_rows_as_there_are_hidden_units()
    {
        var examples = new Examples(seed: 13);
        Gradients gradients = BackwardThroughTime.Run(
            ForwardPass.Run(examples.Model(2, 4, 1), examples.Matrix(2, 3)), examples.Matrix(1, 3)).Gradients;
        FluentActions.Invoking(() => new GlobalNormClipping(1.0).Apply(gradients, examples.Matrix(3, 2)))
            .Should().Throw<ArgumentException>().WithMessage("initialStateGradients*4×2*got 3×2*");
    }

    [Fact]
    public void Clippings_print_their_settings()
    {
        new GlobalNormClipping(0.1).ToString().Should().Be("GlobalNormClipping(norm 0.1)");
        new MatrixNormClipping(2).ToString().Should().Be("MatrixNormClipping(norm 2)");
        new ValueClipping(1e-3).ToString().Should().Be("ValueClipping(value 0.001)");
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);
}
