// Trainings of some epochs, by every method and with every remedy. No clock ends one.

namespace Bptt.Benchmarks.Bits;

internal static class TrainingCases
{
    private const int Epochs = 8;

    private static readonly ExecutionOptions Chunks = BitWay.SmallTimeParallel(2).Options;

    private static readonly ExecutionOptions Steps = BitWay.SmallSequential.Options;

    /// <summary>Without the number of epochs; <see cref="Adam"/> where no optimiser is named.</summary>
    private static readonly (string Name, TrainerOptions Options)[] Trainings =
    [
        ("sgd", new() { Optimizer = new Sgd(0.05), Clipping = null }),
        ("sgd.momentum", new() { Optimizer = new Sgd(0.05, 0.9), Clipping = new GlobalNormClipping(0.3) }),
        ("sgd.nesterov.windows", new() { Optimizer = new Sgd(0.02, 0.9, isNesterov: true), WindowLength = 7 }),
        ("sgd.value", new() { Optimizer = new Sgd(0.1), Clipping = new ValueClipping(0.05) }),
        ("sgd.matrix", new() { Optimizer = new Sgd(0.1), Clipping = new MatrixNormClipping(0.2) }),
        ("sgd.orthogonal", new() { Optimizer = new Sgd(0.05), Constraints = [new OrthogonalConstraint()] }),
        ("sgd.norm", new() { Optimizer = new Sgd(0.05, 0.5), Constraints = [new SpectralNormConstraint(0.8)] }),
        ("sgd.radius", new() { Optimizer = new Sgd(0.05, 0.5), Constraints = [new SpectralRadiusConstraint(0.7)] }),
        ("sgd.diverging", new() { Optimizer = new Sgd(50.0), Clipping = null, Execution = Chunks }),
        ("sgd.skipping", new()
        {
            Optimizer = new Sgd(1.0),
            Clipping = new GlobalNormClipping(1e154),
            NonFinite = NonFinitePolicy.SkipUpdate,
            BatchSize = 1,
            WindowLength = 5,
        }),
        ("sgd.patience", new() { Optimizer = new Sgd(0.3), ValidationFraction = 0.3, Patience = 2, Clipping = null }),
        ("adam", new() { Optimizer = new Adam(0.02) }),
        ("adam.decay.batches", new() { Optimizer = new Adam(0.01, weightDecay: 0.01), BatchSize = 2, Seed = 5 }),
        ("adam.chunks", new() { Optimizer = new Adam(0.02), Execution = Chunks }),
        ("adam.zero.lags", new()
        {
            BatchSize = 3,
            WindowLength = 9,
            InitialStateKind = InitialStateKind.Zero,
            Truncation = Truncation.Lags(4),
        }),
        ("adam.windows", new() { Optimizer = new Adam(0.02), Truncation = Truncation.Windows(5), Execution = Steps }),
        ("adam.random", new()
        {
            Optimizer = new Adam(0.02),
            Truncation = Truncation.Randomized(6, seed: 4),
            BatchSize = 2,
        }),
        ("adam.learned", new()
        {
            Optimizer = new Adam(0.02),
            BatchSize = 2,
            WindowLength = 11,
            InitialStateKind = InitialStateKind.Learned,
            ValidationFraction = 0.2,
        }),
        ("adam.schedule.penalties", new()
        {
            Optimizer = new Adam(0.05),
            Schedule = LearningRateSchedule.WarmUp(3, LearningRateSchedule.Cosine(12, 0.1)),
            Regularizers = [new L2Regularizer(0.01), new JacobianRegularizer(0.01)],
            Execution = Steps,
        }),
        ("adam.steps", new() { Optimizer = new Adam(0.05), Schedule = LearningRateSchedule.StepDecay(0.5, 3) }),
        ("levenberg", new() { Optimizer = new LevenbergMarquardt() }),
        ("levenberg.chunks", new() { Optimizer = new LevenbergMarquardt(), Execution = Chunks }),
        ("levenberg.learned.penalty", new()
        {
            Optimizer = new LevenbergMarquardt(),
            Regularizers = [new L2Regularizer(0.01)],
            InitialStateKind = InitialStateKind.Learned,
            ValidationFraction = 0.2,
            Execution = Steps,
        }),
        ("levenberg.iterative", new()
        {
            Optimizer = new LevenbergMarquardt(maxFactoredParameters: 0),
            Execution = Chunks,
        }),
        ("newton", new() { Optimizer = new TruncatedNewton() }),
        ("newton.learned", new()
        {
            Optimizer = new TruncatedNewton(),
            InitialStateKind = InitialStateKind.Learned,
            Execution = Chunks,
        }),
        ("bfgs", new()
        {
            Optimizer = QuasiNewton.Bfgs(iterationsPerStep: 3),
            Regularizers = [new JacobianRegularizer(0.01)],
        }),
        ("lbfgs", new() { Optimizer = QuasiNewton.LimitedMemoryBfgs(4, iterationsPerStep: 3), Execution = Steps }),
    ];

