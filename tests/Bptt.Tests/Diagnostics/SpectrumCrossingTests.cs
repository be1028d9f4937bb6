// When states and gradients overflow or vanish, told before any training: against the same powers taken step by step, against
// passes, and where closed forms tell it.

using Bptt.Diagnostics;
using MathNet.Numerics.LinearAlgebra;
using static Bptt.Tests.Diagnostics.SpectrumModels;

namespace Bptt.Tests.Diagnostics;

public class SpectrumCrossingTests
{
    private static readonly double[] Radii = [0.3, 0.5, 0.7, 0.8, 1.2, 1.4, 2.2];

    [Fact]
    public void Steps_are_those_of_powers_taken_one_by_one()
    {
        for (int seed = 1; seed <= 32; seed++)
        {
            var random = new Examples(seed);
            int h = 1 + seed % 5;
            double radius = Radii[seed % Radii.Length];
            LinearRnn model = random.Model(1 + seed % 3, h, 1 + seed % 2, radius);
            if (seed % 4 == 0)
            {
                model = new LinearRnn(1e120 * model.Whx, model.Whh + 5 * model.Whh.StrictlyUpperTriangle(), 1e-150 * model.Wqh);
            }
            var spectrum = Spectrum.Of(model);
            (long? overflow, long? vanish) = StepByStep(model.Whh, model.Whx);
            (spectrum.StateOverflowStep, spectrum.StateVanishStep).Should().Be((overflow + 1, vanish + 1), "seed {0}", seed);
            (overflow, vanish) = StepByStep(model.Whh.Transpose(), model.Wqh.Transpose());
            (spectrum.GradientOverflowLag, spectrum.GradientVanishLag).Should().Be((overflow, vanish), "seed {0}", seed);
        }
    }

    [Fact]
    public void A_pass_overflows_where_it_was_told()
    {
        for (int seed = 1; seed <= 6; seed++)
        {
            LinearRnn model = new Examples(seed).Model(1, seed, 1, spectralRadius: 1.5);
            var spectrum = Spectrum.Of(model);
            var inputs = Matrix<double>.Build.Dense(1, 1800);
            inputs[0, 0] = 1.0;
            var forward = ForwardPass.Run(new LinearRnn(model.Whx, model.Whh, 1e-10 * model.Wqh), inputs);
            // The norm may exceed the largest double a little before an entry does.
            long told = spectrum.StateOverflowStep!.Value;
            ((long)forward.FirstNonFiniteStep!.Value).Should().BeInRange(told, seed == 1 ? told : told + 6, "seed {0}", seed);
        }
    }

    [Fact]
    public void A_pass_is_zero_from_where_it_was_told()
    {
        for (int seed = 1; seed <= 6; seed++)
        {
            LinearRnn model = new Examples(seed).Model(1, seed, 1, spectralRadius: 0.6);
            var spectrum = Spectrum.Of(model);
            var inputs = Matrix<double>.Build.Dense(1, 1500);
            inputs[0, 0] = 1.0;
            var forward = ForwardPass.Run(model, inputs);
            Matrix<double> outputGradients = Matrix<double>.Build.Dense(1, 1500);
            outputGradients[0, 1499] = 1.0;
            var backward = BackwardThroughTime.Run(forward, outputGradients);

            int state = (int)spectrum.StateVanishStep!.Value;
            forward.HiddenState(state).L2Norm().Should().Be(0, "seed {0}", seed);
            forward.HiddenState(state - 20).L2Norm().Should().BeGreaterThan(0, "seed {0}", seed);
            int gradient = 1500 - (int)spectrum.GradientVanishLag!.Value;
            backward.HiddenStateGradient(gradient).L2Norm().Should().Be(0, "seed {0}", seed);
            backward.HiddenStateGradient(gradient + 20).L2Norm().Should().BeGreaterThan(0, "seed {0}", seed);
        }
    }

    [Theory]
    [InlineData(1.0001)]
    [InlineData(1.000001)]
    [InlineData(0.9999)]
    [InlineData(1 - 1e-9)]
    public void Slow_growth_and_decay_are_told_over_millions_of_steps(double radius)
    {
        // ‖(ρR)ᵏ W_hx‖ = ρᵏ √2
        var spectrum = Spectrum.Of(Model(radius * Rotation(0.7)));
        double bound = radius > 1 ? 1024 * Math.Log(2) : Math.Log(1e-290);
        double expected = 1 + Math.Ceiling((bound - 0.5 * Math.Log(2)) / Math.Log(radius));
        long? told = radius > 1 ? spectrum.StateOverflowStep : spectrum.StateVanishStep;
        ((double)told!.Value).Should().BeApproximately(expected, 1e-6 * expected);
        (radius > 1 ? spectrum.StateVanishStep : spectrum.StateOverflowStep).Should().BeNull();
    }

