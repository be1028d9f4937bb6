// What a training gave, with all that led to it. Data only.

using Bptt.Cli.Console;
using Bptt.Identification;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>One of several trainings.</summary>
/// <param name="Start">Where it began.</param>
/// <param name="Name">The same in words.</param>
/// <param name="Training">How it went.</param>
internal sealed record FitRun(FitStart Start, string Name, TrainingResult Training);

/// <summary>The best training.</summary>
/// <param name="Plan">How it was trained.</param>
/// <param name="InitialModel">Where it began.</param>
/// <param name="InitialStates">h_0 there, a column for each sequence that trains.</param>
/// <param name="Training">How it went.</param>
/// <param name="Runs">All trainings, this one among them.</param>
/// <param name="Prior">What the loss holds beside the squared error; null for nothing.</param>
internal sealed record FitResult(
    FitPlan Plan,
    LinearRnn InitialModel,
    Matrix<double> InitialStates,
    TrainingResult Training,
    IReadOnlyList<FitRun> Runs,
    ImpulseResponsePrior? Prior)
{
    /// <summary>The prior in words; null without one.</summary>
    public string? PriorSentence => Prior is null ? null
        : $"the impulse response decays smoothly: its variance falls by {Words.Number(Prior.Decay)} a step, "
            + $"from {Words.Number(Prior.Decay * Prior.Scale)} times the noise's";

    /// <summary>The best weights.</summary>
    public LinearRnn Model => Training.Model;

    /// <summary>h_0 that belongs to them.</summary>
    public Vector<double> InitialState => LearnedStates?.Column(0) ?? Vector<double>.Build.Dense(Model.HiddenSize);

    /// <summary>The h_0 of each sequence that trains; null where they are not learned and zero.</summary>
    public Matrix<double>? LearnedStates => Plan.Settings.LearnsInitialState ? Training.InitialStates : null;

    /// <summary>Where the training that was kept began.</summary>
    public string StartName => Kept.Name;

    /// <summary>The same as a kind.</summary>
    public FitStart Start => Kept.Start;

    private FitRun Kept => Runs.First(r => ReferenceEquals(r.Training, Training));

    /// <summary>The trainings side by side; null where there was one.</summary>
    public TextTable? StartTable()
    {
        if (Runs.Count == 1)
        {
            return null;
        }
        var table = new TextTable("start", "loss", "epochs", "end");
        foreach (FitRun run in Runs)
        {
            table.Add(
                run.Name + (ReferenceEquals(run.Training, Training) ? " (kept)" : ""),
                double.IsFinite(run.Training.BestLoss) ? $"{run.Training.BestLoss:0.00000E+0}" : "not finite",
                $"{run.Training.Epochs}",
                EndOf(run.Training));
        }
        return table;
    }

    /// <summary>Why a training ended, in a word or two.</summary>
    public static string EndOf(TrainingResult training) => training.StopReason switch
    {
        StopReason.Converged => "converged",
        StopReason.EpochLimit => "epoch limit",
        StopReason.Canceled => "stopped",
        StopReason.NonFinite => "diverged",
        _ => "done",
    };
}
