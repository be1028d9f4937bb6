// One training with a remedy, or without: run, timed and judged.

using System.Diagnostics;
using Bptt.Cli.Data;
using Bptt.Remedies;
using Bptt.Training;

namespace Bptt.Cli.Fitting;

/// <summary>What became of a training.</summary>
internal enum RemedyOutcome
{
    /// <summary>Its best weights fit the training part better than the training mean.</summary>
    Learned,

    /// <summary>They do not.</summary>
    NotLearned,

    /// <summary>A loss, a gradient or a weight was no longer finite.</summary>
    Diverged,
}

/// <summary>The outcome of one training. Losses are of the data alone, without penalties.</summary>
/// <param name="Remedy">How it was trained.</param>
/// <param name="Training">How it went.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="FinalLoss">Of the weights when it ended.</param>
/// <param name="BestLoss">Of the best weights.</param>
/// <param name="HeldOutFit">Of a free run of the best weights; null where a fit is not defined.</param>
/// <param name="Seconds">What the training took.</param>
internal sealed record RemedyTrial(
    Remedy Remedy,
    TrainingResult Training,
    RemedyOutcome Outcome,
    double FinalLoss,
    double BestLoss,
    double? HeldOutFit,
    double Seconds)
{
    /// <summary>The largest gradient norm of all epochs; infinite where one was not finite.</summary>
    public double LargestGradientNorm => Training.History.Max(e => e.GradientNorm ?? double.PositiveInfinity);

    /// <summary>The outcome in words.</summary>
    public string OutcomeText => Outcome switch
    {
        RemedyOutcome.Learned => Training.StopReason == StopReason.Converged ? "converged" : "learned",
        RemedyOutcome.NotLearned => "not learned",
        _ => "diverged",
    };

    /// <summary>Trains and judges.</summary>
    /// <param name="remedy">How.</param>
    /// <param name="data">Of which the training part is seen; the held-out part judges.</param>
    /// <param name="settings">What all trainings share.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RemedyTrial Run(Remedy remedy, Dataset data, RemedySettings settings, CancellationToken cancellation)
    {
        LinearRnn start = Initializer.Orthogonal(
            data.InputChannels.Length, settings.HiddenSize, data.OutputChannels.Length, settings.Seed, remedy.Radius);
        Objective objective = data.Training.Objective;
        var clock = Stopwatch.StartNew();
        var training = Trainer.Run(
            start, data.Training.Inputs, objective, remedy.Options, progress: null, cancellation);
        double seconds = clock.Elapsed.TotalSeconds;
        cancellation.ThrowIfCancellationRequested();

        double best = LossOf(training.Model);
        double ofMean = objective.Loss(ForwardPass.Run(Silent(data), data.Training.Inputs));
        RemedyOutcome outcome = training.StopReason == StopReason.NonFinite ? RemedyOutcome.Diverged
            : best < ofMean ? RemedyOutcome.Learned
            : RemedyOutcome.NotLearned;
        double? fit = FitScore.OfHeldOut(data, data.RunFromRest(training.Model));
        return new RemedyTrial(
            remedy, training, outcome, LossOf(training.LastParameters.Model), best, fit, seconds);

        double LossOf(LinearRnn model) => objective.Loss(ForwardPass.Run(model, data.Training.Inputs));
    }

    /// <summary>A model whose outputs are zero, the training mean.</summary>
    private static LinearRnn Silent(Dataset data)
    {
        var build = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build;
        return new LinearRnn(
            build.Dense(1, data.InputChannels.Length), build.Dense(1, 1), build.Dense(data.OutputChannels.Length, 1));
    }
}
