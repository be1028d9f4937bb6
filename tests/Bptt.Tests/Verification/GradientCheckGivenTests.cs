// The gradient check of gradients from elsewhere, of truncated ones and with final-state gradients; its directions, and
// where a report says that an entry stands.

using System.Numerics;
using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

public class GradientCheckGivenTests
{
    private static readonly int[] Windows = [1, 4, 10, 11];

    private readonly Examples _examples = new(seed: 83);
    private readonly ForwardPass _forward;
    private readonly Objective _objective;
    private readonly BackwardThroughTime _right;

    public GradientCheckGivenTests()
    {
        _forward = ForwardPass.Run(_examples.Model(2, 4, 3), _examples.Batch(2, 5, 9, 1), _examples.Matrix(4, 3));
        _objective = Objective.SquaredError(_examples.Batch(3, 5, 9, 1));
        _right = BackwardThroughTime.Run(_forward, _objective);
    }

    [Theory]
    [InlineData(0.6, Verdict.Passed)]
    [InlineData(-0.6, Verdict.Passed)]
    [InlineData(1.5, Verdict.Failed)]
    [InlineData(-1.5, Verdict.Failed)]
    public void The_tolerance_is_relative_to_the_norm(double part, Verdict verdict)
    {
        var examples = new Examples(seed: 84);
        foreach (double size in new[] { 1e-3, 1.0, 1e3 })
        {
            var forward = ForwardPass.Run(examples.Model(4, 5, 3), size * examples.Matrix(4, 6));
            var objective = Objective.SquaredError(size * examples.Matrix(3, 6));
            Gradients right = BackwardThroughTime.Run(forward, objective).Gradients;
            var report = GradientCheck.Run(
                forward,
                objective,
                (1.0 + (part * 1e-5)) * right,
                options: new GradientCheckOptions { Tolerance = 1e-5 });
            report.Parameters.Should().OnlyContain(p => p.Verdict == verdict, "size {0}\n{1}", size, report);
            report.Directions.Where(d => Math.Abs(d.Analytic) > 0.9 * d.Error / d.RelativeError)
                .Should().OnlyContain(d => d.Verdict == verdict, "size {0}\n{1}", size, report);
        }
    }

    [Fact]
    public void What_is_given_is_checked_and_nothing_else()
    {
        Names(GradientCheck.Run(_forward, _objective, _right.Gradients)).Should().Equal("W_hx", "W_hh", "W_qh");
        Names(GradientCheck.Run(_forward, _objective, _right.Gradients, _right.InitialStateGradients))
            .Should().Equal("W_hx", "W_hh", "W_qh", "h_0");
        var report = GradientCheck.Run(
            _forward, _objective, _right.Gradients, inputGradients: _right.InputGradientBatch());
        Names(report).Should().Equal("W_hx", "W_hh", "W_qh", "x");
        report.Directions.Should().HaveCount(5);
        report.Directions[4].Parameters.Should().Equal("W_hx", "W_hh", "W_qh", "x");
        report.Verdict.Should().Be(Verdict.Passed);

        static IEnumerable<string> Names(GradientCheck of) => of.Parameters.Select(p => p.Parameter);
    }

