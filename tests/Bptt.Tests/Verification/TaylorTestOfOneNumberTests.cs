// The Taylor test of losses that are any function of how far the weights have moved: what it says of one that is
// linear, that is rounded, of which few remainders stand clear, or that turns.

using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

public class TaylorTestOfOneNumberTests
{
    [Fact]
    public void A_linear_loss_passes_where_the_slope_is_known_and_cannot_be_told_where_it_drowns()
    {
        TaylorTest known = Run(s => 2.0 * s, slope: 2.0);
        (known.Verdict, known.Rate, known.Remainders.Count).Should().Be((Verdict.Passed, null, 0));
        // Beside 1e6 the slope is known to some 1e-5 only.
        TaylorTest drowned = Run(s => 1e6 + (2.0 * s), slope: 2.0);
        (drowned.Verdict, drowned.Rate, drowned.Remainders.Count).Should().Be((Verdict.Inconclusive, null, 0));
        Run(s => 2.0 * s, slope: 2.0 * (1.0 + 1e-4)).Verdict.Should().Be(Verdict.Failed);
    }

    [Fact]
    public void One_remainder_is_no_rate_and_two_are()
    {
        // s² / 4ᵏ beside 1e3: the rounding that counts is about 1e-9.
        int[] counts = new int[40];
        for (int k = 0; k < counts.Length; k++)
        {
            double curvature = Math.ScaleB(1.0, -k);
            TaylorTest test = Run(s => 1e3 + s + (curvature * s * s), slope: 1.0);
            counts[k] = test.Remainders.Count;
            (test.Rate is null).Should().Be(counts[k] < 2, "{0} remainders, s² times 2^-{1}", counts[k], k);
            if (test.Rate is double rate)
            {
                rate.Should().BeApproximately(2.0, 0.02);
                test.Verdict.Should().Be(Verdict.Passed);
            }
            else
            {
                test.Verdict.Should().Be(
                    counts[k] == 0 ? Verdict.Passed : Verdict.Inconclusive,
                    "{0} remainders",
                    counts[k]);
            }
        }
        counts.Should().Contain([0, 1, 2, 3]).And.BeInDescendingOrder();
    }

    [Fact]
    public void A_slope_that_a_flat_and_noisy_loss_does_not_have_fails()
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            int round = seed;
            TaylorTest test = Run(
                s => 1.0 + (1e-12 * new Random(BitConverter.DoubleToInt64Bits(s).GetHashCode() + round).NextDouble()),
                slope: 1.0,
                seed);
            test.Verdict.Should().Be(Verdict.Failed, "seed {0}: {1}", seed, test);
            test.Rate.Should().BeApproximately(1.0, 1e-3);
        }
    }

    [Fact]
    public void A_kink_at_the_point_is_no_wrong_slope()
    {
        // |s| has the slopes 1 and −1: remainders are in proportion to the step, but of one sign on either side.
        Run(Math.Abs, slope: 0.0).Verdict.Should().Be(Verdict.Inconclusive);
        Run(s => Math.Max(s, 0.0), slope: 0.0).Verdict.Should().Be(Verdict.Inconclusive, "a kink on one side");
    }

    [Fact]
    public void A_slope_that_the_curvature_hides_is_not_known()
    {
        // ε is at least 2⁻³⁶ / 8, but s² stands clear of rounding at once and hides a slope of 1e-13.
        TaylorTest test = Run(s => 1.0 + (1e-9 * s) + (s * s), slope: 1e-9);
        test.Rate.Should().BeApproximately(2.0, 0.01);
        test.Verdict.Should().Be(Verdict.Inconclusive, "{0}", test);
    }

    /// <summary>The Taylor test of φ(s), where the weights have moved by s v.</summary>
    private static TaylorTest Run(Func<double, double> loss, double slope, int seed = 1)
    {
        Matrix<double> zero = Matrix<double>.Build.Dense(1, 1);
        var forward = ForwardPass.Run(new LinearRnn(zero.Add(0.8), zero, zero.Add(1.3)), zero.Add(1.0));
        var direction = new RandomDirection(forward, seed, movesInitialStates: false, movesInputs: false);
        TangentDirection v = direction.Direction;
        // o = (W_hx + s v_hx) (W_qh + s v_qh) x; of its two solutions for s that which is 0 at the point.
        (double whx, double wqh) = (0.8, 1.3);
        double linear = (whx * v.Wqh![0, 0]) + (wqh * v.Whx![0, 0]);
        double square = v.Whx[0, 0] * v.Wqh[0, 0];
        double origin = forward.Output(1)[0];
        var objective = new LossOfOutput(o =>
        {
            double root = Math.Sqrt((linear * linear) + (4.0 * square * (o - origin)));
            return loss(2.0 * (o - origin) / (linear + Math.CopySign(root, linear)));
        });
        return TaylorTest.Run(
            forward, objective, new Gradients(zero.Add(slope / v.Whx[0, 0]), zero, zero), seed: seed);
    }

    private sealed class LossOfOutput(Func<double, double> loss) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => loss(output[0]);

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            throw new NotSupportedException("Gradients are given.");
    }
}
