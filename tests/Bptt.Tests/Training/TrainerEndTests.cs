// Why trainings end, what they refuse to start with, and what they tell meanwhile.

using Bptt.LinearRecurrence;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Training;

public class TrainerEndTests
{
    private static readonly TrainingProblem Problem = TrainingProblem.Create(seed: 101, 12, 9);

    /// <summary>Steps so large that the loss overflows after a few.</summary>
    private static TrainerOptions Exploding { get; } = new()
    {
        Optimizer = new Sgd(1e3),
        Clipping = null,
        MaxEpochs = 100,
    };

    [Fact]
    public void NaN_and_infinity_stop_the_training_and_the_best_weights_are_kept()
    {
        TrainingResult result = Run(Exploding);

        result.StopReason.Should().Be(StopReason.NonFinite);
        result.Summary.Should().Contain("First:").And.Contain("of sequence").And.Contain("best weights");
        result.Model.Should().BeSameAs(Problem.Start);
        result.BestLoss.Should().Be(result.History[0].Loss);
        result.LastParameters.ToVector().Should().AllSatisfy(v => double.IsFinite(v).Should().BeTrue());
    }

    [Fact]
    public void An_exception_on_request_loses_nothing()
    {
        TrainingDivergedException thrown = FluentActions
            .Invoking(() => Run(Exploding with { NonFinite = NonFinitePolicy.Throw }))
            .Should().Throw<TrainingDivergedException>().Which;

        TrainingResult stopped = Run(Exploding);
        thrown.Message.Should().Be(stopped.Summary);
        thrown.Result.Model.Should().BeSameAs(Problem.Start);
        thrown.Result.History.Select(e => e.Loss).Should().Equal(stopped.History.Select(e => e.Loss));
        thrown.Should().BeAssignableTo<ArithmeticException>();
    }

    [Fact]
    public void An_optimiser_of_a_users_that_gives_NaN_stops_the_training_and_the_best_weights_are_kept()
    {
        var own = new OwnOptimizer((self, update) =>
        {
            for (int i = 0; i < update.Parameters.Length; i++)
            {
                update.Parameters[i] -= self.StepCount < 2 ? 1e-3 * update.Gradient[i] : double.NaN;
            }
        });
        TrainingResult result = Run(new TrainerOptions { Optimizer = own });

        result.StopReason.Should().Be(StopReason.NonFinite);
        result.Summary.Should().StartWith("Stopped at update 3, in epoch 3: A step of OwnOptimizer overflows: ");
        (result.Updates, result.BestEpoch).Should().Be((2, 2));
        own.StepCount.Should().Be(0, "it is a prototype");
    }

    [Fact]
    public void A_step_skipped_in_the_whole_batch_ends_the_training_since_nothing_changes_any_more()
    {
        TrainingResult result = Run(Exploding with { NonFinite = NonFinitePolicy.SkipUpdate });

        result.StopReason.Should().Be(StopReason.NonFinite);
        result.SkippedUpdates.Should().Be(1);
        result.Summary.Should().Contain("every update was left out");
    }

    [Fact]
    public void A_bad_sequence_is_skipped_and_the_others_are_learned_from()
    {
        // Sequence 1 overflows whatever the weights: its inputs are near the largest double.
        var examples = new Examples(102);
        var huge = Matrix<double>.Build.Dense(2, 6, 1.5e308);
        var inputs = SequenceBatch.Pack([examples.Matrix(2, 8), huge, examples.Matrix(2, 5)]);
        var objective = Objective.SquaredError(examples.Batch(1, 8, 6, 5));
        LinearRnn start = examples.Model(2, 3, 1);
        var options = new TrainerOptions
        {
            BatchSize = 1,
            WindowLength = 3,
            MaxEpochs = 6,
            NonFinite = NonFinitePolicy.SkipUpdate,
        };
        TrainingResult result = Trainer.Run(start, inputs, objective, options);

        result.StopReason.Should().Be(StopReason.EpochLimit);
        result.SkippedUpdates.Should().Be(12, "two windows of sequence 1 in each epoch");
        result.Updates.Should().Be(6 * 7);
        SequenceBatch others = inputs.Select([0, 2]);
        Objective judge = objective.Part([new(0, 1, 8), new(2, 1, 5)]);
        judge.Loss(ForwardPass.Run(result.LastParameters.Model, others))
            .Should().BeLessThan(judge.Loss(ForwardPass.Run(start, others)));

        TrainingResult stopped = Trainer.Run(
            start, inputs, objective, options with { NonFinite = NonFinitePolicy.StopAndKeepBest });
        stopped.StopReason.Should().Be(StopReason.NonFinite);
        stopped.Epochs.Should().Be(0);
    }

