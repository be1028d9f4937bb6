// Trainings that are stopped and resumed: bit for bit the same, and refused where they are not.

using System.Globalization;
using System.Text;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Training;

public sealed class CheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public static TheoryData<string> Ways => [.. AllWays.Keys];

    /// <summary>Every kind of training, on the sequences of <see cref="Problem"/>.</summary>
    private static Dictionary<string, TrainerOptions> AllWays { get; } = new()
    {
        ["Adam"] = new() { Optimizer = new Adam(0.01) },
        ["AdamW, mini-batches"] = new() { Optimizer = new Adam(0.01, weightDecay: 0.01), BatchSize = 2, Seed = 5 },
        ["Nesterov, windows"] = new() { Optimizer = new Sgd(0.02, 0.9, isNesterov: true), WindowLength = 4 },
        ["windows from zero, lags"] = new()
        {
            BatchSize = 3,
            WindowLength = 4,
            InitialStateKind = InitialStateKind.Zero,
            Truncation = Truncation.Lags(2),
        },
        ["learned states, mini-batches, windows, held-out ends"] = new()
        {
            Optimizer = new Adam(0.02),
            BatchSize = 2,
            WindowLength = 3,
            InitialStateKind = InitialStateKind.Learned,
            ValidationFraction = 0.2,
        },
        ["Levenberg-Marquardt, penalty, learned states, held-out ends"] = new()
        {
            Optimizer = new LevenbergMarquardt(),
            Regularizers = [new L2Regularizer(0.01)],
            InitialStateKind = InitialStateKind.Learned,
            ValidationFraction = 0.2,
        },
        ["truncated Newton"] = new() { Optimizer = new TruncatedNewton() },
        ["schedule, penalties, constraints"] = new()
        {
            Optimizer = new Sgd(0.05, 0.5),
            Schedule = LearningRateSchedule.WarmUp(3, LearningRateSchedule.Cosine(12, 0.1)),
            Regularizers = [new L2Regularizer(0.01), new JacobianRegularizer(0.01)],
            Constraints = [new SpectralNormConstraint(0.9)],
            Clipping = new ValueClipping(0.1),
        },
        ["everything of a user's own"] = new()
        {
            Optimizer = new OwnRmsProp(0.02, decay: 0.8),
            Schedule = new OwnSchedule(0.99),
            Clipping = new OwnClipping(0.2),
            Regularizers = [new OwnPenalty(0.01)],
            Constraints = [new OwnConstraint(0.6)],
            BatchSize = 2,
            WindowLength = 4,
            InitialStateKind = InitialStateKind.Learned,
        },
        ["randomised truncation"] = new() { Truncation = Truncation.Randomized(3, seed: 4) },
        ["randomised truncation, mini-batches, windows"] = new()
        {
            Truncation = Truncation.Randomized(3, seed: 4),
            BatchSize = 2,
            WindowLength = 5,
        },
        ["early stopping"] =
            new() { Optimizer = new Sgd(0.3), ValidationFraction = 0.3, Patience = 2, Clipping = null },
        ["BFGS"] = new() { Optimizer = QuasiNewton.Bfgs(iterationsPerStep: 3) },
        ["limited-memory BFGS"] = new() { Optimizer = QuasiNewton.LimitedMemoryBfgs(4, iterationsPerStep: 3) },
        ["skipped steps"] = new()
        {
            Optimizer = new Sgd(1.0),
            Clipping = new GlobalNormClipping(1e154),
            NonFinite = NonFinitePolicy.SkipUpdate,
            BatchSize = 1,
            WindowLength = 5,
        },
    };

    private static TrainingProblem Problem { get; } = TrainingProblem.Create(seed: 81, 9, 5, 12, 7);

    private string File => Path.Combine(_folder, "training.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_training_stopped_anywhere_and_resumed_ends_bit_for_bit_the_same(string way)
    {
        TrainerOptions options = AllWays[way] with { MaxEpochs = 5 };
        TrainingResult whole = Run(options);

        // Stopped after every single update, and resumed: through the file each time.
        TrainerOptions saved = options with { Checkpoint = new CheckpointOptions(File, TimeSpan.Zero) };
        TrainingResult part = RunOneUpdate(saved, 0);
        int runs = 1;
        while (part.StopReason == StopReason.Canceled)
        {
            part.CheckpointFault.Should().BeNull();
            (++runs).Should().BeLessThan(500);
            part = RunOneUpdate(saved with { ResumeFrom = File }, part.Updates);
        }

        runs.Should().BeGreaterThan(1);
        Bits(part).Should().Equal(Bits(whole), way);
        part.Summary.Should().Be(whole.Summary);
    }

    [Fact]
    public void A_training_killed_between_two_savings_goes_on_from_the_last_one()
    {
        // What a kill leaves is the file of an earlier update; later ones of the same run are lost.
        TrainerOptions options = AllWays["learned states, mini-batches, windows, held-out ends"] with { MaxEpochs = 4 };
        TrainingResult whole = Run(options);
        TrainerOptions saved = options with
        {
            Checkpoint = new CheckpointOptions(File, TimeSpan.Zero),
            ProgressInterval = TimeSpan.Zero,
        };
        string left = Path.Combine(_folder, "left.json");
        foreach (int update in new[] { 1, 7, 12 })
        {
            Run(saved, p =>
            {
                if (p.Updates == update)
                {
                    System.IO.File.Copy(File, left, overwrite: true);
                }
            });
            Bits(Run(options with { ResumeFrom = left })).Should().Equal(Bits(whole), $"after update {update}");
        }
    }

    [Fact]
    public void A_finished_training_goes_on_with_more_epochs()
    {
        TrainerOptions options = AllWays["AdamW, mini-batches"];
        TrainingResult whole = Run(options with { MaxEpochs = 7 });

        Run(options with { MaxEpochs = 3, Checkpoint = new CheckpointOptions(File) });
        TrainingResult more = Run(options with { MaxEpochs = 7, ResumeFrom = File });

        Bits(more).Should().Equal(Bits(whole));
        more.History[^1].Elapsed.Should().BeGreaterThanOrEqualTo(more.History[0].Elapsed);
    }

    [Fact]
    public void A_training_goes_on_under_another_culture()
    {
        TrainerOptions options = AllWays["AdamW, mini-batches"] with
        {
            Seed = -5,
            Truncation = Truncation.Randomized(3, seed: -4),
            MaxEpochs = 2,
        };
        Run(options with { Checkpoint = new CheckpointOptions(File) });
        CultureInfo before = CultureInfo.CurrentCulture;
        var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        other.NumberFormat.NegativeSign = "−";
        other.NumberFormat.NumberDecimalSeparator = ",";
        try
        {
            CultureInfo.CurrentCulture = other;
            Run(options with { ResumeFrom = File, MaxEpochs = 3 }).Epochs.Should().Be(3);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Another_training_is_refused_with_every_difference()
    {
        TrainerOptions options = AllWays["AdamW, mini-batches"] with { MaxEpochs = 2 };
        Run(options with { Checkpoint = new CheckpointOptions(File) });
        TrainerOptions resumed = options with { ResumeFrom = File };

        Refused(resumed with { BatchSize = 3, Seed = 6 }).Should().Contain("batch size: expected 2, got 3")
            .And.Contain("seed: expected 5, got 6").And.NotContain("optimizer");
        Refused(resumed with { Optimizer = new Adam(0.02) }).Should().Contain("learning rate 0.01").And.Contain("0.02");
        Refused(resumed with { Clipping = null })
            .Should().Contain("clipping: expected GlobalNormClipping(norm 1), got none");
        Refused(resumed with { Truncation = Truncation.Windows(3) }).Should().Contain("truncation: expected none");
        Refused(resumed, Problem with { Start = Problem.Truth }).Should().Contain("start:");
        var other = TrainingProblem.Create(seed: 82, 9, 5, 12, 7);
        Refused(resumed, Problem with { Inputs = other.Inputs }).Should().Contain("inputs:");
        Refused(resumed, Problem with { Targets = other.Targets })
            .Should().Contain("loss and gradient at the start:").And.NotContain("inputs:");

        var judged = new ValidationSet(other.Inputs, other.Objective);
        Run(options with { Validation = judged, Checkpoint = new CheckpointOptions(File) });
        var otherwise = new ValidationSet(other.Inputs, Problem.Objective);
        Refused(resumed with { Validation = otherwise })
            .Should().Contain("loss and gradient at the start:").And.NotContain("inputs:");
    }

    [Fact]
    public void What_a_user_wrote_is_told_apart_by_its_settings()
    {
        TrainerOptions options = AllWays["everything of a user's own"] with { MaxEpochs = 2 };
        Run(options with { Checkpoint = new CheckpointOptions(File) });
        TrainerOptions resumed = options with { ResumeFrom = File };

        Refused(resumed with { Optimizer = new OwnRmsProp(0.02, decay: 0.7) }).Should()
            .Contain("OwnRmsProp(learning rate 0.02, decay 0.8, momentum 0.5), got OwnRmsProp(learning rate 0.02, "
                + "decay 0.7, momentum 0.5)")
            .And.NotContain("schedule");
        Refused(resumed with { Optimizer = new OwnRmsProp(0.03, decay: 0.8) }).Should().Contain("learning rate 0.03");
        Refused(resumed with { Schedule = new OwnSchedule(0.98) }).Should().Contain("schedule: expected 0.99 to");
        Refused(resumed with { Clipping = new OwnClipping(0.3) }).Should().Contain("clipping: expected OwnClipping(");
        Refused(resumed with { Regularizers = [new OwnPenalty(0.02)] }).Should().Contain("penalties: expected OwnP");
        Refused(resumed with { Constraints = [new OwnConstraint(0.7)] }).Should().Contain("constraints: expected Ow");
    }

    [Fact]
    public void A_damaged_foreign_or_newer_file_is_refused_with_the_reason()
    {
        TrainerOptions options = AllWays["Adam"] with { MaxEpochs = 2 };
        Run(options with { Checkpoint = new CheckpointOptions(File) });
        string good = System.IO.File.ReadAllText(File);

        Damaged(good[..(good.Length / 2)]).Should().Contain(File).And.Contain("cut short");
        Damaged("").Should().Contain("not a whole JSON file");
        Damaged("{\"format\":\"bptt-linear-rnn\"}").Should().Contain("a saved training");
        Damaged("[1]").Should().Contain("an object");
        Damaged(good.Replace("\"version\":1", "\"version\":2", StringComparison.Ordinal)).Should().Contain("got 2");
        int digit = good.IndexOf("\"current\":[", StringComparison.Ordinal) + 16;
        char other = good[digit] == '7' ? '8' : '7';
        Damaged(good[..digit] + other + good[(digit + 1)..]).Should().Contain("damaged");

        string Damaged(string text)
        {
            System.IO.File.WriteAllText(File, text, new UTF8Encoding(false));
            return FluentActions.Invoking(() => Run(options with { ResumeFrom = File }))
                .Should().Throw<InvalidDataException>().Which.Message;
        }
    }

    [Fact]
    public void A_missing_file_is_an_IO_error() =>
        FluentActions.Invoking(() => Run(AllWays["Adam"] with { ResumeFrom = Path.Combine(_folder, "none.json") }))
            .Should().Throw<FileNotFoundException>();

    [Fact]
    public void A_file_that_cannot_be_written_is_told_and_the_training_goes_on()
    {
        string folder = Path.Combine(_folder, "gone");
        string file = Path.Combine(folder, "training.json");
        TrainerOptions options = AllWays["Adam"] with { MaxEpochs = 4 };

        TrainingResult result = Run(options with { Checkpoint = new CheckpointOptions(file, TimeSpan.Zero) });

        result.CheckpointFault.Should().Contain(file).And.Contain("folder");
        Bits(result).Should().Equal(Bits(Run(options)), "the training does not depend on it");

        // Writable again: the next attempt succeeds, and the fault is over.
        TrainingResult again = Run(
            options with { Checkpoint = new CheckpointOptions(file, TimeSpan.Zero), ProgressInterval = TimeSpan.Zero },
            p => _ = p.Epoch == 2 ? Directory.CreateDirectory(folder) : null);
        again.CheckpointFault.Should().BeNull();
        Directory.GetFiles(folder).Should().Equal([file], "nothing else is left behind");

        // In the place of a folder no file can be put.
        TrainingResult inPlace = Run(options with { Checkpoint = new CheckpointOptions(folder, TimeSpan.Zero) });
        inPlace.CheckpointFault.Should().NotBeNull();
        Directory.GetFiles(_folder, "*.tmp").Should().BeEmpty();
    }

    [Fact]
    public void Numbers_of_every_kind_are_read_back_bit_for_bit()
    {
        double[] numbers = [-0.0, 0.0, double.Epsilon, double.MaxValue, 0.1, -1.0 / 3.0, 1e-290];
        LinearRnn model = Problem.Start;
        double[] values = new Parameters(model).ToVector().ToArray();
        numbers.CopyTo(values, 0);
        Parameters parameters = new Parameters(model).With(Vector<double>.Build.Dense(values));
        var state = new TrainingState(parameters, new Adam())
        {
            BestLoss = double.PositiveInfinity,
            Piece = 1,
            Carry = Matrix<double>.Build.Dense(3, 2, double.NegativeInfinity),
        };
        state.History.Add(new EpochRecord(0, double.NaN, double.PositiveInfinity, null, TimeSpan.FromSeconds(0.25)));
        TrainingCheckpoint.Save(File, state, TimeSpan.FromSeconds(0.5), [("what", "a test")]);

        var read = new TrainingState(new Parameters(model), new Adam());
        var plan = new EpochPlan(lengths: [4, 4], batchSize: null, windowLength: 2, seed: 1);
        TrainingCheckpoint.Load(File, read, plan, [("what", "a test")]);

        read.Current.ToVector().Select(BitConverter.DoubleToInt64Bits)
            .Should().Equal(values.Select(BitConverter.DoubleToInt64Bits));
        read.BestLoss.Should().Be(double.PositiveInfinity);
        read.LargestNorm.Should().Be(double.NaN);
        read.Carry!.ToColumnMajorArray().Should().AllSatisfy(v => v.Should().Be(double.NegativeInfinity));
        read.History.Should().Equal(state.History);
        read.Before.Should().Be(TimeSpan.FromSeconds(0.5));
    }

    private static string Refused(TrainerOptions options, TrainingProblem? problem = null) =>
        FluentActions.Invoking(() => Run(options, problem: problem))
            .Should().Throw<ArgumentException>().WithMessage("*expected the training that was saved*").Which.Message;

    private static TrainingResult Run(
        TrainerOptions options, Action<TrainingProgress>? progress = null, TrainingProblem? problem = null)
    {
        problem ??= Problem;
        return Trainer.Run(
            problem.Start, problem.Inputs, problem.Objective, options, progress is null ? null : new Told(progress));
    }

    /// <summary>Runs until one update more is done than before.</summary>
    private static TrainingResult RunOneUpdate(TrainerOptions options, int updatesBefore)
    {
        using var cancellation = new CancellationTokenSource();
        var told = new Told(p =>
        {
            if (p.Updates > updatesBefore)
            {
                cancellation.Cancel();
            }
        });
        options = options with { ProgressInterval = TimeSpan.Zero };
        return Trainer.Run(
            Problem.Start, Problem.Inputs, Problem.Objective, options, told, cancellation.Token);
    }

    private static long[] Bits(TrainingResult result) =>
    [
        .. result.LastParameters.ToVector().Select(BitConverter.DoubleToInt64Bits),
        .. result.BestParameters.ToVector().Select(BitConverter.DoubleToInt64Bits),
        .. result.History.Select(e => BitConverter.DoubleToInt64Bits(e.Loss)),
        .. result.History.Select(e => BitConverter.DoubleToInt64Bits(e.ValidationLoss ?? -1.0)),
        .. result.History.Select(e => BitConverter.DoubleToInt64Bits(e.GradientNorm ?? -1.0)),
        BitConverter.DoubleToInt64Bits(result.BestLoss),
        result.BestEpoch,
        result.Updates,
        result.SkippedUpdates,
        (long)result.StopReason,
    ];
}
