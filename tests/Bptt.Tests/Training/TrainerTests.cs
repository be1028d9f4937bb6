// The training loop: what it reaches, what it keeps, why it stops.

using Bptt.Training;

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
    public void Mini_batches_and_windows_reduce_the_loss_and_carry_the_state()
    {
        var problem = TrainingProblem.Create(seed: 2, 30, 17, 25, 40);
        foreach (InitialStateKind kind in Enum.GetValues<InitialStateKind>())
        {
            var result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
            {
                Optimizer = new Adam(0.01),
                BatchSize = 3,
                WindowLength = 8,
                MaxEpochs = 60,
                InitialState = kind,
            });

            result.BestLoss.Should().BeLessThan(0.3 * result.History[0].Loss, $"of {kind}");
            result.InitialStates.Should().Match(s => kind == InitialStateKind.Learned == (s != null));
        }
    }
}
