// The certificate: right gradients of every kind of pass satisfy it to rounding, wrong ones do not, and where nothing can be
// said it says so.

using Bptt.Remedies;
using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Verification;

public class GradientCertificateTests(ITestOutputHelper output)
{
    public static TheoryData<Truncation?> Truncations() =>
        [null, Truncation.Lags(1), Truncation.Lags(3), Truncation.Lags(8), Truncation.Windows(1), Truncation.Windows(4),
            Truncation.Randomized(2, seed: 1), Truncation.Randomized(5, seed: 2).WithDraw(3)];

    [Theory]
    [MemberData(nameof(Truncations))]
    public void Right_gradients_pass_in_every_way(Truncation? truncation)
    {
        double worst = 0.0;
        for (int seed = 0; seed < 40; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            int[] lengths = Array.ConvertAll(scenario.Problem.Inputs, inputs => inputs.GetLength(1));
            ForwardPass forward = scenario.Problem.RunForward(Ways.Some(seed).For(scenario.Problem.HiddenSize, lengths));
            var backward = BackwardThroughTime.Run(forward, scenario.Objective, Options(scenario, truncation));

            var certificate = GradientCertificate.Run(backward);

            certificate.Verdict.Should().Be(Verdict.Passed, "{0}: {1}", scenario.Settings, certificate);
            worst = Math.Max(worst, Math.Max(certificate.GaugeResidual, certificate.EulerResidual));

            if (truncation is null or { Kind: TruncationKind.Lags })
            {
                var given = GradientCertificate.Run(
                    forward,
                    Batch(backward),
                    backward.Gradients,
                    backward.InitialStateGradients,
                    Options(scenario, truncation));
                given.Should().BeEquivalentTo(certificate);
            }
        }
        output.WriteLine($"Worst residual, {truncation?.ToString() ?? "not truncated"}: {worst:0.0e-0}");
        worst.Should().BeLessThan(1e-12);
    }

    [Fact]
    public void A_gradient_is_not_certified_as_one_of_another_truncation()
    {
        foreach ((Truncation? actual, Truncation? claimed) in new[]
        {
            (null, Truncation.Lags(3)), (Truncation.Lags(3), null), (Truncation.Lags(3), Truncation.Lags(4)),
            (Truncation.Windows(3), null), (Truncation.Windows(3), Truncation.Lags(3)),
            (Truncation.Windows(4), Truncation.Windows(3)), (null, Truncation.Windows(4)),
            (Truncation.Randomized(4, 1), null), (null, Truncation.Randomized(4, 1)),
            (Truncation.Randomized(4, 1), Truncation.Randomized(4, 1).WithDraw(1)),
            (Truncation.Randomized(4, 1), Truncation.Randomized(5, 1)),
        })
        {
            RandomScenario scenario = ScenarioTable.Of(3, 5, 2, 17, 0.9).First();
            ForwardPass forward = scenario.Problem.RunForward();
            var run = BackwardThroughTime.Run(forward, scenario.Objective, Options(scenario, actual));
            var other = BackwardThroughTime.Run(forward, scenario.Objective, Options(scenario, claimed));
            GradientCertificate.Run(other, run.Gradients).Verdict
                .Should().Be(Verdict.Failed, "{0} as {1}", actual, claimed);
        }
    }

    [Fact]
    public void An_error_of_a_millionth_in_one_entry_fails()
    {
        int wrong = 0;
        for (int seed = 0; seed < 40; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            BackwardThroughTime backward = scenario.RunBackward();
            Gradients g = backward.Gradients;
            if (g.WhhNorm() == 0.0 || g.Whh.RowCount == 1)
            {
                continue; // one hidden unit: its gauge identity does not hold ∂L/∂W_hh
            }
            Matrix<double> whh = g.Whh;
            whh[seed % whh.RowCount, (seed / 3) % whh.RowCount] += 1e-6 * g.GlobalNorm();
            wrong++;
            GradientCertificate.Run(backward, new Gradients(g.Whx, whh, g.Wqh)).Verdict
                .Should().Be(Verdict.Failed, scenario.Settings.ToString());
        }
        wrong.Should().BeGreaterThan(20);
    }

    [Fact]
    public void Clipping_by_the_global_norm_keeps_it_with_the_factor_and_not_without()
    {
        RandomScenario scenario = ScenarioTable.Of(3, 5, 2, 17, 1.0).First();
        BackwardThroughTime backward = scenario.RunBackward();
        ClippedGradients clipped = new GlobalNormClipping(0.1 * backward.Gradients.GlobalNorm()).Apply(backward.Gradients);

        GradientCertificate.Run(backward, clipped.Gradients, clipped.Factor!.Value)
            .Verdict.Should().Be(Verdict.Passed);
        GradientCertificate.Run(backward, clipped.Gradients).Verdict.Should().Be(Verdict.Failed);

        // Clipped matrix by matrix: the certificate must not hold.
        var apart = new Gradients(clipped.Gradients.Whx, backward.Gradients.Whh, clipped.Gradients.Wqh);
        GradientCertificate.Run(backward, apart, clipped.Factor!.Value).Verdict.Should().Be(Verdict.Failed);
    }

