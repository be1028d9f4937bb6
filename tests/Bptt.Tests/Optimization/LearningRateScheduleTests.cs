// Schedules against values worked out by hand.

using Bptt.Optimization;
using Bptt.Tests.Training;
using Bptt.Training;

namespace Bptt.Tests.Optimization;

public class LearningRateScheduleTests
{
    [Fact]
    public void A_constant_rate_stays() =>
        Factors(LearningRateSchedule.Constant, 1, 2, 1000).Should().Equal(1.0, 1.0, 1.0);

    [Fact]
    public void Steps_fall_after_every_n_updates() =>
        Factors(LearningRateSchedule.StepDecay(0.5, 3), 1, 3, 4, 6, 7).Should().Equal(1.0, 1.0, 0.5, 0.5, 0.25);

    [Fact]
    public void A_cosine_begins_at_one_passes_the_middle_and_stays_at_its_end()
    {
        var schedule = LearningRateSchedule.Cosine(4, 0.2);
        double[] expected =
            [1.0, 0.2 + 0.4 * (1.0 + Math.Sqrt(0.5)), 0.6, 0.2 + 0.4 * (1.0 - Math.Sqrt(0.5)), 0.2, 0.2];
        for (int u = 1; u <= expected.Length; u++)
        {
            schedule.Factor(u).Should().BeApproximately(expected[u - 1], 1e-15);
        }
    }

    [Fact]
    public void Warming_up_rises_evenly_to_what_follows() =>
        Factors(LearningRateSchedule.WarmUp(4, LearningRateSchedule.StepDecay(0.5, 1)), 1, 2, 4, 5, 6)
            .Should().Equal(0.25, 0.5, 1.0, 1.0, 0.5);

    [Fact]
    public void Values_out_of_range_are_refused()
    {
        foreach (Action bad in new Action[]
        {
            () => LearningRateSchedule.StepDecay(0.0, 1),
            () => LearningRateSchedule.StepDecay(double.NaN, 1),
            () => LearningRateSchedule.StepDecay(0.5, 0),
            () => LearningRateSchedule.Cosine(0),
            () => LearningRateSchedule.Cosine(5, -0.1),
            () => LearningRateSchedule.WarmUp(0),
            () => LearningRateSchedule.Constant.Factor(0),
        })
        {
            bad.Should().Throw<ArgumentOutOfRangeException>();
        }
    }

    [Fact]
    public void A_function_and_a_subclass_are_schedules()
    {
        var root = LearningRateSchedule.Of("1/√u", update => 1.0 / Math.Sqrt(update));
        Factors(LearningRateSchedule.WarmUp(2, root), 1, 2, 3, 6).Should().Equal(0.5, 1.0, 1.0, 0.5);
        LearningRateSchedule.WarmUp(2, root).ToString().Should().Be("rising over 2 updates, then 1/√u");
        Factors(new OwnSchedule(0.5), 1, 2, 3).Should().Equal(0.5, 0.25, 0.125);
        FluentActions.Invoking(() => LearningRateSchedule.Of("", _ => 1.0)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => LearningRateSchedule.Of("a", null!)).Should().Throw<ArgumentNullException>();
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1.0)]
    public void A_factor_that_is_none_is_refused_and_named(double bad)
    {
        var schedule = LearningRateSchedule.Of("mine", update => update < 3 ? 1.0 : bad);
        schedule.Factor(2).Should().Be(1.0);
        string expected = $"The schedule '*mine': expected a finite factor of at least 0 for update 3, got {bad:R}.";
        schedule.Invoking(s => s.Factor(3)).Should().Throw<InvalidOperationException>().WithMessage(expected);
        LearningRateSchedule.WarmUp(1, schedule).Invoking(s => s.Factor(4)).Should()
            .Throw<InvalidOperationException>().WithMessage(expected);

        var problem = TrainingProblem.Create(seed: 3, 6, 5);
        FluentActions.Invoking(() => Trainer.Run(
                problem.Start, problem.Inputs, problem.Objective, new TrainerOptions { Schedule = schedule }))
            .Should().Throw<InvalidOperationException>().WithMessage(expected);
    }

    [Fact]
    public void A_training_multiplies_its_rate_update_by_update()
    {
        var problem = TrainingProblem.Create(seed: 3, 6, 5, 4);
        var schedule = LearningRateSchedule.StepDecay(0.5, 2);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Optimizer = new Sgd(0.1),
            Schedule = schedule,
            Clipping = null,
            MaxEpochs = 5,
        });

        LinearRnn model = problem.Start;
        for (int u = 1; u <= 5; u++)
        {
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, problem.Inputs), problem.Objective);
            model = new Sgd(0.1 * schedule.Factor(u)).Step(model, backward.Gradients);
        }
        result.LastParameters.ToVector().Should().Equal(new Parameters(model).ToVector());
    }

    [Fact]
    public void A_rate_that_ends_at_zero_leaves_the_weights_where_they_are()
    {
        var problem = TrainingProblem.Create(seed: 3, 6, 5, 4);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Schedule = LearningRateSchedule.Cosine(2),
            MaxEpochs = 5,
        });
        result.History[^1].Loss.Should().Be(result.History[2].Loss).And.BeLessThan(result.History[0].Loss);
    }

    private static double[] Factors(LearningRateSchedule schedule, params int[] updates) =>
        Array.ConvertAll(updates, schedule.Factor);
}