    [Fact]
    public void The_worst_entries_are_named_by_matrix_row_column_sequence_and_step()
    {
        Matrix<double> whh = _right.Gradients.Whh;
        foreach ((int row, int column, double factor) in new[] { (3, 1, 1.5), (0, 2, 1.1), (2, 2, 1.01) })
        {
            whh[row, column] *= factor;
        }
        Matrix<double> initial = _right.InitialStateGradients;
        initial[3, 2] *= 2;
        Matrix<double>[] inputs = [.. Enumerable.Range(0, 3).Select(_right.InputGradients)];
        inputs[1][1, 6] *= -1;

        var report = GradientCheck.Run(
            _forward,
            _objective,
            new Gradients(_right.Gradients.Whx, whh, _right.Gradients.Wqh),
            initial,
            SequenceBatch.Pack(inputs));

        ParameterCheck Of(string name) => report.Parameters.Single(p => p.Parameter == name);
        report.Verdict.Should().Be(Verdict.Failed);
        (Of("W_hx").Verdict, Of("W_qh").Verdict).Should().Be((Verdict.Passed, Verdict.Passed));
        Of("W_hh").WorstEntries.Should().HaveCount(5).And.BeInDescendingOrder(e => e.ErrorOverTolerance);
        Of("W_hh").WorstEntries.Take(3).Select(e => (e.Row, e.Column, e.Sequence, e.Step))
            .Should().Equal((3, 1, null, null), (0, 2, null, null), (2, 2, null, null));
        Of("W_hh").Worst.ErrorOverTolerance
            .Should().BeApproximately(0.5 / 1.5e-6, 1, "half of the right one, which is smaller");
        Of("W_hh").WorstEntries[3].ErrorOverTolerance.Should().BeLessThan(1e-6);
        Of("h_0").Worst.Should().BeEquivalentTo(new { Parameter = "h_0", Row = 3, Column = 2, Sequence = 2, Step = 0 });
        Of("x").Worst.Should().BeEquivalentTo(new { Parameter = "x", Row = 1, Column = 6, Sequence = 1, Step = 7 });
        report.ToString().Should().Contain("gradient check: FAILED")
            .And.Contain("W_hh[3, 1]: analytic ")
            .And.Contain("h_0[3] of sequence 2: ").And.Contain("x_7[1] of sequence 1: ")
            .And.MatchRegex(@"W_hx: passed, relative error \d\.\dE-\d+, uncertainty \d\.\dE-\d+, 8 of 8 entries\n");
        report.Directions.Should().OnlyContain(d => d.Verdict == Verdict.Failed);
    }

