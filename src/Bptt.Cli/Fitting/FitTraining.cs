// The trainings of `bptt fit`: one, or several from different starts side by side. Prints nothing.

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Identification;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>One epoch as it is shown.</summary>
/// <param name="Epoch">Epochs that are done.</param>
/// <param name="Epochs">The most.</param>
/// <param name="Loss">After them.</param>
/// <param name="GradientNorm">Before clipping; null where it is not known.</param>
/// <param name="TimeLeft">Until all epochs are done; null where it cannot be told.</param>
/// <param name="Details">All that the training tells.</param>
internal readonly record struct EpochProgress(
    int Epoch,
    int Epochs,
    double Loss,
    double? GradientNorm,
    TimeSpan? TimeLeft,
    TrainingProgress? Details = null);

internal static class FitTraining
{
    /// <summary>Trains.</summary>
    /// <param name="data">Of which the training part is seen.</param>
    /// <param name="plan">How.</param>
    /// <param name="checkpoint">The file that a single training saves itself to; null for none.</param>
    /// <param name="report">Told of the first training's epochs, on one thread at a time.</param>
    /// <param name="finished">Told how many of several trainings have ended, on one thread at a time.</param>
    /// <param name="cancellation">Ends all of them; what they have is the result.</param>
    /// <param name="isCheckpointAsked">Asked after each update whether to save at once; null for never.</param>
    /// <exception cref="DataFaultException">The loss or its gradient is not finite at the very start, or the training
    /// cannot be resumed.</exception>
    public static TrainedFit Run(
        Dataset data,
        FitPlan plan,
        string? checkpoint,
        Action<EpochProgress> report,
        Action<int> finished,
        CancellationToken cancellation,
        Func<bool>? isCheckpointAsked = null)
    {
        int count = plan.Settings.Starts;
        var starts = new (LinearRnn Model, Matrix<double> States)[count];
        var runs = new FitRun[count];
        Lock reporting = new();
        int done = 0;
        SequenceBatch sequences = data.Training.Inputs;
        Objective objective = data.Training.Objective;
        ImpulseResponsePrior? prior = null;
        if (plan.HasPrior)
        {
            prior = ImpulseResponsePrior.Estimate(sequences, data.Training.Targets, data.Training.Weights);
            (sequences, objective) = prior.Extend(sequences, data.Training.Targets, data.Training.Weights);
        }
        if (count > 1 && plan.Settings.Jobs is FitJobs.Spread spread)
        {
            for (int i = 0; i < count; i++)
            {
                starts[i] = plan.Begin(data, StartOf(i), SeedOf(i));
            }
            TrainingResult[] trained = StartJobs.Run(
                spread, plan, starts, sequences, objective, finished, cancellation);
            for (int i = 0; i < count; i++)
            {
                using TensorBoardLog? log = LogOf(plan.Settings, i);
                log?.ReportAll(trained[i], FitPlan.IsFirstOrder(plan.Method) ? plan.LearningRate : null);
                log?.Dispose();
                runs[i] = new FitRun(StartOf(i), plan.NameOf(StartOf(i), SeedOf(i)), trained[i], log?.Fault);
            }
            return Best(plan, starts, runs, prior);
        }
        var sideBySide = new ParallelOptions { MaxDegreeOfParallelism = Math.Min(count, Environment.ProcessorCount) };
        InOrder(count, sideBySide, i =>
        {
            (FitStart start, int seed) = (StartOf(i), SeedOf(i));
            starts[i] = plan.Begin(data, start, seed);
            using TensorBoardLog? log = LogOf(plan.Settings, i);
            IProgress<TrainingProgress>? shown = i == 0 ? new Reporting(plan, report, reporting, log) : log;
            TrainerOptions options = OptionsOf(plan, starts[i].States, checkpoint, isCheckpointAsked);
            TrainingResult training = Train(starts[i].Model, sequences, objective, options, shown, cancellation);
            log?.Dispose();
            runs[i] = new FitRun(start, plan.NameOf(start, seed), training, log?.Fault);
            lock (reporting)
            {
                finished(++done);
            }
        });

        return Best(plan, starts, runs, prior);

        FitStart StartOf(int i) => i == 0 ? plan.Start : FitStart.Orthogonal;

        int SeedOf(int i) => unchecked(plan.Settings.Seed + i);
    }