    [Fact]
    public void Masked_windows_are_no_progress_where_every_other_update_is_left_out()
    {
        // The first window is masked; the spike in the second overflows whatever the weights.
        Matrix<double> inputs = Matrix<double>.Build.Dense(1, 6, 1.0);
        inputs[0, 3] = 1.5e308;
        var start = new LinearRnn(One(10.0), One(0.5), One(1.0));
        TrainingResult result = Trainer.Run(
            start,
            inputs,
            Objective.SquaredError(Matrix<double>.Build.Dense(1, 6)).WithStepWeights([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
            new TrainerOptions { WindowLength = 3, MaxEpochs = 20, NonFinite = NonFinitePolicy.SkipUpdate });

        result.StopReason.Should().Be(StopReason.NonFinite);
        result.Epochs.Should().Be(1);
        result.SkippedUpdates.Should().Be(1);
    }

    [Fact]
    public void A_loss_of_minus_infinity_is_never_the_best()
    {
        TrainingResult result = Trainer.Run(
            new LinearRnn(One(1.0), One(0.5), One(1.0)),
            Matrix<double>.Build.Dense(1, 5, 1.0),
            new Unbounded(),
            new TrainerOptions { Optimizer = new Sgd(1e3), Clipping = null });

        result.StopReason.Should().Be(StopReason.NonFinite);
        double.IsFinite(result.BestLoss).Should().BeTrue();
        result.BestLoss.Should().Be(result.History.Where(e => double.IsFinite(e.Loss)).Min(e => e.Loss));
    }

    [Theory]
    [InlineData(1, 500)]
    [InlineData(3, 0)]
    [InlineData(int.MaxValue, 3600)]
    public void The_time_that_remains_is_at_most_the_longest_there_is(int count, double seconds)
    {
        TimeSpan expected = count * seconds > TimeSpan.MaxValue.TotalSeconds
            ? TimeSpan.MaxValue
            : TimeSpan.FromSeconds(count * seconds);
        ProgressReporter.Times(TimeSpan.FromSeconds(seconds), count).Should().Be(expected);
        ProgressReporter.Times(TimeSpan.FromSeconds(seconds), 0).Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void The_message_names_the_place_in_the_training_data()
    {
        var examples = new Examples(103);
        Matrix<double> spiked = examples.Matrix(1, 12);
        spiked[0, 9] = 1e200;
        var inputs = SequenceBatch.Pack([examples.Matrix(1, 12), spiked]);
        var update = new TrainingLoss(
            inputs.Part([new(1, 7, 6)]), Objective.SquaredError(examples.Batch(1, 6)));
        TrainingPoint point = update.Evaluate(new Parameters(new LinearRnn(
            Matrix<double>.Build.Dense(1, 1, 1e200),
            Matrix<double>.Build.Dense(1, 1, 0.5),
            Matrix<double>.Build.Dense(1, 1, 1.0))));

        point.IsFinite.Should().BeFalse();
        NonFiniteText.Of(point, [new SequencePart(1, 7, 6)])
            .Should().Contain("sequence 1, step 10 of the training data");
    }

    [Fact]
    public void An_overflow_of_the_step_itself_is_no_other_than_one_of_the_loss()
    {
        TrainingResult result = Trainer.Run(
            Problem.Start,
            Problem.Inputs,
            Problem.Objective.WithNormalizer(1e-10),
            new TrainerOptions { Optimizer = new Sgd(1e308), Clipping = null });

        result.StopReason.Should().Be(StopReason.NonFinite);
        result.Summary.Should().Contain("overflow");
        result.LastParameters.Model.Should().BeSameAs(Problem.Start);
    }

    [Fact]
    public void The_target_loss_ends_it_at_the_start_or_on_the_way()
    {
        TrainingResult first = Run(new TrainerOptions { MaxEpochs = 20 });
        double target = 0.5 * (first.History[0].Loss + first.History[^1].Loss);

        TrainingResult reached = Run(new TrainerOptions { TargetLoss = target });
        reached.StopReason.Should().Be(StopReason.TargetLoss);
        reached.History[^1].Loss.Should().BeLessThanOrEqualTo(target);
        reached.History[^2].Loss.Should().BeGreaterThan(target);
        Run(new TrainerOptions { TargetLoss = 1e9 }).Epochs.Should().Be(0);
    }

    [Fact]
    public void Cancelled_before_the_first_step_the_start_is_the_result()
    {
        TrainingResult result = Trainer.Run(
            Problem.Start, Problem.Inputs, Problem.Objective, cancellationToken: new CancellationToken(canceled: true));

        result.StopReason.Should().Be(StopReason.Canceled);
        result.Model.Should().BeSameAs(Problem.Start);
        result.BestLoss.Should().Be(Problem.Objective.Loss(ForwardPass.Run(Problem.Start, Problem.Inputs)));
        result.Updates.Should().Be(0);
    }

    [Fact]
    public void Progress_comes_rarely_and_once_more_at_the_end()
    {
        var reports = new List<TrainingProgress>();
        TrainingResult result = Trainer.Run(
            Problem.Start,
            Problem.Inputs,
            Problem.Objective,
            new TrainerOptions
            {
                MaxEpochs = 300,
                ValidationFraction = 0.3,
                ProgressInterval = TimeSpan.FromHours(1.0),
            },
            new Reports(reports));

        reports.Should().HaveCount(2, "the interval is an hour");
        TrainingProgress last = reports[^1];
        last.Epoch.Should().Be(300);
        last.MaxEpochs.Should().Be(300);
        last.Updates.Should().Be(300);
        last.Loss.Should().Be(result.History[^1].Loss);
        last.ValidationLoss.Should().Be(result.History[^1].ValidationLoss);
        last.BestLoss.Should().Be(result.BestLoss);
        last.LearningRate.Should().Be(1e-3);
        last.Remaining.Should().Be(TimeSpan.Zero);
        reports[0].Remaining.Should().BeNull();
        result.History.Select(e => e.Elapsed).Should().BeInAscendingOrder();
    }

    [Fact]
    public void Options_that_do_not_fit_are_refused_at_the_start()
    {
        var fits = new TrainerOptions();
        Refused(fits with { WindowLength = 13 }, "WindowLength*longest sequence, 12, got 13");
        Refused(fits with { ValidationFraction = 0.01 }, "ValidationFraction*at least one step");
        Refused(fits with { ValidationFraction = 0.97 }, "ValidationFraction*a step to train on*sequence 0");
        Refused(
            fits with { ValidationFraction = 0.2, Validation = new ValidationSet(Problem.Inputs, Problem.Objective) },
            "*both*");
        Refused(fits with { Patience = 3 }, "Patience*validation*neither*");
        Refused(fits with { InitialStates = Matrix<double>.Build.Dense(3, 1) }, "InitialStates*3×2*got 3×1");
        Refused(fits with { InitialStates = Matrix<double>.Build.Dense(3, 2, double.NaN) }, "InitialStates*NaN*");
        Refused(
            fits with { InitialStateKind = InitialStateKind.Zero, InitialStates = Matrix<double>.Build.Dense(3, 2) },
            "InitialStates*start from zero*");
        Refused(fits with { Regularizers = [null!] }, "Regularizers*null at index 0");
        Refused(fits with { Constraints = [null!] }, "Constraints*null at index 0");

        TrainerOptions whole = fits with { Optimizer = QuasiNewton.Bfgs() };
        Refused(whole with { BatchSize = 1 }, "BatchSize*QuasiNewton*whole batch*mini-batches*");
        Refused(whole with { WindowLength = 5 }, "WindowLength*windows*");
        Refused(whole with { Truncation = Truncation.Lags(3) }, "Truncation*truncated*");
        Refused(whole with { Constraints = [new OrthogonalConstraint()] }, "Constraints*");
        Refused(whole with { Schedule = LearningRateSchedule.Cosine(5) }, "Schedule*learning rate*");

        double[][] none = [new double[12], new double[9]];
        FluentActions.Invoking(
            () => Trainer.Run(Problem.Start, Problem.Inputs, Problem.Objective.WithStepWeights(none)))
            .Should().Throw<ArgumentException>().WithMessage("*weights that are all 0*");
        double[][] first = [[1.0, .. new double[11]], [1.0, .. new double[8]]];
        FluentActions.Invoking(() => Trainer.Run(
                Problem.Start,
                Problem.Inputs,
                Problem.Objective.WithStepWeights(first),
                fits with { ValidationFraction = 0.3 }))
            .Should().Throw<ArgumentException>().WithMessage("*ValidationFraction*weights that are all 0*");
        FluentActions.Invoking(() => Trainer.Run(
                Problem.Start,
                Problem.Inputs,
                Objective.SquaredError(new Examples(1).Batch(1, 12, 8)),
                fits with { BatchSize = 1 }))
            .Should().Throw<ArgumentException>().WithMessage("*9 steps*");
    }

    [Fact]
    public void Values_out_of_range_are_refused_where_they_are_given()
    {
        foreach (Action bad in new Action[]
        {
            () => _ = new TrainerOptions { BatchSize = 0 },
            () => _ = new TrainerOptions { WindowLength = 0 },
            () => _ = new TrainerOptions { MaxEpochs = 0 },
            () => _ = new TrainerOptions { Patience = 0 },
            () => _ = new TrainerOptions { ValidationFraction = 0.0 },
            () => _ = new TrainerOptions { ValidationFraction = 1.0 },
            () => _ = new TrainerOptions { ValidationFraction = double.NaN },
            () => _ = new TrainerOptions { TargetLoss = double.NaN },
            () => _ = new TrainerOptions { InitialStateKind = (InitialStateKind)7 },
            () => _ = new TrainerOptions { NonFinite = (NonFinitePolicy)7 },
            () => _ = new CheckpointOptions("x", TimeSpan.FromSeconds(-1.0)),
        })
        {
            bad.Should().Throw<ArgumentOutOfRangeException>();
        }
        FluentActions.Invoking(() => new CheckpointOptions("")).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Trainer.Run(null!, Problem.Inputs, Problem.Objective))
            .Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => Trainer.Run(Problem.Start, (SequenceBatch)null!, Problem.Objective))
            .Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => Trainer.Run(Problem.Start, Problem.Inputs, null!))
            .Should().Throw<ArgumentNullException>();
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);

    private static TrainingResult Run(TrainerOptions options) =>
        Trainer.Run(Problem.Start, Problem.Inputs, Problem.Objective, options);

    private static void Refused(TrainerOptions options, string message) =>
        FluentActions.Invoking(() => Run(options)).Should().Throw<ArgumentException>().WithMessage($"*{message}*");

    /// <summary>ℓ = −‖o_t‖².</summary>
    private sealed class Unbounded() : Objective(Reduction.Sum)
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => -output[0] * output[0];

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            gradient[0] = -2.0 * output[0];
    }

    private sealed class Reports(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reports.Add(value);
    }
}