    [Fact]
    public void An_objective_whose_gradient_does_not_fit_its_loss_is_told_by_the_step()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 4, 2), _examples.Batch(2, 5, 9));
        var report = GradientCheck.Run(forward, new WrongAt(sequence: 1, t: 6));
        ParameterCheck outputs = report.Parameters.Single(p => p.Parameter == "o");
        outputs.Verdict.Should().Be(Verdict.Failed);
        outputs.WorstEntries.Where(e => e.ErrorOverTolerance > 1)
            .Should().OnlyContain(e => e.Sequence == 1 && e.Step == 6)
            .And.HaveCount(2);
        outputs.Worst.Column.Should().Be(5);
        (outputs.Worst.Analytic / outputs.Worst.Numeric).Should().BeApproximately(1.01, 1e-8);
    }

    [Fact]
    public void Directions_see_what_the_sample_leaves_out()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 12, 3), _examples.Matrix(2, 30));
        var objective = Objective.SquaredError(_examples.Matrix(3, 30));
        Gradients gradients = BackwardThroughTime.Run(forward, objective).Gradients;
        Matrix<double> wrong = gradients.Whh;
        (int row, int column, _) = wrong.EnumerateIndexed().MinBy(e => Math.Abs(e.Item3));
        wrong[row, column] += 1e-3 * wrong.FrobeniusNorm();
        var options = new GradientCheckOptions { MaxEntriesPerParameter = 4, DirectionCount = 3 };

        GradientCheck Run(GradientCheckOptions how) =>
            GradientCheck.Run(forward, objective, new Gradients(gradients.Whx, wrong, gradients.Wqh), options: how);

        GradientCheck report = Run(options);
        report.Parameters.Should().OnlyContain(p => p.Verdict == Verdict.Passed && p.CheckedCount == 4);
        report.Verdict.Should().Be(Verdict.Failed);
        report.Directions.GroupBy(d => string.Join(' ', d.Parameters)).Select(
            g => (g.Key, g.Count(), g.Max(d => d.Verdict)))
            .Should().Equal(
                ("W_hx W_hh W_qh", 3, Verdict.Failed),
                ("W_hx", 3, Verdict.Passed),
                ("W_hh", 3, Verdict.Failed),
                ("W_qh", 3, Verdict.Passed));
        report.Directions.Where(d => d.Parameters.Count == 1 && d.Verdict == Verdict.Failed)
            .Should().OnlyContain(d => d.RelativeError > 0.4e-3 && d.RelativeError < 1.6e-3);
        report.ToString().Should().Contain("direction over W_hh: FAILED, analytic ");

        GradientCheck without = Run(options with { DirectionCount = 0 });
        (without.Verdict, without.Directions.Count).Should().Be((Verdict.Passed, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Truncated_gradients_and_final_state_gradients_belong_to_a_loss_of_their_own(bool isAnalytic)
    {
        Matrix<double> inputs = _examples.Matrix(2, 11);
        LinearRnn model = _examples.Model(2, 3, 2);
        var forward = ForwardPass.Run(model, inputs, _examples.Vector(3));
        var objective = new LogCosh(_examples.Matrix(2, 11), isAnalytic);
        Matrix<double> final = _examples.Matrix(3, 1);
        BackwardOptions[] all =
        [
            new(),
            new() { FinalStateGradients = final },
            .. Windows.SelectMany(k => new BackwardOptions[]
            {
                new() { FinalStateGradients = final, Truncation = Truncation.Windows(k) },
                new() { FinalStateGradients = final, Truncation = Truncation.Lags(k) },
            }),
        ];
        foreach (BackwardOptions claimed in all)
        {
            var options = new GradientCheckOptions { Backward = claimed };
            var own = GradientCheck.Run(forward, objective, options);
            own.Verdict.Should().Be(Verdict.Passed, "{0}\n{1}", claimed, own);
            own.Parameters.SelectMany(p => p.WorstEntries).Select(e => e.Method).Distinct().Should().Equal(
                isAnalytic ? DerivativeMethod.ComplexStep : DerivativeMethod.Differences);
            foreach (BackwardOptions actual in all)
            {
                var backward = BackwardThroughTime.Run(forward, objective, actual);
                var report = GradientCheck.Run(
                    forward,
                    objective,
                    backward.Gradients,
                    backward.InitialStateGradients,
                    backward.InputGradientBatch(),
                    options);
                bool isSame = GradientSet.Of(backward).DistanceTo(
                    GradientSet.Of(BackwardThroughTime.Run(forward, objective, claimed))) < 1e-12;
                report.Verdict.Should().Be(
                    isSame ? Verdict.Passed : Verdict.Failed, "{0} given, {1} claimed\n{2}", actual, claimed, report);
            }
        }
    }

    [Fact]
    public void A_complex_loss_that_is_not_the_real_one_is_not_used()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 2), _examples.Matrix(2, 8));
        Matrix<double> targets = _examples.Matrix(2, 8);

        // |z|² in the place of z² is the same on the real numbers, but not analytic.
        foreach (Func<Complex, Complex> complex in new Func<Complex, Complex>[]
        {
            z => Complex.Log(Complex.Cosh(Complex.Abs(z))),
            z => Complex.Log(Complex.Cosh(z)) + 1e-6,
            z => 1.001 * Complex.Log(Complex.Cosh(z)),
            z => new Complex(double.NaN, 0),
        })
        {
            var report = GradientCheck.Run(forward, new LogCosh(targets, isAnalytic: true, complex));
            report.Verdict.Should().Be(Verdict.Passed, "{0}", report);
            report.Parameters.Should().OnlyContain(p => p.Worst.Method == DerivativeMethod.Differences);
        }
        forward.Invoking(f => GradientCheck.Run(f, new OnlyClaims())).Should().Throw<NotSupportedException>()
            .WithMessage("OnlyClaims says IsAnalytic*override of StepLoss in complex numbers*");
    }

    [Fact]
    public void The_report_does_not_depend_on_threads_memory_or_method()
    {
        Matrix<double> inputs = _examples.Matrix(2, 60);
        LinearRnn model = _examples.Model(2, 5, 2);
        var objective = new LogCosh(_examples.Matrix(2, 60), isAnalytic: false);
        var options = new GradientCheckOptions { MaxEntriesPerParameter = 10 };
        string Report(ExecutionOptions how) =>
            GradientCheck.Run(ForwardPass.Run(model, inputs, options: how), objective, options).ToString();

        string one = Report(new ExecutionOptions { MaxDegreeOfParallelism = 1 });
        Report(new ExecutionOptions { MaxDegreeOfParallelism = 7 }).Should().Be(one);
        foreach (Way way in Ways.All)
        {
            var report = GradientCheck.Run(
                ForwardPass.Run(model, inputs, options: way.For(5, [60])), objective, options);
            report.Verdict.Should().Be(Verdict.Passed, "{0}\n{1}", way, report);
        }
    }

    [Fact]
    public void Gradients_that_do_not_fit_are_refused_by_name()
    {
        Gradients right = _right.Gradients;
        Gradients Other(int d, int h, int q) =>
            new(_examples.Matrix(h, d), _examples.Matrix(h, h), _examples.Matrix(q, h));
        Refused("gradients", () => GradientCheck.Run(_forward, _objective, Other(2, 4, 2)));
        Refused("gradients", () => GradientCheck.Run(_forward, _objective, Other(3, 4, 3)));
        Matrix<double> bad = right.Whh;
        bad[1, 2] = double.NaN;
        Refused(
            "gradients.Whh", () => GradientCheck.Run(_forward, _objective, new Gradients(right.Whx, bad, right.Wqh)));
        Refused("initialStateGradients", () => GradientCheck.Run(_forward, _objective, right, _examples.Matrix(4, 2)));
        Refused("initialStateGradients", () => GradientCheck.Run(
            _forward, _objective, right, Matrix<double>.Build.Dense(4, 3, double.PositiveInfinity)));
        Refused("inputGradients", () => GradientCheck.Run(
            _forward, _objective, right, inputGradients: _examples.Batch(3, 5, 9, 1)));
        Refused("inputGradients", () => GradientCheck.Run(
            _forward, _objective, right, inputGradients: _examples.Batch(2, 5, 8, 1)));
        Refused("inputGradients", () => GradientCheck.Run(
            _forward, _objective, right, inputGradients: SequenceBatch.Pack(
                [_examples.Matrix(2, 5), Matrix<double>.Build.Dense(2, 9, double.NaN), _examples.Matrix(2, 1)])));
        foreach (Matrix<double> final in new[] { _examples.Matrix(4, 1), Matrix<double>.Build.Dense(4, 3, double.NaN) })
        {
            var options = new GradientCheckOptions { Backward = new BackwardOptions { FinalStateGradients = final } };
            Refused("FinalStateGradients", () => GradientCheck.Run(_forward, _objective, right, options: options));
            Refused("FinalStateGradients", () => GradientCheck.Run(_forward, _objective, options));
        }
        FluentActions.Invoking(() => new GradientCheckOptions { DirectionCount = -1 })
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage("DirectionCount: expected at least 0, got -1*");

        static void Refused(string name, Action run) =>
            run.Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
    }

    [Fact]
    public void A_check_can_be_cancelled_on_its_way()
    {
        using var cancellation = new CancellationTokenSource();
        var whole = new CancelsAt(int.MaxValue, cancellation);
        GradientCheck.Run(_forward, whole, cancellationToken: cancellation.Token);
        var objective = new CancelsAt(300, cancellation);

        FluentActions.Invoking(() => GradientCheck.Run(_forward, objective, cancellationToken: cancellation.Token))
            .Should().Throw<OperationCanceledException>();

        objective.Calls.Should().BeInRange(300, whole.Calls / 2);
    }

    /// <summary>ℓ = Σ |o|, which is cancelled when it has been asked for so many times.</summary>
    private sealed class CancelsAt(int count, CancellationTokenSource cancellation) : Objective
    {
        private int _calls;

        public int Calls => _calls;

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            if (Interlocked.Increment(ref _calls) == count)
            {
                cancellation.Cancel();
            }
            return Math.Abs(output[0]);
        }

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            gradient[0] = Math.Sign(output[0]);
    }

    /// <summary>ℓ = Σ o⁴, with a gradient that is 1 % too large at one step.</summary>
    private sealed class WrongAt(int sequence, int t) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int b, int step)
        {
            double sum = 0;
            foreach (double o in output)
            {
                sum += o * o * o * o;
            }
            return sum;
        }

        protected override void StepGradient(ReadOnlySpan<double> output, int b, int step, Span<double> gradient)
        {
            for (int i = 0; i < output.Length; i++)
            {
                gradient[i] = 4 * output[i] * output[i] * output[i] * (b == sequence && step == t ? 1.01 : 1);
            }
        }
    }

    private sealed class OnlyClaims : Objective
    {
        protected internal override bool IsAnalytic => true;

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => output[0];

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient[0] = 1;
    }
}