    /// <summary>The one with the smallest loss.</summary>
    private static TrainedFit Best(
        FitPlan plan, (LinearRnn Model, Matrix<double> States)[] starts, FitRun[] runs, ImpulseResponsePrior? prior)
    {
        int best = Enumerable.Range(0, runs.Length).MinBy(i => Rank(runs[i].Training));
        TrainingResult training = runs[best].Training;
        if (!double.IsFinite(training.BestLoss))
        {
            throw new DataFaultException(
                $"The training cannot start: {training.Summary.TrimEnd('.')}. Are the values of the data extreme?");
        }
        return new TrainedFit(plan, starts[best].Model, starts[best].States, training, runs, prior);
    }

    /// <summary>One after the other where they are few enough to use all threads themselves.</summary>
    private static void InOrder(int count, ParallelOptions options, Action<int> body)
    {
        if (count == 1)
        {
            body(0);
            return;
        }
        try
        {
            Parallel.For(0, count, options, body);
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<DataFaultException>().FirstOrDefault() is { } fault)
        {
            throw fault;
        }
    }

    /// <summary>A folder for each of several trainings, which TensorBoard then shows side by side.</summary>
    private static TensorBoardLog? LogOf(FitSettings settings, int start) => settings.TensorBoardFolder is string folder
        ? TensorBoardLog.Create(settings.Starts == 1 ? folder : Path.Combine(folder, $"start-{start + 1}"))
        : null;

    /// <summary>How a training runs.</summary>
    public static TrainerOptions OptionsOf(
        FitPlan plan, Matrix<double> states, string? checkpoint, Func<bool>? isCheckpointAsked)
    {
        FitSettings settings = plan.Settings;
        bool isFirstOrder = FitPlan.IsFirstOrder(plan.Method);
        return new TrainerOptions
        {
            Optimizer = plan.Optimizer(),
            Clipping = isFirstOrder ? settings.Clipping : null,
            Truncation = isFirstOrder ? settings.Truncation : null,
            InitialStateKind = settings.LearnsInitialState ? InitialStateKind.Learned : InitialStateKind.Zero,
            InitialStates = settings.LearnsInitialState ? states : null,
            MaxEpochs = plan.Epochs,
            Seed = settings.Seed,
            Execution = settings.Starts > 1
                ? new ExecutionOptions { MaxDegreeOfParallelism = 1 }
                : ExecutionOptions.Default,
            Checkpoint = checkpoint is null ? null : new CheckpointOptions(checkpoint, settings.CheckpointInterval)
            {
                IsAskedFor = isCheckpointAsked,
            },
            ResumeFrom = settings.ResumeFrom,
            ProgressInterval = settings.TensorBoardFolder is null
                ? new TrainerOptions().ProgressInterval
                : TimeSpan.Zero, // so that no epoch is missing there
            Shards = settings.Shards
                ?? (settings is { AsksForWorkers: true, Starts: 1 } ? FitSettings.ShardsForWorkers : 1),
            Segments = settings.Segments,
            Gradients = settings.Gradients,
        };
    }

    private static TrainingResult Train(
        LinearRnn model,
        SequenceBatch inputs,
        Objective objective,
        TrainerOptions options,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellation)
    {
        if (options.ResumeFrom is string path && !File.Exists(path))
        {
            throw new DataFaultException(
                $"--resume: {path}: "
                + $"{(Directory.Exists(path) ? "expected a checkpoint, got a folder" : "there is no such file")}.");
        }
        try
        {
            return Trainer.Run(model, inputs, objective, options, progress, cancellation);
        }
        catch (Exception e) when (
            options.ResumeFrom is not null && e is ArgumentException or InvalidDataException or FormatException)
        {
            throw new DataFaultException($"--resume: {MessageOf(e)}", e);
        }
    }

    /// <summary>Without the names that only a programmer knows.</summary>
    private static string MessageOf(Exception fault)
    {
        string message = fault.Message;
        if (fault is ArgumentException { ParamName: string name })
        {
            message = message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal);
            message = message.StartsWith($"{name}: ", StringComparison.Ordinal)
                ? message[(name.Length + 2)..]
                : message;
        }
        return message;
    }

    private static double Rank(TrainingResult training) =>
        double.IsFinite(training.BestLoss) ? training.BestLoss : double.PositiveInfinity;

    private sealed class Reporting(
        FitPlan plan, Action<EpochProgress> report, Lock reporting, TensorBoardLog? log)
        : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            log?.Report(value);

            // Where a method may converge long before its last epoch, the time until then says nothing.
            TimeSpan? timeLeft = FitPlan.IsFirstOrder(plan.Method) ? value.Remaining : null;
            lock (reporting)
            {
                report(new EpochProgress(
                    value.Epoch, value.MaxEpochs, value.Loss, value.GradientNorm, timeLeft, value));
            }
        }
    }
}
