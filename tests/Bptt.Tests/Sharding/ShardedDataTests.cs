// Trainings on data that are elsewhere: the bits of data in memory, and by name what they cannot do.

using Bptt.Optimization;
using Bptt.Sharding;
using Bptt.Tests.Training;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Sharding;

public sealed class ShardedDataTests : IDisposable
{
    private const int Shards = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    private static TrainingProblem Problem { get; } = TrainingProblem.Create(12, 12, 9, 15, 7, 12, 30);

    public static TheoryData<string> Methods => ["adam", "lm", "newton", "lbfgs"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_training_has_the_bits_of_one_with_the_data_in_memory(string method)
    {
        foreach (InitialStateKind kind in new[] { InitialStateKind.Zero, InitialStateKind.Learned })
        {
            var options = new TrainerOptions
            {
                Optimizer = method switch
                {
                    "adam" => new Adam(0.01),
                    "lm" => new LevenbergMarquardt(),
                    "newton" => new TruncatedNewton(),
                    _ => QuasiNewton.LimitedMemoryBfgs(iterationsPerStep: 3),
                },
                InitialStateKind = kind,
                Validation = new ValidationSet(Problem.Inputs, Problem.Objective),
                MaxEpochs = 4,
            };

            TrainingResult here = Trainer.Run(
                Problem.Start, Problem.Inputs, Problem.Objective, options with { Shards = Shards });
            TrainingResult there = Trainer.Run(Problem.Start, new Elsewhere("data"), options);

            there.BestParameters.ToVector().Should().Equal(here.BestParameters.ToVector());
            there.History.Select(r => (r.Loss, r.ValidationLoss, r.GradientNorm)).Should().Equal(
                here.History.Select(r => (r.Loss, r.ValidationLoss, r.GradientNorm)));
        }
    }

    [Fact]
    public void A_checkpoint_is_resumed_with_the_same_data_alone()
    {
        string path = Path.Combine(_folder, "checkpoint.json");
        var options = new TrainerOptions { MaxEpochs = 3, Checkpoint = new CheckpointOptions(path, TimeSpan.Zero) };
        Trainer.Run(Problem.Start, new Elsewhere("data"), options);
        TrainerOptions more = options with { MaxEpochs = 6, ResumeFrom = path, Checkpoint = null };

        TrainingResult through = Trainer.Run(
            Problem.Start, new Elsewhere("data"), options with { MaxEpochs = 6, Checkpoint = null });
        TrainingResult resumed = Trainer.Run(Problem.Start, new Elsewhere("data"), more);
        Action other = () => Trainer.Run(Problem.Start, new Elsewhere("other data"), more);

        resumed.BestParameters.ToVector().Should().Equal(through.BestParameters.ToVector());
        other.Should().Throw<ArgumentException>().WithMessage("*numbers of the inputs*");
    }

    [Fact]
    public void What_needs_the_data_here_is_refused_by_name()
    {
        LinearRnn start = Problem.Start;
        (TrainerOptions Options, string Message)[] refused =
        [
            (new() { BatchSize = 2 }, "BatchSize: *mini-batches*"),
            (new() { WindowLength = 4 }, "WindowLength: *windows*"),
            (new() { WindowLength = 4, InitialStateKind = InitialStateKind.Zero }, "WindowLength: *windows*"),
            (new() { ValidationFraction = 0.2 }, "ValidationFraction: *a fraction*"),
            (new() { Truncation = Truncation.Lags(3) }, "Truncation: *truncated*"),
            (new() { Shards = 2 }, "Shards: *2 where they are cut into 3*"),
            (new() { Segments = 2 }, "Segments: *2 segments of each sequence*"),
            (
                new() { InitialStates = Matrix<double>.Build.Dense(start.HiddenSize, 6) },
                "InitialStates: *states that are not learned*"),
        ];
        foreach ((TrainerOptions options, string message) in refused)
        {
            Action run = () => Trainer.Run(start, new Elsewhere("data"), options);
            run.Should().Throw<ArgumentException>().WithMessage(message);
        }
        Action otherModel = () => Trainer.Run(new Examples(1).Model(5, 2, 1), new Elsewhere("data"));
        otherModel.Should().Throw<ArgumentException>().WithMessage("data: expected 5 inputs and 1 outputs*");
    }

    /// <summary>The shards of the problem, of which nobody sees the whole.</summary>
    private sealed class Elsewhere(string identity) : IShardedData, IShardRunner
    {
        private readonly ShardComputation[] _computations =
        [
            .. DataShard.Cut(Problem.Inputs, Problem.Objective, Shards).Select(shard => new ShardComputation(shard)),
        ];

        public int InputSize => Problem.Start.InputSize;

        public int OutputSize => Problem.Start.OutputSize;

        public IReadOnlyList<IReadOnlyList<int>> Lengths { get; } =
            [.. DataShard.Cut(Problem.Inputs, Problem.Objective, Shards).Select(shard => shard.Inputs.Lengths)];

        public string Identity => identity;

        public IShardRunner Start(ExecutionOptions execution) => this;

        public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation) =>
            Array.ConvertAll(_computations, c => (ReadOnlyMemory<double>)c.Run(task, cancellation));

        public void Dispose()
        {
        }
    }
}