    public static IEnumerable<BitCase> All() =>
        [.. Trained(), .. OtherLosses(), .. Judged(), .. Diverged(), .. Resumed(), .. Points()];

    private static List<BitCase> Trained()
    {
        var cases = new List<BitCase>();
        for (int i = 0; i < Trainings.Length; i++)
        {
            (string name, TrainerOptions training) = Trainings[i];
            var problem = new BitProblem("4:9..60:5:2:1", seed: 500 + i, growth: 0.8);
            TrainerOptions own = training.InitialStateKind == InitialStateKind.Zero
                ? training
                : training with { InitialStates = problem.InitialStates };
            cases.AddRange(BitCase.OnThreads($"training/{name}/{problem.Name}", training.Execution, (hash, options) =>
                Add(hash, problem, Objective.SquaredError(Taught(problem)), own with { Execution = options })));
        }
        return cases;
    }

    private static List<BitCase> OtherLosses()
    {
        var cases = new List<BitCase>();
        foreach (string kind in new[] { "huber", "entropy", "own" })
        {
            foreach ((string method, TrainerOptions training) in new (string, TrainerOptions)[]
            {
                ("levenberg", new() { Optimizer = new LevenbergMarquardt() }),
                ("newton", new() { Optimizer = new TruncatedNewton() }),
                ("adam", new() { Optimizer = new Adam(0.03) }),
                ("adam.windows", new() { Optimizer = new Adam(0.03), BatchSize = 1, WindowLength = 2 }),
            })
            {
                var problem = new BitProblem("5:9..40:4:2:3", seed: 540, growth: 0.8);
                string name = $"training/{method}.{kind}/{problem.Name}";
                BitWay way = BitWay.SmallSequential.Within(problem, 1.5);
                cases.AddRange(BitCase.OnThreads(name, way, (hash, options) => Add(
                    hash,
                    problem,
                    ObjectiveCases.Of(kind, problem).WithStepWeights(problem.StepWeights),
                    training with { Execution = options })));
            }
        }
        return cases;
    }

    /// <summary>By other sequences than those trained on, and up to a loss.</summary>
    private static IEnumerable<BitCase> Judged()
    {
        var problem = new BitProblem("4:9..60:5:2:1", seed: 550, growth: 0.8);
        var other = new BitProblem("4:9..60:5:2:1", seed: 551, growth: 0.8);
        var validation = new ValidationSet(other.Inputs, Objective.SquaredError(other.Targets), other.InitialStates);
        return
        [
            new BitCase($"training/validation/{problem.Name}", hash => Add(
                hash,
                problem,
                Objective.SquaredError(Taught(problem)),
                new TrainerOptions { Validation = validation, Patience = 3, WindowLength = 20 })),
            new BitCase($"training/target/{problem.Name}", hash => Add(
                hash,
                problem,
                Objective.SquaredError(Taught(problem)),
                new TrainerOptions { Optimizer = new LevenbergMarquardt(), TargetLoss = 0.1 })),
        ];
    }

