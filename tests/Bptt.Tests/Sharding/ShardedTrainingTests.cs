// Trainings over shards: the same bits wherever and in whatever order shards are computed, and today's with one shard.

using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Tests.Training;
using Bptt.Training;

namespace Bptt.Tests.Sharding;

public sealed class ShardedTrainingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public static TheoryData<string> Ways => [.. AllWays.Keys];

    private static Dictionary<string, TrainerOptions> AllWays { get; } = new()
    {
        ["Adam"] = new() { Optimizer = new Adam(0.01) },
        ["Adam, learned states, held-out ends, penalty"] = new()
        {
            Optimizer = new Adam(0.01),
            InitialStateKind = InitialStateKind.Learned,
            ValidationFraction = 0.2,
            Regularizers = [new L2Regularizer(0.01)],
        },
        ["windows from zero"] = new()
        {
            Optimizer = new Sgd(0.05, 0.9),
            WindowLength = 4,
            InitialStateKind = InitialStateKind.Zero,
            ValidationFraction = 0.2,
        },
        ["L-BFGS"] = new() { Optimizer = QuasiNewton.LimitedMemoryBfgs(iterationsPerStep: 4) },
        ["Levenberg-Marquardt"] = new() { Optimizer = new LevenbergMarquardt() },
        ["Levenberg-Marquardt, penalty, learned states"] = new()
        {
            Optimizer = new LevenbergMarquardt(),
            Regularizers = [new L2Regularizer(0.001)],
            InitialStateKind = InitialStateKind.Learned,
        },
        ["Levenberg-Marquardt by products"] = new()
        {
            Optimizer = new LevenbergMarquardt(maxFactoredParameters: 0),
            InitialStateKind = InitialStateKind.Learned,
        },
        ["truncated Newton"] = new() { Optimizer = new TruncatedNewton(), Regularizers = [new L2Regularizer(0.001)] },
        ["single precision"] = new()
        {
            Optimizer = new Adam(0.01),
            Execution = new ExecutionOptions { Precision = Precision.Single },
        },
    };

    private static TrainingProblem Problem { get; } = TrainingProblem.Create(11, 12, 9, 15, 7, 12, 30, 6, 11, 40);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Ways))]
    public void One_shard_gives_the_bits_of_a_training_in_one_piece(string way)
    {
        TrainerOptions options = AllWays[way] with { MaxEpochs = 6 };

        Train(options with { Gradients = new Elsewhere() }).Should().Equal(Train(options));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Shards_give_the_same_bits_wherever_they_are_computed(string way)
    {
        TrainerOptions options = AllWays[way] with { MaxEpochs = 6, Shards = 4 };

        double[] here = Train(options);

        Train(options with { Gradients = new Elsewhere() }).Should().Equal(here, "each was sent in bytes");
        Train(options with { Gradients = new Elsewhere { IsForgetful = true } }).Should().Equal(here);
        Train(options with { Execution = options.Execution with { MaxDegreeOfParallelism = 1 } }).Should().Equal(here);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(100)]
    public void The_number_of_shards_changes_rounding_alone(int shards)
    {
        var options = new TrainerOptions { Optimizer = new Adam(0.01), MaxEpochs = 3 };

        double[] whole = Train(options);
        double[] cut = Train(options with { Shards = shards });

        cut.Should().HaveSameCount(whole);
        for (int i = 0; i < whole.Length; i++)
        {
            cut[i].Should().BeApproximately(whole[i], 1e-10 * (1.0 + Math.Abs(whole[i])));
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_training_goes_on_from_its_checkpoint_with_other_workers(string way)
    {
        string path = Path.Combine(_folder, "checkpoint.json");
        TrainerOptions options = AllWays[way] with { Shards = 3 };
        double[] through = Train(options with { MaxEpochs = 6 });

        Train(options with { MaxEpochs = 3, Checkpoint = new CheckpointOptions(path) });
        double[] resumed = Train(options with { MaxEpochs = 6, ResumeFrom = path, Gradients = new Elsewhere() });

        resumed.Should().Equal(through);
    }

    [Fact]
    public void Another_number_of_shards_is_another_training()
    {
        string path = Path.Combine(_folder, "checkpoint.json");
        var options = new TrainerOptions { Shards = 3, MaxEpochs = 2 };
        Train(options with { Checkpoint = new CheckpointOptions(path) });

        Action resume = () => Train(options with { Shards = 2, ResumeFrom = path });

        resume.Should().Throw<ArgumentException>().WithMessage("*shards: expected 3, got 2*");
    }

    [Fact]
    public void What_is_no_sum_over_sequences_is_refused_by_name()
    {
        var options = new TrainerOptions { Shards = 3 };
        Refusal(options with { BatchSize = 2 }).Should().Contain("mini-batches");
        Refusal(options with { WindowLength = 3 }).Should().Contain("windows");
        Refusal(options with { Truncation = Truncation.Lags(2) }).Should().Contain("truncated");
        Refusal(options with { Regularizers = [new JacobianRegularizer(0.1)] }).Should().Contain("penalty");

        static string Refusal(TrainerOptions options) =>
            ((Action)(() => Train(options))).Should().Throw<ArgumentException>().Which.Message;
    }

    [Fact]
    public void Numbers_that_are_not_finite_end_a_training_as_in_one_piece()
    {
        var wild = new LinearRnn(Problem.Start.Whx, 1e200 * Problem.Start.Whh, Problem.Start.Wqh);
        var options = new TrainerOptions { Shards = 3, MaxEpochs = 2 };

        TrainingResult result = Trainer.Run(wild, Problem.Inputs, Problem.Objective, options);

        result.StopReason.Should().Be(StopReason.NonFinite);
    }

    /// <summary>Every number that a training ends with.</summary>
    private static double[] Train(TrainerOptions options)
    {
        TrainingResult result = Trainer.Run(Problem.Start, Problem.Inputs, Problem.Objective, options);
        result.Epochs.Should().BeGreaterThan(0);
        return
        [
            .. new Parameters(result.Model, result.InitialStates).ToVector(),
            .. result.History.Select(record => record.Loss),
            .. result.History.Select(record => record.ValidationLoss ?? 0.0),
        ];
    }
}
