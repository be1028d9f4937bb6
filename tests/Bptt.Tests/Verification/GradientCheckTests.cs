// The gradient check: right gradients pass, wrong ones fail, and what cannot be told is said.

using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

public class GradientCheckTests
{
    private readonly Examples _examples = new(seed: 81);

    [Fact]
    public void Right_gradients_pass_far_below_the_tolerance()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 4, 3), _examples.Batch(2, 9, 4, 1), _examples.Matrix(4, 3));
        foreach (Objective objective in new[]
        {
            Objective.SquaredError(_examples.Batch(3, 9, 4, 1), Reduction.MeanPerSequence),
            Objective.CrossEntropy([[0, 1, 2, 0, 1, 2, 0, 1, 2], [2, 2, 2, 2], [1]]),
            Objective.Huber(_examples.Batch(3, 9, 4, 1), delta: 50),
        })
        {
            var report = GradientCheck.Run(forward, objective);

            report.Verdict.Should().Be(Verdict.Passed);
            report.RelativeError.Should().BeLessThan(1e-10);
            report.Parameters.Select(p => (p.Parameter, p.EntryCount, p.CheckedCount)).Should().Equal(
                ("W_hx", 8, 8), ("W_hh", 16, 16), ("W_qh", 12, 12), ("h_0", 12, 12), ("x", 28, 28), ("o", 42, 42));
            report.Directions.Should().HaveCount(5).And.OnlyContain(d => d.RelativeError < 1e-10);
            report.Directions[0].Parameters.Should().Equal("W_hx", "W_hh", "W_qh", "h_0", "x");
        }
    }

    [Fact]
    public void Where_the_loss_is_quadratic_large_steps_agree_to_eleven_digits()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 4, 3), _examples.Batch(2, 9, 4, 1), _examples.Matrix(4, 3));
        var report = GradientCheck.Run(forward, Objective.SquaredError(_examples.Batch(3, 9, 4, 1)));
        foreach (ParameterCheck parameter in report.Parameters)
        {
            bool differences = parameter.Parameter != "W_hh";
            parameter.RelativeError.Should().BeLessThan(differences ? 1e-11 : 1e-14);
            parameter.WorstEntries.Should().Contain(
                e => e.Method == (differences ? DerivativeMethod.Differences : DerivativeMethod.ComplexStep));
        }
    }

    [Fact]
    public void A_pass_from_a_workspace_stays_readable()
    {
        var options = new ExecutionOptions { Workspace = new Workspace() };
        var forward = ForwardPass.Run(_examples.Model(1, 2, 1), _examples.Matrix(1, 5), options: options);
        GradientCheck.Run(forward, Objective.SquaredError(_examples.Matrix(1, 5)))
            .Verdict.Should().Be(Verdict.Passed);
        forward.HiddenState(5).Count.Should().Be(2);
    }

    [Fact]
    public void A_long_pass_near_the_edge_of_stability_passes()
    {
        var rotation = Matrix<double>.Build.DenseOfArray(new double[,] { { 0.6, -0.8 }, { 0.8, 0.6 } });
        var model = new LinearRnn(_examples.Matrix(2, 1), rotation, _examples.Matrix(1, 2));
        var forward = ForwardPass.Run(model, _examples.Matrix(1, 1000));
        var report = GradientCheck.Run(forward, Objective.SquaredError(_examples.Matrix(1, 1000)));
        report.Verdict.Should().Be(Verdict.Passed);
        report.RelativeError.Should().BeLessThan(1e-8);
    }

    [Theory]
    [InlineData(2.0)]
    [InlineData(-1.0)]
    [InlineData(1.0001)]
    public void A_wrong_gradient_of_the_loss_fails_and_the_worst_entry_is_named(double factor)
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 2), _examples.Matrix(2, 6));
        var report = GradientCheck.Run(forward, new WrongGradient(factor));

        report.Verdict.Should().Be(Verdict.Failed);
        foreach (ParameterCheck parameter in report.Parameters)
        {
            parameter.Verdict.Should().Be(Verdict.Failed);
            parameter.Worst.Error.Should().BeGreaterThan(0);
            (parameter.Worst.Analytic / parameter.Worst.Numeric).Should().BeApproximately(factor, 1e-6);
        }
    }

    [Theory]
    [InlineData("Huber", 1.0, 300)]
    [InlineData("Huber", 1.0, 1000)]
    [InlineData("cross-entropy", 1.1, 300)]
    [InlineData("at the optimum", 1.0, 20)]
    [InlineData("near the optimum", 1.0, 300)]
    [InlineData("near the optimum", 0.5, 10)]
    [InlineData("targets of 1e9", 0.9, 50)]
    public void A_right_gradient_never_fails_where_differences_are_hard(string kind, double radius, int steps)
    {
        for (int seed = 1; seed <= 8; seed++)
        {
            var examples = new Examples(seed);
            LinearRnn model = examples.Model(1, 2, 2, radius);
            var forward = ForwardPass.Run(model, examples.Matrix(1, steps));
            Matrix<double> noise = examples.Matrix(2, steps);
            Objective objective = kind switch
            {
                "Huber" => Objective.Huber(noise, delta: 0.5),
                "cross-entropy" => Objective.CrossEntropy(
                    Array.ConvertAll(noise.Row(0).ToArray(), v => v > 0 ? 1 : 0)),
                "at the optimum" => Objective.SquaredError(forward.Outputs()),
                "near the optimum" => Objective.SquaredError(forward.Outputs() + 1e-9 * noise),
                _ => Objective.SquaredError(1e9 * noise),
            };

            var report = GradientCheck.Run(forward, objective);

            report.Verdict.Should().NotBe(Verdict.Failed, "seed {0}", seed);
            if (kind != "at the optimum")
            {
                report.Verdict.Should().Be(Verdict.Passed, "a complex step loses nothing; seed {0}:\n{1}", seed, report);
            }
        }
    }

    [Fact]
    public void A_wrong_entry_fails_however_small_it_is_beside_the_others()
    {
        // ℓ = ½ o_1² + ½·10⁻⁸ o_2², whose second derivative is doubled by mistake
        var forward = ForwardPass.Run(_examples.Model(1, 2, 2), _examples.Matrix(1, 6));
        ParameterCheck check = GradientCheck.Run(forward, new WrongInOneOutput()).Parameters.Single(p => p.Parameter == "W_qh");
        check.RelativeError.Should().BeLessThan(1e-6, "the norm alone would let it pass");
        check.Verdict.Should().Be(Verdict.Failed);
        check.Worst.Row.Should().Be(1);
        (check.Worst.Analytic / check.Worst.Numeric).Should().BeApproximately(2.0, 1e-5);
    }

    [Fact]
    public void Differences_that_overflow_are_no_pass_and_leave_no_NaN()
    {
        foreach ((ForwardPass forward, Objective objective) in new[]
        {
            (ForwardPass.Run(new LinearRnn(One(0.5), One(0), One(1)), One(1.2e154)), Objective.SquaredError(One(0))),
            (ForwardPass.Run(new LinearRnn(One(0.5), One(0), One(1)), One(1)), new Spike()),
        })
        {
            var report = GradientCheck.Run(forward, objective);
            report.Verdict.Should().NotBe(Verdict.Failed);
            double.IsNaN(report.RelativeError).Should().BeFalse();
            foreach (ParameterCheck check in report.Parameters)
            {
                double.IsNaN(check.RelativeError).Should().BeFalse();
                double.IsNaN(check.RelativeUncertainty).Should().BeFalse();
                if (check.Verdict == Verdict.Passed)
                {
                    double.IsFinite(check.Worst.Uncertainty).Should().BeTrue();
                }
            }
            (objective is Spike).Should().Be(report.Parameters[0].Verdict == Verdict.Inconclusive);
        }
    }

    [Fact]
    public void A_gradient_of_the_initial_state_that_overflows_is_refused_too()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1e200), One(1e100)), One(1));
        forward.Invoking(f => GradientCheck.Run(f, Objective.SquaredError(One(0)))).Should().Throw<ArithmeticException>();
    }

    [Fact]
    public void A_gradient_that_drowns_in_the_rounding_of_the_loss_cannot_be_told()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 2), _examples.Matrix(2, 6));
        var report = GradientCheck.Run(forward, new FarFromZero());
        report.Verdict.Should().Be(Verdict.Inconclusive);
        report.Parameters.Should().OnlyContain(p => p.RelativeUncertainty > 1e-6);
    }

    [Fact]
    public void Zero_gradients_on_both_sides_pass_with_error_zero()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1), One(0)), Matrix<double>.Build.Dense(1, 3));
        var report = GradientCheck.Run(forward, Objective.SquaredError(Matrix<double>.Build.Dense(1, 3)));
        report.Verdict.Should().Be(Verdict.Passed);
        report.RelativeError.Should().Be(0);
        report.Parameters.Should().OnlyContain(p => p.RelativeUncertainty == 0);
    }

    [Fact]
    public void Of_many_entries_a_seeded_sample_is_checked_that_holds_the_largest()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 6, 1), _examples.Matrix(2, 5));
        var objective = Objective.SquaredError(_examples.Matrix(1, 5));
        Matrix<double> whh = BackwardThroughTime.Run(forward, objective).Gradients.Whh;
        double largest = whh.Enumerate().Max(Math.Abs);

        for (int seed = 1; seed <= 5; seed++)
        {
            // A sample of one is the largest entry.
            ParameterCheck one = Whh(new GradientCheckOptions { MaxEntriesPerParameter = 1, Seed = seed });
            (one.EntryCount, one.CheckedCount).Should().Be((36, 1));
            Math.Abs(one.Worst.Analytic).Should().Be(largest);

            var options = new GradientCheckOptions { MaxEntriesPerParameter = 10, Seed = seed };
            Whh(options).CheckedCount.Should().Be(10);
            Whh(options).Should().BeEquivalentTo(Whh(options), "the seed decides");
        }

        ParameterCheck Whh(GradientCheckOptions options) =>
            GradientCheck.Run(forward, objective, options).Parameters.Single(p => p.Parameter == "W_hh");
    }

    [Fact]
    public void A_loss_that_overflows_is_refused_with_the_first_bad_step()
    {
        var model = new LinearRnn(One(1), One(1e200), One(1));
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 4, 1.0));
        FluentActions.Invoking(() => GradientCheck.Run(forward, Objective.SquaredError(Matrix<double>.Build.Dense(1, 4))))
            .Should().Throw<ArithmeticException>().WithMessage("*step 3*");
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1e-8)]
    [InlineData(1e8)]
    public void Numerical_derivatives_are_as_certain_as_they_say(double scale)
    {
        foreach ((Func<double, double> f, double x, double derivative) in new (Func<double, double>, double, double)[]
        {
            (x => scale * Math.Exp(x), 0.3, scale * Math.Exp(0.3)),
            (x => scale * Math.Pow(x, 30), 1.1, scale * 30 * Math.Pow(1.1, 29)),
            (x => scale * (7 + Math.Sin(50 * x)), 0.2, scale * 50 * Math.Cos(10)),
        })
        {
            var numeric = NumericalDerivative.OfSmooth(f, x, firstStep: 0.02);
            Math.Abs(numeric.Value - derivative).Should().BeLessThan(numeric.Uncertainty);
            numeric.Uncertainty.Should().BeLessThan(1e-9 * Math.Abs(derivative));
        }
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(-2.0)]
    [InlineData(0.5001)]
    public void Steps_that_round_unequally_do_not_tilt_the_derivative_of_a_steep_loss(double x)
    {
        // x is next to a power of two, so that x + s and x − s are rounded differently, of which the curvature makes 1e-4.
        var numeric = NumericalDerivative.OfQuadratic(z => 1.0 + 3.0 * (z - x) + 1e12 * (z - x) * (z - x), x);
        numeric.Value.Should().BeApproximately(3.0, 1e-6);
        Math.Abs(numeric.Value - 3.0).Should().BeLessThan(numeric.Uncertainty);
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);

    /// <summary>ℓ = Σ o³, with its gradient times a factor.</summary>
    private sealed class WrongGradient(double factor) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            double sum = 0;
            foreach (double o in output)
            {
                sum += o * o * o;
            }
            return sum;
        }

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
            for (int i = 0; i < output.Length; i++)
            {
                gradient[i] = factor * 3 * output[i] * output[i];
            }
        }
    }

    private sealed class WrongInOneOutput : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            0.5 * output[0] * output[0] + 0.5e-8 * output[1] * output[1];

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
            gradient[0] = output[0];
            gradient[1] = 2e-8 * output[1];
        }
    }

    /// <summary>ℓ = o at o = ½, infinite elsewhere.</summary>
    private sealed class Spike : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            output[0] == 0.5 ? 0.5 : double.PositiveInfinity;

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient[0] = 1.0;
    }

    /// <summary>ℓ = 10³⁰ + Σ o, with the right gradient.</summary>
    private sealed class FarFromZero : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            double sum = 1e30;
            foreach (double o in output)
            {
                sum += o;
            }
            return sum;
        }

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient.Fill(1.0);
    }
}
