// The gradient check at its edges: kinks and jumps, zeros, huge and tiny numbers, special matrices, objectives that
// throw.

using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

public class GradientCheckEdgeTests
{
    private readonly Examples _examples = new(seed: 82);

    [Theory]
    [InlineData("kink", 0.0)]
    [InlineData("kink", 1.0)]
    [InlineData("kink", -1.0)]
    [InlineData("jump", 0.0)]
    [InlineData("spike", 0.0)]
    [InlineData("kink that claims to be quadratic", 0.0)]
    public void Where_the_loss_has_no_derivative_it_cannot_be_told(string kind, double claimed)
    {
        // The second output is 0 at every step, the first is not.
        var model = new LinearRnn(
            _examples.Matrix(3, 2),
            0.5 * _examples.Matrix(3, 3),
            _examples.Matrix(1, 3).Stack(Matrix<double>.Build.Dense(1, 3)));
        var forward = ForwardPass.Run(model, _examples.Matrix(2, 4));
        var report = GradientCheck.Run(forward, new Corner(kind, claimed));

        Verdict Of(string parameter) => report.Parameters.Single(p => p.Parameter == parameter).Verdict;
        Of("o").Should().Be(Verdict.Inconclusive, "{0}", report);
        Of("W_qh").Should().Be(Verdict.Inconclusive, "{0}", report);
        if (!kind.Contains("quadratic", StringComparison.Ordinal))
        {
            Of("x").Should().Be(Verdict.Passed, "nothing there moves the second output\n{0}", report);
        }
        report.Verdict.Should().Be(Verdict.Inconclusive);
        report.Directions.Should().OnlyContain(d => d.Verdict == Verdict.Inconclusive);
    }

