// Trainings over sequences that are cut in time: those of whole sequences but for rounding, and the same bits wherever
// segments are computed.

using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Tests.Training;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Sharding;

public sealed class SegmentTrainingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public static TheoryData<string> Ways => [.. AllWays.Keys];

    private static Dictionary<string, TrainerOptions> AllWays { get; } = new()
    {
        ["Adam, given states"] = new()
        {
            Optimizer = new Adam(0.01),
            InitialStates = Matrix<double>.Build.Dense(3, 5, (i, b) => 0.3 * (i - b)),
        },
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
            WindowLength = 13,
            InitialStateKind = InitialStateKind.Zero,
            ValidationFraction = 0.2,
        },
        ["L-BFGS, learned states"] = new()
        {
            Optimizer = QuasiNewton.LimitedMemoryBfgs(iterationsPerStep: 4),
            InitialStateKind = InitialStateKind.Learned,
        },
        ["BFGS"] = new() { Optimizer = QuasiNewton.Bfgs() },
        ["single precision"] = new()
        {
            Optimizer = new Adam(0.01),
            Execution = new ExecutionOptions { Precision = Precision.Single },
        },
        ["within a memory budget, step by step"] = new()
        {
            Optimizer = new Sgd(0.05),
            Execution = new ExecutionOptions { MemoryBudget = 4000, Recurrence = Recurrence.Sequential },
        },
    };

    private static TrainingProblem Problem { get; } = TrainingProblem.Create(11, 61, 9, 150, 1, 40);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_training_is_that_of_whole_sequences_but_for_rounding(string way)
    {
        TrainerOptions options = AllWays[way] with { MaxEpochs = 4 };
        double tolerance = options.Execution.Precision == Precision.Single ? 1e-4 : 1e-9;

        double[] whole = Train(options);

        foreach ((int segments, int shards) in new[] { (2, 1), (3, 4), (11, 6) })
        {
            double[] cut = Train(options with { Segments = segments, Shards = shards });
            cut.Should().HaveSameCount(whole);
            for (int i = 0; i < whole.Length; i++)
            {
                cut[i].Should().BeApproximately(whole[i], tolerance * (1.0 + Math.Abs(whole[i])));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Segments_give_the_same_bits_wherever_they_are_computed(string way)
    {
        TrainerOptions options = AllWays[way] with { MaxEpochs = 4, Segments = 5, Shards = 4 };

        double[] here = Train(options);

        Train(options with { Gradients = new Elsewhere() }).Should().Equal(here, "each was sent in bytes");
        Train(options with { Gradients = new Elsewhere { IsForgetful = true } }).Should().Equal(here);
        Train(options with { Execution = options.Execution with { MaxDegreeOfParallelism = 1 } }).Should().Equal(here);
    }

    [Theory]
    [InlineData("Adam, learned states, held-out ends, penalty")]
    [InlineData("L-BFGS, learned states")]
    public void A_training_goes_on_from_its_checkpoint_with_other_workers(string way)
    {
        string path = Path.Combine(_folder, "checkpoint.json");
        TrainerOptions options = AllWays[way] with { Shards = 3, Segments = 4 };
        double[] through = Train(options with { MaxEpochs = 6 });

        Train(options with { MaxEpochs = 3, Checkpoint = new CheckpointOptions(path) });
        double[] resumed = Train(options with { MaxEpochs = 6, ResumeFrom = path, Gradients = new Elsewhere() });

        resumed.Should().Equal(through);
    }

    [Fact]
    public void Another_number_of_segments_is_another_training()
    {
        string path = Path.Combine(_folder, "checkpoint.json");
        var options = new TrainerOptions { Segments = 3, MaxEpochs = 2 };
        Train(options with { Checkpoint = new CheckpointOptions(path) });

        Action other = () => Train(options with { Segments = 2, ResumeFrom = path });
        Action none = () => Train(options with { Segments = 1, ResumeFrom = path });

        other.Should().Throw<ArgumentException>().WithMessage("*segments: expected 3, got 2*");
        none.Should().Throw<ArgumentException>().WithMessage("*another one*");
    }

    [Fact]
    public void What_needs_whole_sequences_is_refused_by_name()
    {
        var options = new TrainerOptions { Segments = 3 };
        Refusal(options with { BatchSize = 2 }).Should().Contain("mini-batches");
        Refusal(options with { WindowLength = 3 }).Should().Contain("windows");
        Refusal(options with { Truncation = Truncation.Lags(2) }).Should().Contain("truncated");
        Refusal(options with { Regularizers = [new JacobianRegularizer(0.1)] }).Should().Contain("penalty");
        Refusal(options with { Optimizer = new LevenbergMarquardt() }).Should().StartWith(
            "Segments: expected 1 with LevenbergMarquardt").And.Contain("got 3").And.Contain("QuasiNewton");
        Refusal(options with { Optimizer = new TruncatedNewton() }).Should().StartWith(
            "Segments: expected 1 with TruncatedNewton");
        Action none = () => _ = new TrainerOptions { Segments = 0 };
        none.Should().Throw<ArgumentOutOfRangeException>().WithMessage("Segments: *");

        static string Refusal(TrainerOptions options) =>
            ((Action)(() => Train(options))).Should().Throw<ArgumentException>().Which.Message;
    }

    [Fact]
    public void Numbers_that_are_not_finite_end_a_training_as_in_one_piece()
    {
        foreach (double factor in new[] { 10.0, 1e200 })
        {
            var wild = new LinearRnn(Problem.Start.Whx, factor * Problem.Start.Whh, Problem.Start.Wqh);
            var options = new TrainerOptions { Segments = 3, MaxEpochs = 2 };

            TrainingResult whole = Trainer.Run(wild, Problem.Inputs, Problem.Objective, options with { Segments = 1 });
            TrainingResult cut = Trainer.Run(wild, Problem.Inputs, Problem.Objective, options);

            cut.StopReason.Should().Be(whole.StopReason);
        }
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