    private static IEnumerable<BitCase> Diverged()
    {
        var problem = new BitProblem("4:9..60:5:2:1", seed: 555, growth: 0.8);
        foreach (int? batchSize in new int?[] { null, 2 })
        {
            yield return new BitCase($"training/diverged{batchSize}/{problem.Name}", hash =>
            {
                try
                {
                    Add(hash, problem, Objective.SquaredError(Taught(problem)), new TrainerOptions
                    {
                        Optimizer = new Sgd(1e6),
                        Clipping = null,
                        NonFinite = NonFinitePolicy.Throw,
                        BatchSize = batchSize,
                    });
                }
                catch (TrainingDivergedException e)
                {
                    Add(hash, e.Result);
                }
            });
        }
    }

    /// <summary>Stopped after some epochs, and gone on with from its file.</summary>
    private static IEnumerable<BitCase> Resumed()
    {
        foreach ((string name, TrainerOptions training) in Trainings.Where(
            training => training.Name is "adam.learned" or "levenberg" or "lbfgs"))
        {
            var problem = new BitProblem("4:9..60:5:2:1", seed: 560, growth: 0.8);
            yield return new BitCase($"resumed/{name}/{problem.Name}", hash =>
            {
                string file = Path.GetTempFileName();
                try
                {
                    var objective = Objective.SquaredError(Taught(problem));
                    Trainer.Run(problem.Model, problem.Inputs, objective, training with
                    {
                        MaxEpochs = Epochs / 2,
                        Checkpoint = new CheckpointOptions(file),
                    });
                    Add(hash, problem, objective, training with { ResumeFrom = file });
                }
                finally
                {
                    File.Delete(file);
                }
            });
        }
    }

    /// <summary>The loss of a training and its gradient by themselves, as other optimisers are given them.</summary>
    private static List<BitCase> Points()
    {
        var cases = new List<BitCase>();
        foreach (BitWay way in new[] { BitWay.SmallSequential, BitWay.SmallTimeParallel(4), BitWay.SmallLifted(2) })
        {
            var problem = new BitProblem("7:1..64:9:3:5", seed: 570);
            cases.AddRange(BitCase.OnThreads($"point/{problem.Name}", way, (hash, options) =>
            {
                var loss = new TrainingLoss(problem.Inputs, Objective.Huber(problem.Targets), new TrainingLossOptions
                {
                    Execution = options,
                    Regularizers = [new L2Regularizer(0.1), new JacobianRegularizer(0.2)],
                });
                var parameters = new Parameters(problem.Model, problem.InitialStates);
                TrainingPoint point = loss.Evaluate(parameters);
                hash.Add(point.Loss);
                hash.Add(point.DataLoss);
                hash.Add(point.GradientVector());
                hash.Add(loss.Loss(parameters.With(1.01 * parameters.ToVector())));
                var function = new LossObjectiveFunction(loss, parameters);
                function.EvaluateAt(0.9 * parameters.ToVector());
                hash.Add(function.Value);
                hash.Add(function.Gradient);
            }));
        }
        return cases;
    }

    private static void Add(BitHash hash, BitProblem problem, Objective objective, TrainerOptions options)
    {
        Add(hash, Trainer.Run(problem.Model, problem.Inputs, objective, options with { MaxEpochs = Epochs }));
    }

    private static void Add(BitHash hash, TrainingResult result)
    {
        hash.Add(result.BestParameters.ToVector());
        hash.Add(result.LastParameters.ToVector());
        hash.Add(result.InitialStates);
        hash.Add(result.BestLoss);
        hash.Add(result.BestEpoch);
        hash.Add(result.Updates);
        hash.Add(result.SkippedUpdates);
        hash.Add(result.StopReason.ToString());
        foreach (EpochRecord record in result.History)
        {
            hash.Add(record.Epoch);
            hash.Add(record.Loss);
            hash.Add(record.ValidationLoss);
            hash.Add(record.GradientNorm);
        }
    }

    /// <summary>The outputs of another model, with some noise.</summary>
    private static SequenceBatch Taught(BitProblem problem)
    {
        LinearRnn model = problem.Model;
        var teacher = new LinearRnn(model.Whx, -0.9 * model.Whh.Transpose(), 0.5 * model.Wqh);
        var forward = ForwardPass.Run(teacher, problem.Inputs);
        SequenceBatch noise = problem.Targets;
        return SequenceBatch.Pack(
            [.. Enumerable.Range(0, noise.Count).Select(b => forward.Outputs(b) + 0.1 * noise.Sequence(b))]);
    }
}