    [Fact]
    public void Kinks_that_are_not_at_the_point_do_no_harm()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 2), _examples.Matrix(2, 6));
        var report = GradientCheck.Run(forward, new Corner("kink", 1.0));
        report.Verdict.Should().Be(Verdict.Passed, "{0}", report);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1e120)]
    [InlineData(1e-120)]
    public void The_size_of_the_gradient_does_not_matter(double scale)
    {
        var model = _examples.Model(2, 4, 3);
        foreach ((
            LinearRnn at, Func<ForwardPass, Objective> objective) in new (LinearRnn, Func<ForwardPass, Objective>)[]
        {
            (new(model.Whx, model.Whh, scale * model.Wqh), f => Objective.SquaredError(0.9 * f.Outputs())),
            (
                new(scale * model.Whx, model.Whh, model.Wqh),
                f => Objective.Huber(0.9 * f.Outputs(), delta: 0.01 * scale)),
            (new(scale * model.Whx, model.Whh, model.Wqh / scale), _ => Objective.CrossEntropy([0, 1, 2, 0, 1])),
        })
        {
            var forward = ForwardPass.Run(at, _examples.Matrix(2, 5));
            Objective fitting = objective(forward);
            var report = GradientCheck.Run(forward, fitting);
            report.Verdict.Should().Be(Verdict.Passed, "{0}", report);
            ShouldHoldNoNaN(report);

            var right = BackwardThroughTime.Run(forward, fitting);
            ShouldHoldNoNaN(GradientCheck.Run(forward, fitting, 1.00001 * right.Gradients), Verdict.Failed);
        }
    }

    /// <summary>Of a loss in real numbers: entries and directions are checked by differences.</summary>
    [Theory]
    [InlineData(1e170)]
    [InlineData(1e-170)]
    public void Differences_along_a_direction_fit_gradients_near_the_ends_of_the_range(double scale)
    {
        var forward = ForwardPass.Run(_examples.Model(2, 4, 2, 0.9), _examples.Matrix(2, 6));
        var objective = new OwnLoss("scaled", _examples.Matrix(2, 6), scale, r => Math.Log(Math.Cosh(r)), Math.Tanh);
        var report = GradientCheck.Run(forward, objective);
        report.Verdict.Should().Be(Verdict.Passed, "{0}", report);
        report.Directions.Should().NotBeEmpty().And.OnlyContain(
            d => d.Verdict == Verdict.Passed && d.Method == DerivativeMethod.Differences);
        Gradients wrong = 1.0001 * BackwardThroughTime.Run(forward, objective).Gradients;
        GradientCheck.Run(forward, objective, wrong).Directions.Should().OnlyContain(d => d.Verdict == Verdict.Failed);
    }

    [Fact]
    public void Gradients_near_the_end_of_the_range_are_judged_too()
    {
        var model = new LinearRnn(_examples.Matrix(3, 2), _examples.Matrix(3, 3), 1e153 * _examples.Matrix(2, 3));
        var forward = ForwardPass.Run(model, _examples.Matrix(2, 5));
        var objective = Objective.SquaredError(Matrix<double>.Build.Dense(2, 5));
        ShouldHoldNoNaN(GradientCheck.Run(forward, objective));
        var huge = new Gradients(
            Matrix<double>.Build.Dense(3, 2, 1.7e308),
            Matrix<double>.Build.Dense(3, 3, -1.7e308),
            Matrix<double>.Build.Dense(2, 3));
        ShouldHoldNoNaN(GradientCheck.Run(forward, objective, huge), Verdict.Failed);
    }

    [Theory]
    [InlineData(640.0)] // gradients of 1e-278 and less: a complex step underflows
    [InlineData(900.0)] // all gradients are 0
    public void Gradients_that_all_but_vanish_are_not_called_wrong(double output)
    {
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(1, 1, 1),
            Matrix<double>.Build.Dense(1, 1),
            Matrix<double>.Build.Dense(2, 1, [output, 0]));
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 3, 1.0));
        var report = GradientCheck.Run(forward, Objective.CrossEntropy(new int[3]));
        ShouldHoldNoNaN(report);
        report.Verdict.Should().Be(output == 900.0 ? Verdict.Passed : Verdict.Inconclusive, "{0}", report);
    }

    [Fact]
    public void State_gradients_that_a_backward_pass_sets_to_zero_are_not_called_wrong()
    {
        var tiny = Matrix<double>.Build.Dense(1, 1, 1e-146);
        var forward = ForwardPass.Run(
            new LinearRnn(Matrix<double>.Build.Dense(1, 1, 1.0), tiny, tiny), Matrix<double>.Build.Dense(1, 3, 1.0));
        var report = GradientCheck.Run(forward, Objective.SquaredError(Matrix<double>.Build.Dense(1, 3, 1.0)));
        ShouldHoldNoNaN(report);
        report.Verdict.Should().Be(Verdict.Inconclusive, "∂L/∂h_0 of 3E-293 is set to zero: {0}", report);
    }

    public static TheoryData<string, double[,]> SpecialMatrices() => new()
    {
        { "zero", new double[,] { { 0, 0 }, { 0, 0 } } },
        { "nilpotent", new double[,] { { 0, 1 }, { 0, 0 } } },
        { "a Jordan block", new double[,] { { 0.9, 1 }, { 0, 0.9 } } },
        { "a Jordan block at 1", new double[,] { { 1, 1 }, { 0, 1 } } },
        { "a rotation", new double[,] { { 0.6, -0.8 }, { 0.8, 0.6 } } },
        { "the identity", new double[,] { { 1, 0 }, { 0, 1 } } },
        { "one unit", new double[,] { { 0.7 } } },
        { "one unit that doubles", new double[,] { { 2.0 } } },
    };

    [Theory]
    [MemberData(nameof(SpecialMatrices))]
    public void Special_matrices_pass(string name, double[,] whh)
    {
        int h = whh.GetLength(0);
        var model = new LinearRnn(
            _examples.Matrix(h, 1), Matrix<double>.Build.DenseOfArray(whh), _examples.Matrix(2, h));
        foreach (int steps in new[] { 1, 2, 40 })
        {
            var forward = ForwardPass.Run(model, _examples.Matrix(1, steps));
            Matrix<double> noise = 10.0 * _examples.Matrix(2, steps);
            foreach (Objective objective in new[]
            {
                Objective.SquaredError(forward.Outputs() + noise),
                Objective.CrossEntropy(new int[steps]),
                new LogCosh(forward.Outputs() + noise, isAnalytic: false),
            })
            {
                var report = GradientCheck.Run(forward, objective);
                // Outputs of 2⁴⁰ whose loss bends within a few units leave differences nothing to go by.
                bool isHopeless = name == "one unit that doubles" && steps == 40 && objective is LogCosh;
                report.Verdict.Should().Be(
                    isHopeless ? Verdict.Inconclusive : Verdict.Passed, "{0}, {1} steps\n{2}", name, steps, report);
                ShouldHoldNoNaN(report);
            }
        }
    }

    [Fact]
    public void A_zero_gradient_passes_only_where_the_zero_is_certain()
    {
        // Without outputs that move there is nothing to see; where they move and the loss is too coarse it cannot be
        // told.
        var still = ForwardPass.Run(
            new LinearRnn(_examples.Matrix(2, 1), _examples.Matrix(2, 2), Matrix<double>.Build.Dense(1, 2)),
            _examples.Matrix(1, 3));
        var report = GradientCheck.Run(still, new Distant());
        report.Parameters.Where(p => p.Parameter is not ("W_qh" or "o"))
            .Should().OnlyContain(
                p => p.Verdict == Verdict.Passed && p.RelativeError == 0 && p.RelativeUncertainty == 0);
        report.Parameters.Where(p => p.Parameter is "W_qh" or "o")
            .Should().OnlyContain(p => p.Verdict == Verdict.Inconclusive);

        var moving = ForwardPass.Run(_examples.Model(1, 2, 1), _examples.Matrix(1, 3), _examples.Vector(2));
        GradientCheck.Run(moving, new Distant()).Parameters
            .Should().OnlyContain(p => p.Verdict == Verdict.Inconclusive);

        // Zeros claimed where the gradient is not zero are wrong by all of it.
        Gradients zero =
            0.0 * BackwardThroughTime.Run(moving, Objective.SquaredError(_examples.Matrix(1, 3))).Gradients;
        report = GradientCheck.Run(moving, Objective.SquaredError(_examples.Matrix(1, 3)), zero);
        report.Parameters.Should().OnlyContain(p => p.Verdict == Verdict.Failed && p.RelativeError == 1.0);
    }

    [Fact]
    public void Exceptions_of_the_objective_pass_through_unchanged()
    {
        var forward = ForwardPass.Run(_examples.Model(1, 2, 1), _examples.Matrix(1, 3));
        foreach (int calls in new[] { 0, 10, 400 })
        {
            var objective = new Throwing(calls);
            forward.Invoking(f => GradientCheck.Run(f, objective)).Should().Throw<InvalidTimeZoneException>()
                .Which.Should().BeSameAs(objective.Thrown);
        }
    }

    [Fact]
    public void A_loss_that_is_not_finite_near_by_is_no_pass_and_leaves_no_NaN()
    {
        var forward = ForwardPass.Run(_examples.Model(1, 2, 1), _examples.Matrix(1, 3));
        var report = GradientCheck.Run(forward, new NaNElsewhere(forward.Outputs()));
        report.Verdict.Should().Be(Verdict.Inconclusive);
        ShouldHoldNoNaN(report);
    }

    private static void ShouldHoldNoNaN(GradientCheck report, Verdict? verdict = null)
    {
        if (verdict is not null)
        {
            report.Verdict.Should().Be(verdict, "{0}", report);
        }
        double.IsNaN(report.RelativeError).Should().BeFalse();
        report.ToString().Should().NotContain("NaN");
        foreach (ParameterCheck check in report.Parameters)
        {
            double[] numbers = [check.RelativeError, check.RelativeUncertainty, .. check.WorstEntries.SelectMany(
                e => new[] { e.Analytic, e.Numeric, e.Uncertainty, e.Error, e.ErrorOverTolerance })];
            numbers.Should().NotContain(double.NaN, "{0}", report);
        }
        report.Directions.SelectMany(d => new[] { d.Analytic, d.Numeric, d.Uncertainty, d.Error, d.RelativeError })
            .Should().NotContain(double.NaN, "{0}", report);
    }

    /// <summary>A corner at 0 in each output, added to ½‖o‖²; the gradient claims something there.</summary>
    private sealed class Corner(string kind, double claimed) : Objective
    {
        protected internal override bool IsQuadratic => kind.Contains("quadratic", StringComparison.Ordinal);

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            double sum = 0;
            foreach (double o in output)
            {
                sum += (0.5 * o * o) + kind switch
                {
                    "jump" => o > 0 ? 1 : 0,
                    "spike" => o == 0 ? 1 : 0,
                    _ => Math.Abs(o),
                };
            }
            return sum;
        }

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
            for (int i = 0; i < output.Length; i++)
            {
                double slope = kind.StartsWith("kink", StringComparison.Ordinal) ? Math.Sign(output[i]) : 0;
                gradient[i] = output[i] + (output[i] == 0 ? claimed : slope);
            }
        }
    }

    /// <summary>ℓ = 10⁴⁰ + o, with a gradient of 0.</summary>
    private sealed class Distant : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => 1e40 + output[0];

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }

    /// <summary>ℓ = ½o², until it has been called too often.</summary>
    private sealed class Throwing(int calls) : Objective
    {
        private int _calls;

        public InvalidTimeZoneException Thrown { get; } = new("of the objective's own");

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            Interlocked.Increment(ref _calls) > calls ? throw Thrown : 0.5 * output[0] * output[0];

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            gradient[0] = output[0];
    }

    /// <summary>ℓ = o at the outputs of one pass, NaN elsewhere.</summary>
    private sealed class NaNElsewhere(Matrix<double> outputs) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            output[0] == outputs[0, t - 1] ? output[0] : double.NaN;

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient[0] = 1;
    }
}
