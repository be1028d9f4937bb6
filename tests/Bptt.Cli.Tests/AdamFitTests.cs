// The training loop: which weights it keeps, and how it ends.

using Bptt.Cli.Data;
using Bptt.Cli.Fitting;

namespace Bptt.Cli.Tests;

public class AdamFitTests
{
    private static readonly Dataset Data = Dataset.From(
        CsvTable.Read(new StringReader(Tables.TwoByTwo(60)), "data.csv"), ["a", "b"], ["y"], predictNext: false, 0.6);

    private static readonly AdamFitSettings Settings = new(
        HiddenSize: 4, Epochs: 30, LearningRate: 0.02, MaxGradientNorm: 1.0, Seed: 3, LearnsInitialState: false);

    [Theory]
    [InlineData(0.02)]
    [InlineData(0.6)] // so large that the loss jumps
    public void The_weights_of_the_smallest_loss_are_kept(double learningRate)
    {
        AdamFitResult fit = Run(Settings with { LearningRate = learningRate }, out List<EpochProgress> epochs);

        fit.End.Should().Be(AdamFitEnd.Finished);
        fit.EpochsRun.Should().Be(30);
        fit.Loss.Should().Be(epochs.Min(e => e.Loss));
        LossOf(fit).Should().BeApproximately(fit.Loss, 1e-12 * fit.Loss);
        epochs.Select(e => e.Epoch).Should().Equal(Enumerable.Range(1, 30));
        epochs[0].TimeLeft.Should().BeNull();
        epochs[^1].TimeLeft.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void The_loss_falls_where_steps_are_small()
    {
        Run(Settings, out List<EpochProgress> epochs);

        epochs[^1].Loss.Should().BeLessThan(0.5 * epochs[0].Loss);
    }

    [Fact]
    public void A_stop_ends_after_the_running_epoch_with_the_best_weights_so_far()
    {
        using var stop = new CancellationTokenSource();
        var epochs = new List<EpochProgress>();

        var fit = AdamFit.Run(Data.TrainingInputs, Data.TrainingTargets, Settings with { Epochs = 100 }, Report, stop.Token);

        fit.End.Should().Be(AdamFitEnd.Cancelled);
        fit.EpochsRun.Should().Be(12);
        fit.Loss.Should().Be(epochs.Min(e => e.Loss)).And.BeLessThan(epochs[0].Loss);
        LossOf(fit).Should().BeApproximately(fit.Loss, 1e-12 * fit.Loss);

        void Report(EpochProgress epoch)
        {
            epochs.Add(epoch);
            if (epoch.Epoch == 12)
            {
                stop.Cancel();
            }
        }
    }

    [Fact]
    public void A_stop_before_the_first_epoch_still_gives_weights()
    {
        var fit = AdamFit.Run(Data.TrainingInputs, Data.TrainingTargets, Settings, _ => { }, new CancellationToken(canceled: true));

        fit.End.Should().Be(AdamFitEnd.Cancelled);
        fit.EpochsRun.Should().Be(1);
        fit.Loss.Should().BePositive().And.Be(LossOf(fit));
    }

    [Fact]
    public void Divergence_ends_with_the_best_weights_and_a_reason()
    {
        AdamFitResult fit = Run(Settings with { LearningRate = 1e30 }, out List<EpochProgress> epochs);

        fit.End.Should().Be(AdamFitEnd.Diverged);
        fit.Reason.Should().Contain("epoch 2");
        fit.EpochsRun.Should().Be(epochs.Count);
        fit.Loss.Should().Be(epochs.Min(e => e.Loss));
        fit.Model.Whh.Should().Be(fit.InitialModel.Whh);
    }

    [Fact]
    public void The_initial_state_is_learned_only_where_told()
    {
        Run(Settings, out _).InitialState.Should().Equal(0, 0, 0, 0);

        AdamFitResult learned = Run(Settings with { LearnsInitialState = true }, out _);

        learned.InitialState.L2Norm().Should().BePositive();
        LossOf(learned).Should().BeApproximately(learned.Loss, 1e-12 * learned.Loss);
    }

    [Fact]
    public void The_smallest_clip_slows_nothing_but_the_size_of_the_gradient_that_Adam_sees()
    {
        // Adam divides by the size of the gradient: a constant factor on it changes only what ε does.
        Run(Settings with { MaxGradientNorm = 1e-3 }, out List<EpochProgress> clipped);
        Run(Settings, out List<EpochProgress> free);

        clipped[0].GradientNorm.Should().Be(free[0].GradientNorm, "the norm before clipping is reported");
        clipped[^1].Loss.Should().BeLessThan(0.5 * clipped[0].Loss);
        clipped[^1].Loss.Should().NotBe(free[^1].Loss);
    }

    private static AdamFitResult Run(AdamFitSettings settings, out List<EpochProgress> epochs)
    {
        var reported = new List<EpochProgress>();
        epochs = reported;
        return AdamFit.Run(Data.TrainingInputs, Data.TrainingTargets, settings, reported.Add, CancellationToken.None);
    }

    private static double LossOf(AdamFitResult fit) => Objective.SquaredError(Data.TrainingTargets)
        .Loss(ForwardPass.Run(fit.Model, Data.TrainingInputs, fit.InitialState));
}