    [Fact]
    public void Gradients_that_all_but_cancel_are_judged_by_what_cancels()
    {
        var examples = new Examples(seed: 31);
        for (int seed = 0; seed < 20; seed++)
        {
            LinearRnn model = examples.Model(2, 6, 2, 0.9);
            var forward = ForwardPass.Run(model, examples.Matrix(2, 80), examples.Vector(6));
            foreach (double residual in new[] { 1e-3, 1e-9, 1e-13, 0.0 })
            {
                Matrix<double> noise = examples.Matrix(2, 80);
                var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(forward.Outputs() + residual * noise));
                GradientCertificate.Run(backward).Verdict.Should().Be(Verdict.Passed, "residual {0}", residual);
            }

            // ∂L/∂o is orthogonal to every state, but for rounding: all of ∂L/∂W_qh cancels.
            Matrix<double> states = forward.HiddenStates().SubMatrix(0, 6, 1, 80);
            Vector<double> direction = states.Transpose().QR(MathNet.Numerics.LinearAlgebra.Factorization.QRMethod.Full).Q.Column(20);
            var cancelling = Matrix<double>.Build.Dense(2, 80, (_, t) => direction[t]);
            var cancelled = BackwardThroughTime.Run(forward, cancelling);
            cancelled.Gradients.WqhNorm().Should().BeLessThan(1e-12);
            GradientCertificate.Run(cancelled).Verdict.Should().NotBe(Verdict.Failed);
        }
    }

    [Fact]
    public void Lags_far_from_normal_are_not_called_wrong()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var examples = new Examples(seed);
            Matrix<double> basis = examples.Matrix(7, 7).QR().Q;
            Matrix<double> triangular = examples.Matrix(7, 7);
            triangular.MapIndexedInplace((i, j, value) => i == j ? 0.3 * value : j > i ? 30.0 * value : 0.0);
            var model = new LinearRnn(examples.Matrix(7, 2), basis * triangular * basis.Transpose(), examples.Matrix(2, 7));
            var forward = ForwardPass.Run(model, examples.Matrix(2, 35));
            var backward = BackwardThroughTime.Run(
                forward, examples.Matrix(2, 35), new BackwardOptions { Truncation = Truncation.Lags(10 + (seed % 20)) });
            var certificate = GradientCertificate.Run(backward);
            certificate.Verdict.Should().NotBe(Verdict.Failed, "seed {0}: {1}", seed, certificate);
        }
    }

    [Fact]
    public void Gradients_that_are_rounding_alone_cannot_be_told()
    {
        // W_hh = 0, and ∂L/∂o is orthogonal to the inputs and to the inputs one step later: every gradient cancels.
        var examples = new Examples(seed: 35);
        Matrix<double> inputs = examples.Matrix(2, 40);
        var shifted = Matrix<double>.Build.Dense(2, 40, (i, t) => t == 0 ? 0.0 : inputs[i, t - 1]);
        Matrix<double> q = inputs.Stack(shifted).Transpose().QR(MathNet.Numerics.LinearAlgebra.Factorization.QRMethod.Thin).Q;
        Matrix<double> outputGradients = examples.Matrix(2, 40);
        outputGradients -= outputGradients * q * q.Transpose();

        var model = new LinearRnn(examples.Matrix(3, 2), Matrix<double>.Build.Dense(3, 3), examples.Matrix(2, 3));
        var forward = ForwardPass.Run(model, inputs);
        var backward = BackwardThroughTime.Run(forward, outputGradients);
        backward.Gradients.GlobalNorm().Should().BeLessThan(1e-13);
        var certificate = GradientCertificate.Run(backward);
        certificate.Verdict.Should().Be(Verdict.Inconclusive, certificate.ToString());
        certificate.ExpectedRounding.Should().BeGreaterThan(1e-6);
    }

    [Fact]
    public void As_many_lags_as_steps_leave_the_term_of_the_initial_state()
    {
        var examples = new Examples(seed: 36);
        foreach (int length in new[] { 1, 2, 7 })
        {
            var forward = ForwardPass.Run(examples.Model(2, 4, 3), examples.Matrix(2, length), examples.Vector(4));
            var backward = BackwardThroughTime.Run(
                forward, examples.Matrix(3, length), new BackwardOptions { Truncation = Truncation.Lags(length) });
            GradientCertificate.Run(backward).Verdict.Should().Be(Verdict.Passed, "T = {0}", length);
        }
    }

    [Fact]
    public void Zero_gradients_pass_with_residual_zero()
    {
        var forward = ForwardPass.Run(
            new LinearRnn(One(1), One(0), One(0)), Matrix<double>.Build.Dense(1, 3));
        var certificate = GradientCertificate.Run(
            BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 3)));
        certificate.Verdict.Should().Be(Verdict.Passed);
        (certificate.GaugeResidual, certificate.EulerResidual).Should().Be((0.0, 0.0));
    }

    [Fact]
    public void What_is_not_finite_is_inconclusive_and_no_NaN_is_reported()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1e200), One(1)), Matrix<double>.Build.Dense(1, 4, 1.0));
        var certificate = GradientCertificate.Run(
            BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 4, 1.0)));
        certificate.Verdict.Should().Be(Verdict.Inconclusive);
        double.IsNaN(certificate.GaugeResidual + certificate.EulerResidual + certificate.ExpectedRounding).Should().BeFalse();

        var finite = ForwardPass.Run(new LinearRnn(One(1), One(1), One(1)), Matrix<double>.Build.Dense(1, 4, 1.0));
        var backward = BackwardThroughTime.Run(finite, Matrix<double>.Build.Dense(1, 4, 1.0));
        GradientCertificate.Run(backward, new Gradients(One(double.NaN), One(1), One(1)))
            .Verdict.Should().Be(Verdict.Inconclusive);
    }

    [Fact]
    public void Large_and_long_passes_have_residuals_at_rounding()
    {
        var examples = new Examples(seed: 32);
        LinearRnn model = examples.Model(8, 256, 8, 0.99);
        var forward = ForwardPass.Run(model, examples.Matrix(8, 4096));
        var certificate = GradientCertificate.Run(
            BackwardThroughTime.Run(forward, Objective.SquaredError(examples.Matrix(8, 4096))));
        output.WriteLine($"h = 256, T = 4096: {certificate}");
        certificate.Verdict.Should().Be(Verdict.Passed);
        Math.Max(certificate.GaugeResidual, certificate.EulerResidual).Should().BeLessThan(1e-12);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(-1.0)]
    public void Edges_of_the_spectrum_and_a_Jordan_block_pass(double eigenvalue)
    {
        var examples = new Examples(seed: 33);
        foreach (int h in new[] { 1, 4 })
        {
            var whh = Matrix<double>.Build.Dense(h, h, (i, j) => i == j ? eigenvalue : j == i + 1 ? 1.0 : 0.0);
            foreach (int length in new[] { 1, 2, 40 })
            {
                var model = new LinearRnn(examples.Matrix(h, 2), whh, examples.Matrix(1, h));
                var forward = ForwardPass.Run(model, examples.Matrix(2, length), examples.Vector(h));
                var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(examples.Matrix(1, length)));
                GradientCertificate.Run(backward).Verdict.Should().Be(Verdict.Passed);
            }
        }
    }

    [Fact]
    public void Products_that_underflow_are_not_called_wrong()
    {
        // ∂L/∂W_qh underflows to zero, while W_qh and ∂L/∂o_t o_tᵀ do not.
        var forward = ForwardPass.Run(new LinearRnn(One(1e-100), One(0.5), One(1e140)), Matrix<double>.Build.Dense(1, 3, 1.0));
        var backward = BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 3, 1e-250));
        backward.Gradients.WqhNorm().Should().Be(0.0);
        var certificate = GradientCertificate.Run(backward);
        certificate.Verdict.Should().Be(Verdict.Inconclusive, certificate.ToString());
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var examples = new Examples(seed: 34);
        var forward = ForwardPass.Run(examples.Model(1, 2, 1), examples.Matrix(1, 4), examples.Vector(2));
        var backward = BackwardThroughTime.Run(forward, examples.Matrix(1, 4));
        SequenceBatch outputGradients = examples.Batch(1, 4);
        Refused(
            () => GradientCertificate.Run(backward, new Gradients(One(1), One(1), One(1))), "*gradients*h = 2*");
        Refused(
            () => GradientCertificate.Run(forward, outputGradients, backward.Gradients), "*initialStateGradients*not zero*");
        Refused(
            () => GradientCertificate.Run(
                forward, examples.Batch(1, 5), backward.Gradients, backward.InitialStateGradients),
            "*outputGradients*");
        Refused(
            () => GradientCertificate.Run(
                forward,
                outputGradients,
                backward.Gradients,
                backward.InitialStateGradients,
                new BackwardOptions { Truncation = Truncation.Windows(2) }),
            "*windows of 2 steps*");
        FluentActions.Invoking(() => GradientCertificate.Run(backward, backward.Gradients, 0.0))
            .Should().Throw<ArgumentOutOfRangeException>();

        static void Refused(Action action, string message) =>
            action.Should().Throw<ArgumentException>().WithMessage(message);
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);

    private static BackwardOptions Options(RandomScenario scenario, Truncation? truncation) =>
        LibraryConversions.Options(scenario.FinalStateGradients) with { Truncation = truncation };

    private static SequenceBatch Batch(BackwardThroughTime backward) => SequenceBatch.Pack(
        [.. Enumerable.Range(0, backward.Forward.SequenceCount).Select(backward.OutputGradients)]);
}