    [Fact]
    public void A_fading_Jordan_block_takes_its_polynomial_time()
    {
        // e_1 of (Jᵏ) e_2 is k λ^(k−1)
        Matrix<double> whh = Jordan(0.998, 2);
        var spectrum = Spectrum.Of(new LinearRnn(
            Matrix<double>.Build.DenseOfArray(new double[,] { { 0 }, { 1 } }), whh, Matrix<double>.Build.Dense(1, 2, 1)));
        long k = spectrum.StateVanishStep!.Value - 1;
        LogNorm(k).Should().BeLessThan(Math.Log(1e-290));
        LogNorm(k - 1).Should().BeGreaterThanOrEqualTo(Math.Log(1e-290));
        spectrum.StateOverflowStep.Should().BeNull();

        double LogNorm(double steps) => Math.Log(Math.Sqrt(steps * steps + 0.998 * 0.998)) + (steps - 1) * Math.Log(0.998);
    }

    [Fact]
    public void A_turned_Jordan_block_fades_about_as_step_by_step()
    {
        for (int h = 2; h <= 10; h += 2)
        {
            Matrix<double> q = new Examples(h).Matrix(h, h).QR().Q;
            LinearRnn model = Model(q * Jordan(0.9, h) * q.Transpose());
            (long? overflow, long? vanish) = StepByStep(model.Whh, model.Whx);
            var spectrum = Spectrum.Of(model);
            spectrum.StateOverflowStep.Should().Be(overflow).And.BeNull();
            ((double)spectrum.StateVanishStep!.Value).Should().BeApproximately(vanish!.Value, 0.05 * vanish.Value, "h = {0}", h);
        }
    }

    [Fact]
    public void What_the_inputs_do_not_reach_or_the_outputs_do_not_see_does_not_count()
    {
        var whx = Matrix<double>.Build.DenseOfArray(new double[,] { { 0 }, { 1 } });
        var spectrum = Spectrum.Of(new LinearRnn(whx, Diagonal(2, 0.5), whx.Transpose()));
        (spectrum.StateOverflowStep, spectrum.StateVanishStep).Should().Be((null, 965)); // 2^−964 < 1e-290 < 2^−963
        (spectrum.GradientOverflowLag, spectrum.GradientVanishLag).Should().Be((null, 964));

        // Through a weight of 2^-600 it does: the growing unit is (2^(k+1) − …)/3 · 2^-600, beyond 2^1024 from k = 1625 on.
        Matrix<double> coupled = Matrix<double>.Build.DenseOfArray(new double[,] { { 2, Math.ScaleB(1, -600) }, { 0, 0.5 } });
        Spectrum.Of(new LinearRnn(whx, coupled, whx.Transpose())).StateOverflowStep.Should().Be(1626);
    }

    [Fact]
    public void Zero_weights_let_nothing_through()
    {
        Matrix<double> zero = Matrix<double>.Build.Dense(2, 2);
        var spectrum = Spectrum.Of(new LinearRnn(zero, Diagonal(2, 2), zero));
        (spectrum.StateOverflowStep, spectrum.StateVanishStep).Should().Be((null, 1));
        (spectrum.GradientOverflowLag, spectrum.GradientVanishLag).Should().Be((null, 0));
        spectrum = Spectrum.Of(new LinearRnn(Diagonal(1, 1), zero, Diagonal(1, 1)));
        (spectrum.StateVanishStep, spectrum.GradientVanishLag).Should().Be((2, 1));
    }

    [Fact]
    public void A_response_may_overflow_before_it_fades()
    {
        Matrix<double> whh = Matrix<double>.Build.DenseOfArray(new double[,] { { 0.5, 1e50 }, { 0, 0.5 } });
        var spectrum = Spectrum.Of(new LinearRnn(
            Matrix<double>.Build.DenseOfArray(new double[,] { { 0 }, { 1e300 } }), whh, Matrix<double>.Build.Dense(1, 2, 1)));
        spectrum.StateOverflowStep.Should().Be(2);
        spectrum.StateVanishStep.Should().NotBeNull();
    }

    /// <summary>The first k with ‖Aᵏ B‖₂ beyond the largest double, and the first from which on it is below 1e-290.</summary>
    private static (long? Overflow, long? Vanish) StepByStep(Matrix<double> a, Matrix<double> b)
    {
        long? overflow = null;
        long? vanish = null;
        double log2Scale = 0;
        for (int k = 0; k <= 16_000; k++)
        {
            double scaledNorm = b.L2Norm();
            double norm = Math.Log2(scaledNorm) + log2Scale;
            overflow ??= norm > 1024 ? k : null;
            vanish = norm < Math.Log2(1e-290) ? vanish ?? k : null;
            if (Math.Abs(norm) > 4000)
            {
                break; // it has gone for good
            }
            int exponent = Math.ILogB(scaledNorm);
            b = a * b.Map(value => Math.ScaleB(value, -exponent));
            log2Scale += exponent;
        }
        return (overflow, vanish);
    }
}
