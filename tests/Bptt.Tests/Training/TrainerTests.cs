// The training loop: what it reaches, what it keeps, why it stops.

using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Training;

public class TrainerTests
{
    [Fact]
    public void Full_batch_Adam_is_the_loop_written_out()
    {
        var problem = TrainingProblem.Create(seed: 1, 7, 4, 9);
        var result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Optimizer = new Adam(0.02),
            Clipping = new GlobalNormClipping(0.5),
            MaxEpochs = 20,
        });

        LinearRnn model = problem.Start;
        var adam = new Adam(0.02);
        List<double> losses = [];
        for (int epoch = 0; epoch <= 20; epoch++)
        {
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, problem.Inputs), problem.Objective);
            losses.Add(backward.Loss);
            if (epoch < 20)
            {
                model = adam.Step(model, new GlobalNormClipping(0.5).Apply(backward.Gradients).Gradients);
            }
        }

        result.StopReason.Should().Be(StopReason.EpochLimit);
        result.History.Select(e => e.Loss).Should().Equal(losses);
        result.LastParameters.ToVector().Should().Equal(new Parameters(model).ToVector());
        result.BestLoss.Should().Be(losses.Min());
        result.BestEpoch.Should().Be(losses.IndexOf(losses.Min()));
        result.Updates.Should().Be(20);
    }

    [Fact]
    public void Options_say_in_one_line_what_they_are()
    {
        new TrainerOptions().ToString().Should().Be(
            "TrainerOptions (Adam(learning rate 0.001, β₁ 0.9, β₂ 0.999, ε 1E-08, weight decay 0), "
            + "GlobalNormClipping(norm 1), initial state Carried, at most 1000 epochs)");
        var problem = TrainingProblem.Create(seed: 1, 7, 4);
        new TrainerOptions
        {
            Optimizer = new OwnRmsProp(0.5),
            Schedule = LearningRateSchedule.StepDecay(0.5, 3),
            Clipping = null,
            Regularizers = [new L2Regularizer(0.1), new OwnPenalty(2)],
            Constraints = [new OrthogonalConstraint()],
            Truncation = Truncation.Lags(3),
            BatchSize = 2,
            WindowLength = 4,
            Validation = new ValidationSet(problem.Inputs, problem.Objective),
            Patience = 5,
            TargetLoss = 1e-3,
            MaxEpochs = 20,
            Checkpoint = new CheckpointOptions("a.json"),
            ResumeFrom = "b.json",
        }.ToString().Should().Be(
            "TrainerOptions (OwnRmsProp(learning rate 0.5, decay 0.9, momentum 0.5), "
            + "schedule times 0.5 every 3 updates, no clipping, L2Regularizer(strength 0.1) + OwnPenalty(strength 2), "
            + $"OrthogonalConstraint(), truncated to {Truncation.Lags(3)}, initial state Carried, batches of 2, "
            + "windows of 4 steps, validation on 2 sequences, patience 5, target loss 0.001, at most 20 epochs, "
            + "saved to a.json, resumed from b.json)");
        new TrainerOptions { ValidationFraction = 0.25 }.ToString().Should().Contain("the last 0.25 held out");
    }

    [Fact]
    public void The_held_out_end_is_judged_by_running_on_and_never_learned_from()
    {
        var problem = TrainingProblem.Create(seed: 8, 20, 10, 2);
        var options = new TrainerOptions { MaxEpochs = 3, ValidationFraction = 0.2 }; // 4, 2 and no steps
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, options);

        // Over whole sequences with the other steps masked.
        double[][] training = [[.. Mask(16, 4)], [.. Mask(8, 2)], [1.0, 1.0]];
        double[][] held = Array.ConvertAll(training, w => Array.ConvertAll(w, v => 1.0 - v));
        var forward = ForwardPass.Run(result.LastParameters.Model, problem.Inputs);
        result.History[^1].Loss
            .Should().BeApproximately(problem.Objective.WithStepWeights(training).Loss(forward), 1e-14);
        result.History[^1].ValidationLoss.Should()
            .BeApproximately(problem.Objective.WithStepWeights(held).Loss(forward), 1e-14);

        TrainingResult masked = Trainer.Run(
            problem.Start,
            problem.Inputs,
            problem.Objective.WithStepWeights(training),
            options with { ValidationFraction = null });
        (masked.LastParameters.ToVector() - result.LastParameters.ToVector()).L2Norm().Should().BeLessThan(1e-12);

        static IEnumerable<double> Mask(int ones, int zeros) =>
            Enumerable.Repeat(1.0, ones).Concat(Enumerable.Repeat(0.0, zeros));
    }

    [Fact]
    public void A_randomised_truncation_takes_another_draw_for_each_update()
    {
        var problem = TrainingProblem.Create(seed: 9, 30);
        Truncation truncation = Truncation.Randomized(3, seed: 2).WithDraw(5);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Optimizer = new Sgd(0.1),
            Clipping = null,
            Truncation = truncation,
            MaxEpochs = 4,
        });

        LinearRnn model = problem.Start;
        for (int update = 0; update < 4; update++)
        {
            var options = new BackwardOptions { Truncation = truncation.WithDraw(5 + update) };
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, problem.Inputs), problem.Objective, options);
            model = new Sgd(0.1).Step(model, backward.Gradients);
        }
        result.LastParameters.ToVector().Should().Equal(new Parameters(model).ToVector());
    }

    [Fact]
    public void After_the_last_draw_comes_the_first()
    {
        var problem = TrainingProblem.Create(seed: 9, 30);
        Truncation truncation = Truncation.Randomized(3, seed: 2).WithDraw(int.MaxValue - 1);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Optimizer = new Sgd(0.1),
            Clipping = null,
            Truncation = truncation,
            MaxEpochs = 3,
        });

        LinearRnn model = problem.Start;
        foreach (int draw in new[] { int.MaxValue - 1, int.MaxValue, 0 })
        {
            var options = new BackwardOptions { Truncation = truncation.WithDraw(draw) };
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, problem.Inputs), problem.Objective, options);
            model = new Sgd(0.1).Step(model, backward.Gradients);
        }
        result.LastParameters.ToVector().Should().Equal(new Parameters(model).ToVector());
    }

    [Fact]
    public void Early_stopping_keeps_the_weights_of_the_smallest_validation_loss()
    {
        // Noise for targets: what is learned of the training part does not help on the held-out part for long.
        var examples = new Examples(10);
        LinearRnn start = examples.Model(1, 6, 1, spectralRadius: 0.9);
        SequenceBatch inputs = examples.Batch(1, 40);
        var objective = Objective.SquaredError(examples.Batch(1, 40));
        var options = new TrainerOptions
        {
            Optimizer = new Adam(0.03),
            ValidationFraction = 0.3,
            Patience = 15,
            MaxEpochs = 2000,
        };
        TrainingResult result = Trainer.Run(start, inputs, objective, options);

        result.StopReason.Should().Be(StopReason.EarlyStopped);
        result.Epochs.Should().Be(result.BestEpoch + 15);
        result.BestLoss.Should().Be(result.History.Min(e => e.ValidationLoss));
        result.BestLoss.Should().Be(result.History[result.BestEpoch].ValidationLoss);
        result.History[^1].Loss.Should().BeLessThan(result.History[result.BestEpoch].Loss);
        Trainer.Run(start, inputs, objective, options with { Patience = null, MaxEpochs = result.BestEpoch })
            .LastParameters.ToVector().Should().Equal(result.BestParameters.ToVector());
    }

    [Fact]
    public void Other_sequences_can_be_the_judge()
    {
        var problem = TrainingProblem.Create(seed: 12, 9);
        var other = TrainingProblem.Create(seed: 13, 6, 4);
        Matrix<double> h0 = new Examples(14).Matrix(3, 2);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Validation = new ValidationSet(other.Inputs, other.Objective, h0),
            MaxEpochs = 2,
        });
        result.History[^1].ValidationLoss.Should()
            .Be(other.Objective.Loss(ForwardPass.Run(result.LastParameters.Model, other.Inputs, h0)));
    }

    [Fact]
    public void Results_are_the_same_bit_for_bit_for_every_number_of_threads()
    {
        var examples = new Examples(16);
        LinearRnn start = examples.Model(8, 40, 5, spectralRadius: 0.9);
        SequenceBatch inputs = examples.Batch(8, 300, 120, 200);
        var objective = Objective.SquaredError(examples.Batch(5, 300, 120, 200));
        double[][] ends = Array.ConvertAll(
            [1, 2, -1], threads => Trainer.Run(start, inputs, objective, new TrainerOptions
            {
                BatchSize = 2,
                WindowLength = 100,
                MaxEpochs = 2,
                Execution = new ExecutionOptions { MaxDegreeOfParallelism = threads },
            }).LastParameters.ToVector().ToArray());

        ends[1].Should().Equal(ends[0]);
        ends[2].Should().Equal(ends[0]);
    }

    [Fact]
    public void Constraints_hold_at_the_start_and_after_every_update()
    {
        var problem = TrainingProblem.Create(seed: 17, 20);
        LinearRnn start = new(problem.Start.Whx, 3.0 * problem.Start.Whh, problem.Start.Wqh);
        TrainingResult result = Trainer.Run(start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Constraints = [new SpectralNormConstraint(0.5)],
            MaxEpochs = 10,
        });
        result.LastParameters.Model.Whh.L2Norm().Should().BeLessThanOrEqualTo(0.5 + 1e-12);
        result.History[0].Loss.Should().Be(problem.Objective.Loss(
            ForwardPass.Run(new SpectralNormConstraint(0.5).Apply(start), problem.Inputs)));
    }

    [Fact]
    public void Penalties_count_in_the_training_loss_and_not_in_validation()
    {
        var problem = TrainingProblem.Create(seed: 18, 20);
        var penalty = new L2Regularizer(0.7);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Regularizers = [penalty],
            Validation = new ValidationSet(problem.Inputs, problem.Objective),
            MaxEpochs = 1,
        });
        double norm = new Parameters(problem.Start).ToVector().L2Norm();
        double data = problem.Objective.Loss(ForwardPass.Run(problem.Start, problem.Inputs));
        result.History[0].Loss.Should().BeApproximately(data + 0.5 * 0.7 * norm * norm, 1e-13);
        result.History[0].ValidationLoss.Should().Be(data);
    }
}
