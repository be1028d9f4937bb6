// The trainings of a fit: which weights are kept, how they end, and that nothing but the options decides.

using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Training;

namespace Bptt.Cli.Tests.Fitting;

public class FitTrainingTests
{
    private static readonly Dataset Data = DatasetBuilder.From(
        CsvTable.Read(new StringReader(Tables.TwoByTwo(60)), "data.csv"), ["a", "b"], ["y"], new DataSettings());

    private static readonly FitSettings Adam =
        new() { HiddenSize = 4, Method = FitMethod.Adam, Epochs = 30, LearningRate = 0.02, Seed = 3 };

    [Theory]
    [InlineData(0.02)]
    [InlineData(0.6)] // so large that the loss jumps
    public void The_weights_of_the_smallest_loss_are_kept(double learningRate)
    {
        TrainedFit fit = Run(Adam with { LearningRate = learningRate });

        fit.Training.StopReason.Should().Be(StopReason.EpochLimit);
        fit.Training.BestLoss.Should().Be(fit.Training.History.Min(e => e.Loss));
        LossOf(fit).Should().BeApproximately(fit.Training.BestLoss, 1e-12 * fit.Training.BestLoss);
        fit.Training.History.Should().HaveCount(31);
    }

    [Theory]
    [InlineData(FitMethod.LevenbergMarquardt)]
    [InlineData(FitMethod.TruncatedNewton)]
    [InlineData(FitMethod.Bfgs)]
    [InlineData(FitMethod.LimitedMemoryBfgs)]
    [InlineData(FitMethod.Adam)]
    [InlineData(FitMethod.GradientDescent)]
    internal void Every_method_makes_the_loss_smaller_from_every_start(FitMethod method)
    {
        foreach (FitStart start in Enum.GetValues<FitStart>())
        {
            var settings = new FitSettings { Method = method, Start = start, Epochs = 40 };

            TrainedFit fit = Run(settings, hiddenSize: 2);

            fit.Plan.Start.Should().Be(start);
            double before = fit.Training.History[0].Loss;
            double needed = start == FitStart.Subspace ? before : 0.7 * before;
            fit.Training.BestLoss.Should().BeLessThanOrEqualTo(needed, "by {0} from {1}", method, start);
        }
    }

    [Fact]
    public void A_stop_ends_with_the_best_weights_so_far()
    {
        using var stop = new CancellationTokenSource();

        TrainedFit fit = FitTraining.Run(
            Data,
            FitPlan.Of(Adam with { Epochs = 1_000_000 }, Data, 4),
            checkpoint: null,
            progress => stop.CancelAfter(progress.Epoch == 0 ? 30 : 0),
            _ => { },
            stop.Token);

        fit.Training.StopReason.Should().Be(StopReason.Canceled);
        fit.Training.BestLoss.Should().Be(fit.Training.History.Min(e => e.Loss));
        LossOf(fit).Should().BeApproximately(fit.Training.BestLoss, 1e-12 * fit.Training.BestLoss);
    }

    [Fact]
    public void Divergence_ends_with_the_best_weights_and_a_reason()
    {
        TrainedFit fit = Run(Adam with { LearningRate = 1e30 });

        fit.Training.StopReason.Should().Be(StopReason.NonFinite);
        fit.Training.Summary.Should().Contain("after 1 epoch");
        fit.Model.Whh.Should().Be(fit.InitialModel.Whh);
    }

    [Theory]
    [InlineData(FitStart.Subspace)]
    [InlineData(FitStart.Orthogonal)]
    internal void The_initial_state_is_learned_only_where_told(FitStart start)
    {
        var settings = new FitSettings { Start = start };

        Run(settings, 2).InitialState.Should().Equal(0, 0);
        TrainedFit learned = Run(settings with { LearnsInitialState = true }, 2);

        learned.InitialState.L2Norm().Should().BePositive();
        LossOf(learned).Should().BeApproximately(learned.Training.BestLoss, 1e-12 * learned.Training.BestLoss);
    }

    [Fact]
    public void The_method_and_the_start_follow_from_the_size_and_from_what_is_asked_for()
    {
        var small = FitPlan.Of(new FitSettings(), Data, 4);
        var large = FitPlan.Of(new FitSettings(), Data, 40); // 40·(2 + 40 + 1) parameters
        var asked = FitPlan.Of(new FitSettings { LearningRate = 0.1 }, Data, 4);
        var truncated = FitPlan.Of(
            new FitSettings { Truncation = Truncation.Lags(3), Start = FitStart.Subspace, Epochs = 7 }, Data, 4);

        (small.Method, small.Start, small.Epochs).Should().Be((FitMethod.LevenbergMarquardt, FitStart.Subspace, 200));
        (large.Method, large.Start, large.Epochs).Should().Be((FitMethod.Adam, FitStart.Orthogonal, 2000));
        (asked.Method, asked.Start).Should().Be((FitMethod.Adam, FitStart.Orthogonal));
        (truncated.Method, truncated.Start, truncated.Epochs).Should().Be((FitMethod.Adam, FitStart.Subspace, 7));
    }

    [Fact]
    public void Of_several_starts_the_best_is_kept_and_each_is_what_it_would_be_alone()
    {
        var settings = new FitSettings { Start = FitStart.Gaussian, Seed = 5, Starts = 4, Epochs = 3 };

        TrainedFit all = Run(settings, 3);

        all.Training.BestLoss.Should().Be(all.Runs.Min(r => r.Training.BestLoss));
        all.StartTable()!.Rows.Select(r => r[0].Replace(" (kept)", "")).Should().Equal(
            "random Gaussian, radius 0.9, seed 5",
            "random orthogonal, radius 0.9, seed 6",
            "random orthogonal, radius 0.9, seed 7",
            "random orthogonal, radius 0.9, seed 8");
        all.StartTable()!.Rows.Count(r => r[0].EndsWith(" (kept)", StringComparison.Ordinal)).Should().Be(1);
        for (int i = 0; i < 4; i++)
        {
            TrainedFit alone = Run(
                settings with { Start = i == 0 ? FitStart.Gaussian : FitStart.Orthogonal, Seed = 5 + i, Starts = 1 },
                3);
            all.Runs[i].Training.LastParameters.ToVector()
                .Should().Equal(alone.Training.LastParameters.ToVector(), "of start {0}", i);
        }
    }

    [Fact]
    public void Random_cuts_are_others_for_each_update()
    {
        TrainedFit random = Run(Adam with { Truncation = Truncation.Randomized(4, seed: 3) });
        TrainedFit again = Run(Adam with { Truncation = Truncation.Randomized(4, seed: 3) });
        TrainedFit whole = Run(Adam);

        again.Model.Whh.Should().Be(random.Model.Whh);
        random.Model.Whh.Should().NotBe(whole.Model.Whh);
        random.Training.BestLoss.Should().BeLessThan(0.5 * random.Training.History[0].Loss);
    }

    private static TrainedFit Run(FitSettings settings, int hiddenSize = 4) => FitTraining.Run(
        Data, FitPlan.Of(settings, Data, hiddenSize), checkpoint: null, _ => { }, _ => { }, CancellationToken.None);

    private static double LossOf(TrainedFit fit) => Data.Training.Objective
        .Loss(ForwardPass.Run(fit.Model, Data.Training.Inputs, fit.InitialState.ToColumnMatrix()));
}
