// A pass in single precision gives what one in double gives, to single precision, in everything that can be read of it.

using Bptt.Kernels;
using Bptt.Optimization;
using Bptt.Tests.Reference;
using Bptt.Training;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.SinglePrecision;

public class SinglePassTests
{
    private readonly Examples _examples = new(seed: 81);

    public static TheoryData<string, Recurrence, int, bool> Ways
    {
        get
        {
            var ways = new TheoryData<string, Recurrence, int, bool>();
            foreach (KernelSet kernels in KernelChoice.Supported)
            {
                ways.Add(kernels.Name, Recurrence.Sequential, 1, false);
                ways.Add(kernels.Name, Recurrence.Sequential, 2, true);
                ways.Add(kernels.Name, Recurrence.TimeParallel, 2, false);
                ways.Add(kernels.Name, Recurrence.TimeParallel, 2, true);
                ways.Add(kernels.Name, Recurrence.Lifted, 2, true);
            }
            return ways;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Everything_agrees_with_the_pass_in_double(
        string kernels, Recurrence recurrence, int threads, bool isSmall)
    {
        foreach (int[] lengths in (int[][])[[1], [40], [64, 7, 64, 33, 1]])
        {
            foreach ((int d, int h, int q) in new[] { (1, 1, 1), (3, 17, 2), (5, 8, 19), (33, 31, 3) })
            {
                LinearRnn model = _examples.Model(d, h, q, 0.9);
                SequenceBatch inputs = _examples.Batch(d, lengths);
                var objective = Objective.SquaredError(_examples.Batch(q, lengths));
                Matrix<double> initial = _examples.Matrix(h, lengths.Length);
                var final = new BackwardOptions { FinalStateGradients = _examples.Matrix(h, lengths.Length) };
                var options = new ExecutionOptions
                {
                    Precision = Precision.Single,
                    Kernels = KernelChoice.Named(kernels),
                    Recurrence = recurrence,
                    MaxDegreeOfParallelism = threads,
                    Tuning = isSmall
                        ? Reference.Ways.SmallPieces with { LiftedLength = 8 }
                        : ExecutionOptions.Default.Tuning,
                };
                var forward = ForwardPass.Run(model, inputs, initial, options);
                forward.Precision.Should().Be(Precision.Single);
                bool isLifted = recurrence == Recurrence.Lifted && lengths.Max() >= 8;
                (forward.Method.Recurrence == Recurrence.Lifted).Should().Be(isLifted);
                (forward.Method.WhyNotLifted is null).Should().Be(isLifted || recurrence != Recurrence.Lifted);
                var expectedForward = ForwardPass.Run(model, inputs, initial);
                string why = $"{kernels}, {recurrence}, d = {d}, h = {h}, q = {q}, "
                    + $"lengths {string.Join(' ', lengths)}, {_examples}";
                foreach (Truncation? truncation in new[] { null, Truncation.Lags(3), Truncation.Windows(5) })
                {
                    BackwardOptions with = final with { Truncation = truncation };
                    var actual = BackwardThroughTime.Run(forward, objective, with);
                    var expected = BackwardThroughTime.Run(expectedForward, objective, with);
                    actual.Loss.Should().BeApproximately(expected.Loss, 4e-6 * expected.Loss, why);
                    Close(actual.Gradients.Whx, expected.Gradients.Whx, why);
                    Close(actual.Gradients.Whh, expected.Gradients.Whh, why);
                    Close(actual.Gradients.Wqh, expected.Gradients.Wqh, why);
                    Close(actual.InitialStateGradients, expected.InitialStateGradients, why);
                    for (int b = 0; b < lengths.Length; b++)
                    {
                        Close(forward.Outputs(b), expectedForward.Outputs(b), why);
                        Close(forward.HiddenStates(b), expectedForward.HiddenStates(b), why);
                        Close(actual.HiddenStateGradients(b), expected.HiddenStateGradients(b), why);
                        Close(actual.InputGradients(b), expected.InputGradients(b), why);
                        Close(actual.OutputGradients(b), expected.OutputGradients(b), why);
                        int t = lengths[b] / 2;
                        (forward.HiddenState(t, b) - expectedForward.HiddenState(t, b)).L2Norm()
                            .Should().BeLessThan(1e-4, why);
                    }
                    Close(forward.FinalStates, expectedForward.FinalStates, why);
                }
            }
        }
    }

    [Theory]
    [InlineData(Recurrence.Sequential)]
    [InlineData(Recurrence.TimeParallel)]
    [InlineData(Recurrence.Lifted)]
    public void Budgets_and_workspaces_change_no_bit(Recurrence recurrence)
    {
        LinearRnn model = _examples.Model(2, 12, 3, 0.9);
        SequenceBatch inputs = _examples.Batch(2, 300, 120, 121);
        var objective = Objective.SquaredError(_examples.Batch(3, 300, 120, 121));
        var options = new ExecutionOptions { Precision = Precision.Single, Recurrence = recurrence };
        ForwardPass.Run(model, inputs, options: options).Method.Recurrence.Should().Be(recurrence);
        BackwardThroughTime Run(ExecutionOptions with) =>
            BackwardThroughTime.Run(ForwardPass.Run(model, inputs, options: with), objective);
        BackwardThroughTime expected = Run(options);
        var workspace = new Workspace();
        foreach (ExecutionOptions with in new[]
        {
            options with { Workspace = workspace },
            options with { Workspace = workspace },
            options with { MaxDegreeOfParallelism = 1 },
            options with { MaxDegreeOfParallelism = 3 },
        })
        {
            BackwardThroughTime actual = Run(with);
            actual.Loss.Should().Be(expected.Loss);
            actual.Gradients.Whh.Should().Be(expected.Gradients.Whh);
            actual.HiddenStateGradients(1).Should().Be(expected.HiddenStateGradients(1));
            actual.Forward.HiddenStates(2).Should().Be(expected.Forward.HiddenStates(2));
        }
        BackwardThroughTime budgeted = Run(options with { MemoryBudget = 12 * 4 * 200 });
        budgeted.Forward.MemoryPlan.WindowCount.Should().BeGreaterThan(1);
        budgeted.Forward.MemoryPlan.HeldBytes.Should().BeLessThanOrEqualTo(12 * 4 * 200);
        Close(budgeted.Gradients.Whh, expected.Gradients.Whh, "budget");
        Close(budgeted.Forward.HiddenStates(0), expected.Forward.HiddenStates(0), "budget");
        Close(budgeted.HiddenStateGradients(1), expected.HiddenStateGradients(1), "budget");
    }

    [Fact]
    public void The_error_of_weight_gradients_does_not_grow_with_the_number_of_steps()
    {
        LinearRnn model = _examples.Model(3, 32, 3, 0.9);
        double Error(int steps)
        {
            // Weights and inputs that floats hold exactly, so that what is left is the rounding of the pass.
            var rounded = new LinearRnn(
                model.Whx.Map(x => (double)(float)x),
                model.Whh.Map(x => (double)(float)x),
                model.Wqh.Map(x => (double)(float)x));
            var inputs = SequenceBatch.Pack([_examples.Matrix(3, steps).Map(x => (double)(float)x)]);
            var objective = Objective.SquaredError(_examples.Batch(3, steps));
            Gradients single = BackwardThroughTime.Run(
                ForwardPass.Run(rounded, inputs, options: new ExecutionOptions { Precision = Precision.Single }),
                objective).Gradients;
            Gradients exact = BackwardThroughTime.Run(ForwardPass.Run(rounded, inputs), objective).Gradients;
            return RelativeError.Frobenius(single.Whh.ToArray(), exact.Whh.ToArray());
        }
        Error(1000).Should().BeLessThan(2e-6, $"{_examples}");
        Error(200_000).Should().BeLessThan(2e-6, $"{_examples}");
    }

    [Fact]
    public void Several_steps_at_once_are_taken_where_floats_can_carry_them()
    {
        var single = new ExecutionOptions { Precision = Precision.Single, Recurrence = Recurrence.Lifted };
        SequenceBatch inputs = _examples.Batch(1, 5000);
        var objective = Objective.SquaredError(_examples.Batch(1, 5000));

        // Powers that floats would lose below what they set to zero: chunks that end before that.
        LinearRnn fading = _examples.Model(1, 16, 1, 0.5);
        var forward = ForwardPass.Run(fading, inputs, options: single);
        forward.Method.Recurrence.Should().Be(Recurrence.Lifted, $"{_examples}");
        PrecisionCheck.Run(BackwardThroughTime.Run(forward, objective)).GradientError
            .Should().BeLessThan(2e-6, $"{_examples}");

        // States that overflow in floats, and not in doubles.
        LinearRnn growing = _examples.Model(1, 16, 1, 1.05);
        var exploding = ForwardPass.Run(growing, inputs, options: single);
        exploding.Method.Recurrence.Should().NotBe(Recurrence.Lifted);
        exploding.Method.WhyNotLifted.Should().Contain("overflow");
        exploding.FirstNonFiniteStep.Should().BeInRange(1000, 3000, $"{_examples}");
        ForwardPass.Run(growing, inputs).FirstNonFiniteStep.Should().BeNull();

        // Inputs so large that outputs overflow, whatever W_hh does.
        var large = SequenceBatch.Pack([_examples.Matrix(1, 5000).Map(x => 1e38 * x)]);
        var overflowing = ForwardPass.Run(_examples.Model(1, 16, 1, 0.99), large, options: single);
        overflowing.Method.WhyNotLifted.Should().Be("a state or an output overflows");
        overflowing.FirstNonFiniteStep.Should().BePositive();
    }

    [Theory]
    [InlineData(0.9, 1000)]
    [InlineData(1.0, 1000)]
    [InlineData(0.9, 100_000)]
    [InlineData(1.0, 100_000)]
    public void Chunks_are_as_exact_as_step_by_step(double radius, int steps)
    {
        LinearRnn model = _examples.Model(2, 64, 2, radius);
        SequenceBatch inputs = _examples.Batch(2, steps);
        var objective = Objective.SquaredError(_examples.Batch(2, steps));
        double Error(Recurrence recurrence) => PrecisionCheck.Run(BackwardThroughTime.Run(
            ForwardPass.Run(
                model, inputs, options: new ExecutionOptions { Precision = Precision.Single, Recurrence = recurrence }),
            objective)).GradientError;
        double stepByStep = Error(Recurrence.Sequential);
        Error(Recurrence.Lifted).Should().BeLessThan(2.0 * stepByStep + 1e-7, $"{_examples}");
        Error(Recurrence.TimeParallel).Should().BeLessThan(2.0 * stepByStep + 1e-7, $"{_examples}");
    }

    [Fact]
    public void The_check_of_precision_says_how_far_a_pass_is_from_double()
    {
        LinearRnn model = _examples.Model(2, 16, 2, 0.95);
        SequenceBatch inputs = _examples.Batch(2, 400, 30);
        var objective = Objective.SquaredError(_examples.Batch(2, 400, 30));
        var options = new ExecutionOptions { Precision = Precision.Single };
        var forward = ForwardPass.Run(model, inputs, _examples.Matrix(16, 2), options);
        var check = PrecisionCheck.Run(BackwardThroughTime.Run(forward, objective));
        foreach (double error in new[]
        {
            check.OutputError, check.WhxError, check.WhhError, check.WqhError, check.InitialStateError,
        })
        {
            error.Should().BeInRange(1e-9, 1e-5, check.ToString());
        }
        check.LossError.Should().BeLessThan(1e-5);
        SequenceBatch given = _examples.Batch(2, 400, 30);
        PrecisionCheck.Run(BackwardThroughTime.Run(forward, given)).GradientError.Should().BeInRange(1e-9, 1e-5);
        FluentActions.Invoking(() => PrecisionCheck.Run(
            BackwardThroughTime.Run(ForwardPass.Run(model, inputs), objective)))
            .Should().Throw<ArgumentException>().WithMessage("*single precision*");
    }

    [Fact]
    public void Checks_and_second_derivatives_ask_for_double()
    {
        LinearRnn model = _examples.Model(2, 4, 1, 0.9);
        var inputs = _examples.Batch(2, 20);
        var objective = Objective.SquaredError(_examples.Batch(1, 20));
        var options = new ExecutionOptions { Precision = Precision.Single };
        var forward = ForwardPass.Run(model, inputs, options: options);
        var backward = BackwardThroughTime.Run(forward, objective);
        foreach (Action act in new Action[]
        {
            () => GradientCertificate.Run(backward),
            () => AdjointTest.Run(backward),
            () => GradientCheck.Run(forward, objective),
            () => TaylorTest.Run(forward, objective),
            () => LossCurvature.Of(backward),
            () => TangentPass.Run(forward, new TangentDirection { Whx = model.Whx }),
        })
        {
            act.Should().Throw<ArgumentException>().WithMessage("*expected a pass in double precision*");
        }
        foreach (Optimizer optimizer in new Optimizer[]
        {
            new LevenbergMarquardt(), new TruncatedNewton(), QuasiNewton.Bfgs(),
        })
        {
            FluentActions.Invoking(() => Train(optimizer)).Should().Throw<NotSupportedException>()
                .WithMessage($"{optimizer.GetType().Name}*Precision.Single*");
        }
        Train(new Adam(0.01)).BestLoss.Should().BeLessThan(objective.Loss(forward));

        TrainingResult Train(Optimizer optimizer) => Trainer.Run(
            model,
            inputs,
            objective,
            new TrainerOptions { Optimizer = optimizer, MaxEpochs = 20, Execution = options });
    }

    private static void Close(Matrix<double> actual, Matrix<double> expected, string why) =>
        RelativeError.Frobenius(actual.ToArray(), expected.ToArray()).Should().BeLessThan(2e-5, why);
}
